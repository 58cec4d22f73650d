import type { ExpectedStatus } from './load-options.ts'

/** The statuses that count as success, both ends included. */
export type StatusRange = readonly [from: number, to: number]

export function statusRange(expected: ExpectedStatus): StatusRange {
  return typeof expected === 'number' ? [expected, expected] : expected
}

/** Whether it is what the types of `ExpectedStatus` say: a scenario may not be checked by them. */
export function isStatusRange(range: unknown): range is StatusRange {
  if (!Array.isArray(range) || range.length !== 2) return false
  const [from, to] = range as [unknown, unknown]
  return isStatus(from) && isStatus(to) && from <= to
}

function isStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 100 && (status as number) <= 599
}
