import type { OptionIssue } from '../errors.ts'
import { isRecord, optionIssue, rejectIssues, unknownOption } from '../option-issues.ts'
import {
  COMPARED_METRICS,
  type ComparedMetricName,
  type Comparison,
  type ComparisonVerdict,
} from '../results/comparison.ts'
import { describeMetric, describeSlower, formatShare, judgedMetrics } from '../results/comparison-text.ts'
import { findToleranceIssues, resolveTolerances, type CompareTolerance, type Tolerances } from './tolerance.ts'
import { joinVerdicts, judgeMetric } from './verdict.ts'

/** Options of `toRegress`. */
export interface RegressOptions {
  /** Whether a comparison that decided nothing counts as a regression too. */
  strict?: boolean
}

/** What `toRegress` says of a comparison. */
export interface Regression {
  readonly regressed: boolean
  readonly verdict: ComparisonVerdict
  readonly message: string
}

function findIssues(comparison: unknown, tolerance: unknown, options: unknown): OptionIssue[] {
  const issues: OptionIssue[] = []
  if (!isComparison(comparison)) {
    const hint = isPromise(comparison) ? ' (a promise: `await` the comparison)' : ''
    issues.push(optionIssue('expect(…)', `the result of \`compareServers\`${hint}`, comparison))
  }
  issues.push(...findToleranceIssues(tolerance, 'tolerance'))
  if (options === undefined) return issues
  if (!isRecord(options)) return [...issues, optionIssue('options', 'an object { strict? }', options)]
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'strict') issues.push(unknownOption(name, ['strict'], value))
    else if (value !== undefined && typeof value !== 'boolean') issues.push(optionIssue(name, 'true or false', value))
  }
  return issues
}

function isPromise(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | null)?.then === 'function'
}

function isComparison(value: unknown): value is Comparison {
  if (!isRecord(value) || typeof value.verdict !== 'string' || !Array.isArray(value.notes)) return false
  const { metrics } = value
  return isRecord(metrics) && COMPARED_METRICS.every((name) => isRecord(metrics[name]))
}

/** The comparison, held against other tolerances than those that it was made with. */
function judgeAgain(comparison: Comparison, tolerances: Tolerances): Pick<Comparison, 'verdict' | 'metrics'> {
  const metrics = Object.fromEntries(
    COMPARED_METRICS.map((name) => {
      const { tolerance: _before, ...metric } = comparison.metrics[name]
      const tolerance = tolerances[name]
      if (tolerance === undefined) return [name, metric]
      // A comparison that was JSON has `null` for what has no data.
      const [low, high] = metric.interval.map((end) => end ?? Number.NaN) as [number, number]
      return [name, { ...metric, tolerance, verdict: judgeMetric({ value: metric.change, low, high }, tolerance) }]
    }),
  ) as Comparison['metrics']
  const verdicts = judgedMetrics({ metrics }).map(([, { verdict }]) => verdict)
  return { metrics, verdict: comparison.obstacle ? 'inconclusive' : joinVerdicts(verdicts) }
}

function lineOf(name: ComparedMetricName, { metrics }: Pick<Comparison, 'metrics'>): string {
  const metric = metrics[name]
  const mark = { slower: '✗', held: '✓', inconclusive: '?' }[metric.verdict]
  const finding = metric.verdict === 'slower' ? describeSlower(name, metric) : describeMetric(name, metric)
  return `  ${mark} ${finding}, tolerated ${formatShare(metric.tolerance)}: ${metric.verdict}`
}

function nameOf({ source, ref, commit, dirty }: Comparison['base']): string {
  const at = [ref ?? '', commit?.slice(0, 8) ?? '', dirty ? 'with uncommitted changes' : ''].filter(Boolean).join(', ')
  return at === '' ? source : `${source} (${at})`
}

/**
 * Says whether head has become slower than base. `tolerance` takes the place of the comparison's own.
 *
 * @throws {PerfOptionsError} for what is no comparison, and for mistakes in the options.
 */
export function describeRegression(
  comparison: unknown,
  tolerance: CompareTolerance | undefined,
  options: RegressOptions | undefined,
  isNot: boolean,
): Regression {
  rejectIssues('use of `toRegress`', findIssues(comparison, tolerance, options))
  const given = comparison as Comparison
  const judged = tolerance ? judgeAgain(given, resolveTolerances(tolerance)) : given
  const undecided = judged.verdict === 'inconclusive'
  const regressed = judged.verdict === 'slower' || (undecided && options?.strict === true)
  const expected = `Expected head ${isNot ? 'not ' : ''}to be slower than base`
  const what = undecided ? 'it is not decided' : judged.verdict === 'slower' ? 'it is' : 'it is not'
  const lines = judgedMetrics(judged).map(([name]) => lineOf(name, judged))
  const about = [
    ...(undecided || given.obstacle ? [`  ${given.reason}`] : []),
    `  ${given.pairs} pairs of fresh servers, ${given.url}`,
    `  base: ${nameOf(given.base)}`,
    `  head: ${nameOf(given.head)}`,
    ...given.notes.map((note) => `  note: ${note}`),
  ]
  return { regressed, verdict: judged.verdict, message: [`${expected}; ${what}:`, ...lines, ...about].join('\n') }
}
