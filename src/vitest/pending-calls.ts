import { fileURLToPath, URL } from 'node:url'
import { PerfError } from '../errors.ts'
import type { FollowedCall } from '../lifecycle/attempt.ts'
import { swallow } from '../lifecycle/debug.ts'

const OWN_FILES = fileURLToPath(new URL('..', import.meta.url))

/** The calls of a test whose promises have not settled. One that is left when the body is over was not awaited. */
export class PendingCalls {
  readonly #calls = new Map<Promise<unknown>, { call: FollowedCall; error: PerfError }>()

  add(call: FollowedCall, work: Promise<unknown>): void {
    // Made here, where the call is: its stack leads to the line that lacks the `await`.
    this.#calls.set(work, { call, error: notAwaited(call) })
    const settle = () => this.#calls.delete(work)
    work.then(settle, settle)
  }

  /** The calls that run now. */
  calls(): ReadonlySet<Promise<unknown>> {
    return new Set(this.#calls.keys())
  }

  /**
   * An error for each call that still runs, but for `others`, and that its caller has not aborted. What becomes of these calls is no
   * failure of its own.
   */
  errors(others: ReadonlySet<Promise<unknown>> = new Set()): PerfError[] {
    const left = [...this.#calls].filter(([work, { call }]) => !others.has(work) && !call.signal?.aborted)
    for (const [work] of left) work.catch(swallow('call that was not awaited'))
    return left.map(([, { error }]) => error)
  }
}

function notAwaited({ name }: FollowedCall): PerfError {
  return callError(
    `\`${name}\` still ran when the test's body had ended, so nothing was judged by it. Await it: \`await ${name}\`.`,
  )
}

/** The error of a call that was made after its test had passed. */
export function calledTooLate({ name }: FollowedCall): PerfError {
  return callError(
    `\`${name}\` was called after its test had ended, so nothing is judged by it. Await what calls it in the test's body.`,
  )
}

function callError(message: string): PerfError {
  const error = new PerfError('PERF_NOT_AWAITED', message)
  error.stack = (error.stack ?? '')
    .split('\n')
    .filter((line) => !line.includes(OWN_FILES))
    .join('\n')
  return error
}
