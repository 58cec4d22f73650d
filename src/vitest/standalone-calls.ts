import { TestRunner, type TestContext } from 'vitest'
import { followCallsOutside, type FollowedCall } from '../lifecycle/attempt.ts'
import { PendingCalls } from './pending-calls.ts'
import { runningAttempt } from './test-attempt.ts'

type Task = TestContext['task']

const pending = new WeakMap<Task, PendingCalls>()

/** The calls that a test has made without our fixtures; those that still run at its end fail it. */
function pendingOf(task: Task): PendingCalls {
  const known = pending.get(task)
  if (known) return known
  const calls = new PendingCalls()
  pending.set(task, calls)
  task.context.onTestFinished(() => {
    pending.delete(task)
    const errors = task.result?.state === 'pass' ? calls.errors() : []
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors, errors[0]?.message)
  })
  return calls
}

function followCall(call: FollowedCall, work: Promise<unknown>): void {
  const task = TestRunner.getCurrentTest()
  // If several tests run at once, it is not known which one calls.
  if (!task || task.concurrent) return
  const attempt = runningAttempt(task)
  if (attempt) attempt.follow(call, work)
  else pendingOf(task).add(call, work)
}

/** Has a test fail whose body ends before what `new LoadGenerator()`, `startServer()` and the like have begun in it. */
export function followStandaloneCalls(): void {
  followCallsOutside(followCall)
}
