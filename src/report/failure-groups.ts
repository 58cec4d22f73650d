import { explainFailure } from './failure.ts'
import type { TestSummary } from './summary.ts'

/** A cause, and the tests that failed of it. */
export interface FailureGroup {
  cause: string
  tests: TestSummary[]
}

/** The failed tests by cause, in their order: what several share is told once. */
export function groupFailures(tests: readonly TestSummary[]): FailureGroup[] {
  const groups = new Map<string, FailureGroup>()
  for (const test of tests) {
    const cause = explainFailure(test)?.cause
    if (cause === undefined) continue
    const key = sharedPart(cause)
    const known = groups.get(key)
    if (known) known.tests.push(test)
    else groups.set(key, { cause, tests: [test] })
  }
  return [...groups.values()]
}

/** Ports, process ids and times differ from one failure to the next of the same cause. */
function sharedPart(cause: string): string {
  return cause
    .replace(/:\d{2,5}(?=\/|\b)/g, ':port')
    .replace(/\bpid \d+/g, 'pid')
    .replace(/\b[\d.]+ m?s\b/g, 'time')
}
