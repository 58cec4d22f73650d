import { formatDuration } from '../units.ts'
import type { ComparedMetric, ComparedMetricName, Comparison } from './comparison.ts'

/** What each metric is called in sentences. */
export const METRIC_LABELS: Readonly<Record<ComparedMetricName, string>> = {
  cpuPerRequest: 'CPU per request',
  timePerRequest: 'time per request',
  'latency.p50': 'p50 latency',
  'latency.p90': 'p90 latency',
  'latency.p99': 'p99 latency',
}

/** A share as a percentage without its sign: `6.6 %`. */
export function formatShare(share: number | null | undefined): string {
  if (typeof share !== 'number' || !Number.isFinite(share)) return '–'
  return `${percentage(share)} %`
}

function percentage(share: number): string {
  const percent = share * 100
  if (percent >= 1_000) return 'over 1000'
  const size = Math.abs(percent)
  const text = size >= 99.5 ? percent.toFixed(0) : percent.toFixed(1)
  return Number(text) === 0 ? '0' : text.replace(/\.0$/, '').replace('-', '−')
}

/** A change with its sign: `+6.6 %`, `−1.2 %`. */
export function formatChange(change: number | null | undefined): string {
  if (typeof change !== 'number' || !Number.isFinite(change)) return '–'
  const text = percentage(change)
  if (text.startsWith('over')) return `${text} %`
  return `${text === '0' || text.startsWith('−') ? '' : '+'}${text} %`
}

/** `−1.2 % to +3.4 %`. */
export function formatInterval([low, high]: readonly [low: number | null, high: number | null]): string {
  return `${formatChange(low)} to ${formatChange(high)}`
}

/** `head needs 6.6 % more CPU per request (2.1 % to 11.3 %)`. */
export function describeSlower(name: ComparedMetricName, { change, interval: [low, high] }: ComparedMetric): string {
  const range = `(${formatShare(low)} to ${formatShare(high)})`
  return name === 'cpuPerRequest'
    ? `head needs ${formatShare(change)} more CPU per request ${range}`
    : `head has ${formatShare(change)} more ${METRIC_LABELS[name]} ${range}`
}

/** `CPU per request +0.4 % (−1.2 % to +2.1 %)`. */
export function describeMetric(name: ComparedMetricName, { change, interval }: ComparedMetric): string {
  return `${METRIC_LABELS[name]} ${formatChange(change)} (${formatInterval(interval)})`
}

type Judged = readonly [name: ComparedMetricName, metric: ComparedMetric]

/** The metrics that are judged, in order. */
export function judgedMetrics({ metrics }: Pick<Comparison, 'metrics'>): Judged[] {
  return (Object.entries(metrics) as [ComparedMetricName, ComparedMetric][]).filter(
    ([, { tolerance }]) => tolerance !== undefined,
  )
}

function join(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}

function describeTolerances(judged: readonly Judged[]): string {
  const tolerances = [...new Set(judged.map(([, { tolerance }]) => formatShare(tolerance)))]
  return tolerances.length === 1
    ? `the tolerance of ${tolerances[0]}`
    : `tolerances of ${join(judged.map(([name, { tolerance }]) => `${formatShare(tolerance)} (${METRIC_LABELS[name]})`))}`
}

/** What a comparison without an obstacle found, as a reviewer would say it. */
export function describeFinding(comparison: Pick<Comparison, 'verdict' | 'metrics' | 'pairs' | 'moreTime'>): string {
  const judged = judgedMetrics(comparison)
  if (comparison.verdict === 'slower') {
    const slower = judged.filter(([, { verdict }]) => verdict === 'slower')
    const sentence = join(slower.map(([name, metric]) => describeSlower(name, metric)))
    return `${sentence}; ${describeTolerances(slower)} is not kept.`
  }
  const figures = join(judged.map(([name, metric]) => describeMetric(name, metric)))
  if (comparison.verdict === 'held') return `head is not slower within ${describeTolerances(judged)}: ${figures}.`
  return `${comparison.pairs} pairs of servers did not decide: ${figures}. ${describeNeed(comparison.moreTime)}`
}

function describeNeed(moreTime: number | undefined): string {
  return moreTime === undefined
    ? 'The difference is too close to the tolerance: another tolerance would decide, more time would hardly.'
    : `About ${formatDuration(moreTime)} more of \`duration\` would probably decide.`
}
