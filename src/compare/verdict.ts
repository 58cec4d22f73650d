import type { ComparedMetricName, ComparisonVerdict } from '../results/comparison.ts'
import { deviation, mean } from './statistics/location.ts'
import { limitOf, type LookPlan } from './statistics/looks.ts'

/** Block values of a metric: ln(head / base) of each pair of fresh servers. */
export type BlockValues = readonly number[]

/** An estimate of ln(head / base) with its interval. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** `tolerance` is ln(1 + what the user allows). */
export interface JudgedMetric {
  readonly name: ComparedMetricName
  readonly tolerance: number
  readonly values: BlockValues
}

/**
 * Estimates the change over blocks: their mean, with a t interval at the plan's level. A restart is one data point, so the
 * degrees of freedom are blocks - 1 (Kalibera and Jones, Rigorous benchmarking in reasonable time, 2013).
 */
export function estimateChange(values: BlockValues, plan: LookPlan, metrics: number): Estimate {
  const value = mean(values)
  if (values.length < 2) return { value, low: Number.NaN, high: Number.NaN }
  const reach = (limitOf(plan, metrics, values.length) * deviation(values)) / Math.sqrt(values.length)
  return { value, low: value - reach, high: value + reach }
}

/** Judges one metric. An interval within the tolerance holds, also where all of it lies above 0. */
export function judgeMetric({ low, high }: Estimate, tolerance: number): ComparisonVerdict {
  if (high < tolerance) return 'held'
  return low > 0 ? 'slower' : 'inconclusive'
}

/** Joins the verdicts of the judged metrics: one that is slower decides, and all must hold. */
export function joinVerdicts(verdicts: readonly ComparisonVerdict[]): ComparisonVerdict {
  if (verdicts.includes('slower')) return 'slower'
  return verdicts.length > 0 && verdicts.every((verdict) => verdict === 'held') ? 'held' : 'inconclusive'
}

/** Judges all metrics that have a tolerance, after so many blocks. */
export function judge(metrics: readonly JudgedMetric[], plan: LookPlan): ComparisonVerdict {
  return joinVerdicts(
    metrics.map(({ values, tolerance }) => judgeMetric(estimateChange(values, plan, metrics.length), tolerance)),
  )
}

/** By an estimate above the tolerance, or at this look and the one before. */
function isSurelySlower({ values, tolerance }: JudgedMetric, plan: LookPlan, metrics: number): boolean {
  const isSlower = (blocks: number) =>
    judgeMetric(estimateChange(values.slice(0, blocks), plan, metrics), tolerance) === 'slower'
  if (!isSlower(values.length)) return false
  const before = plan.looks.findLast((look) => look < values.length)
  return mean(values) >= tolerance || (before !== undefined && isSlower(before))
}

/**
 * Whether a comparison may stop at a look. A few blocks that happen to agree look sure, so 'slower' by an estimate within the
 * tolerance must be seen at two looks in a row. That takes false alarms of recorded blocks from 0.3 % to 0.1 %, and costs
 * two blocks where the change is that of the tolerance (`npm run bench -- compare --replay`).
 */
export function isSettled(metrics: readonly JudgedMetric[], plan: LookPlan): boolean {
  const verdict = judge(metrics, plan)
  if (verdict !== 'slower') return verdict === 'held'
  return metrics.some((metric) => isSurelySlower(metric, plan, metrics.length))
}

/** Search limit of `blocksToDecide`. */
const MOST = 400

/**
 * The number of blocks that would decide if further blocks were like those so far; `undefined` where that is more than 400.
 */
export function blocksToDecide(metrics: readonly JudgedMetric[], plan: LookPlan): number | undefined {
  const fewest = Math.max(...metrics.map(({ values }) => values.length), 2)
  for (let blocks = fewest; blocks <= MOST; blocks += 1) {
    const limit = limitOf(plan, metrics.length, blocks) / Math.sqrt(blocks)
    const verdicts = metrics.map(({ values, tolerance }) => {
      const value = mean(values)
      const reach = limit * deviation(values)
      return judgeMetric({ value, low: value - reach, high: value + reach }, tolerance)
    })
    if (joinVerdicts(verdicts) !== 'inconclusive') return blocks
  }
  return undefined
}
