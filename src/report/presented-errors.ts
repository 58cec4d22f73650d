import type { TestCase } from 'vitest/node'
import { frameLines } from '../errors.ts'
import { wholeMessage } from './cause.ts'
import { groupFailures } from './failure-groups.ts'
import type { TestSummary } from './summary.ts'

/** An error as Vitest keeps it with a task. */
interface TaskError {
  name?: string
  message?: string
  stack?: string
  code?: unknown
}

interface TaskResult {
  errors?: TaskError[]
  attempts?: { errors?: TaskError[] }[]
}

interface PresentedTest {
  test: TestCase
  summary: TestSummary
}

/**
 * Runs `print` while every failed perf test shows its cause in place of its errors: one sentence, the line of the spec it belongs
 * to, and none of what Vitest would list of our errors (issues, process ids, kilobytes of output). With `share`, tests that failed
 * of the same cause have the very same error, which makes Vitest tell it once under all of their names.
 */
export function withCauses(tests: readonly PresentedTest[], { share }: { share: boolean }, print: () => void): void {
  const restore: (() => void)[] = []
  const known = new Map(tests.map(({ summary, test }) => [summary, test]))
  for (const { cause, tests: failed } of groupFailures(tests.map(({ summary }) => summary))) {
    let shared: TaskError | undefined
    for (const summary of failed) {
      const test = known.get(summary)
      const result = test && resultOf(test)
      if (!test || !result?.errors?.length) continue
      const { errors, attempts } = result
      const own = presentedErrors(errors, cause, test)
      if (share && own[0] && failed.length > 1) own[0] = shared ??= own[0]
      result.errors = own
      // Vitest 5 shows the errors attempt by attempt; the cause is that of the last.
      const last = attempts?.at(-1)
      if (last) result.attempts = [{ ...last, errors: own }]
      restore.push(() => Object.assign(result, { errors, ...(attempts ? { attempts } : {}) }))
    }
  }
  try {
    print()
  } finally {
    for (const undo of restore) undo()
  }
}

/** What Vitest's reporters read; its public types leave it out. */
function resultOf(test: TestCase): TaskResult | undefined {
  return (test as unknown as { task?: { result?: TaskResult } }).task?.result
}

function presentedErrors(errors: readonly TaskError[], cause: string, test: TestCase): TaskError[] {
  const [first, ...others] = errors
  if (!first) return []
  // An error of the spec's own, a failed expectation for instance, is shown as Vitest shows it, with its difference.
  if (!isOurs(first) && wholeMessage(first.message ?? '') === cause) return [first, ...others]
  const told = (error: TaskError) => isOurs(error) || error.message === first.message
  return [sentence(first, cause, test), ...others.filter((error) => !told(error))]
}

function isOurs({ code }: TaskError): boolean {
  return typeof code === 'string' && code.startsWith('PERF_')
}

function sentence(error: TaskError, cause: string, test: TestCase): TaskError {
  const name = error.name ?? 'Error'
  const frames = frameLines({ name, message: '', stack: error.stack ?? '' })
  const user = frames.filter((line) => !/\(node:|at node:/.test(line))
  const { line = 1, column = 1 } = test.location ?? {}
  const at = user.length > 0 ? user : [`    at ${test.module.moduleId}:${line}:${column}`]
  return { name, message: cause, stack: [`${name}: ${cause}`, ...at].join('\n') }
}
