import type { LoadResult } from '../metrics/load-result.ts'
import { evaluateThresholds, type ThresholdCondition, type ThresholdOutcome } from '../metrics/threshold.ts'

/** Milliseconds and attempts before which a figure is too young to end a load. */
const MIN_TIME = 1_000
const MIN_ATTEMPTS = 100

// These only grow while a load runs: that one of them is still below a lower bound says nothing yet.
const GROWING =
  /^(requests|duration|dropped|unanswered|latency\.max|throughput\.bytes|statusCodes\..+|errors\..+|collections\..+)$/
// These are of the end, or of one moment.
const NOT_YET = /^(samples|stages|generator|startedAt|progress|interval)\b/

/**
 * The outcomes of all thresholds where one of them has failed for good in the middle of a load; `undefined` as long as none has.
 * A figure without data, and a lower bound on a figure that only grows, wait for the end.
 */
export function failedForGood(
  result: LoadResult,
  thresholds: readonly { metric: string; condition: ThresholdCondition }[],
): ThresholdOutcome[] | undefined {
  const attempts = result.requests + result.errors.total
  if (result.duration < MIN_TIME || attempts < MIN_ATTEMPTS) return undefined
  const outcomes = evaluateThresholds(result, thresholds)
  const failed = outcomes.some(({ metric, value, passed }, index) => {
    if (passed || value === null || NOT_YET.test(metric)) return false
    const { operator, bound } = (thresholds[index] as { condition: ThresholdCondition }).condition
    if (!GROWING.test(metric)) return true
    return operator.startsWith('<') || (operator === '==' && value > bound)
  })
  return failed ? outcomes : undefined
}
