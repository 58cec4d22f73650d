import type { ComparedMetricName, Comparison } from '../results/comparison.ts'
import { COMPARED_METRICS } from '../results/comparison.ts'
import {
  describeMetric,
  formatChange,
  formatInterval,
  formatShare,
  judgedMetrics,
  METRIC_LABELS,
} from '../results/comparison-text.ts'
import { formatCount, formatDuration } from '../units.ts'
import type { PerfCompareArtifact } from '../vitest/artifacts.ts'
import { escapeHtml } from './html-text.ts'
import type { Figure, MeasurementEntry, MeasurementKind } from './measurement-kind.ts'
import { recorded, type Recorded } from './recorded.ts'
import type { Cell, Tone } from './table.ts'

/** A comparison of two servers, as the JSON report has it. */
export interface CompareEntry extends MeasurementEntry {
  outcome: PerfCompareArtifact['outcome']
  comparison?: Recorded<Comparison>
  error?: string
}

const TONES: Readonly<Record<Comparison['verdict'], Tone>> = { slower: 'bad', held: 'good', inconclusive: 'unsure' }
const SHOWN: readonly ComparedMetricName[] = ['cpuPerRequest', 'latency.p50', 'latency.p99']

function live(comparison: Recorded<Comparison>): Comparison {
  return comparison as Comparison
}

function changeCell(comparison: Recorded<Comparison>, name: ComparedMetricName): Cell {
  const metric = live(comparison).metrics[name]
  const text = formatChange(metric.change)
  return metric.tolerance === undefined ? { text } : { text, tone: TONES[metric.verdict] }
}

/** Base and head, as far as they have names: `origin/main (a1b2c3d4)`. */
function sideText({ source, ref, commit, dirty }: Recorded<Comparison>['base']): string {
  const name = ref ?? source
  const at = [commit?.slice(0, 8), dirty ? 'uncommitted changes' : undefined].filter((part) => part !== undefined)
  return at.length > 0 ? `${name} (${at.join(', ')})` : name
}

function row({ title, outcome, comparison }: CompareEntry): Cell[] {
  if (!comparison)
    return [{ text: title }, { text: outcome, tone: 'unsure' }, ...SHOWN.map(() => ({ text: '–' })), { text: '0' }]
  const ended = outcome === 'completed' ? '' : ` (${outcome})`
  return [
    { text: title + ended },
    { text: comparison.verdict, tone: TONES[comparison.verdict] },
    ...SHOWN.map((name) => changeCell(comparison, name)),
    { text: formatCount(comparison.pairs) },
  ]
}

/** What was found, as a review comment says it; then what a reader should know besides. */
function notes({ comparison, error }: CompareEntry): string[] {
  if (!comparison) return error === undefined ? [] : [error.split('\n', 1)[0] as string]
  return [
    comparison.reason,
    `base: ${sideText(comparison.base)}; head: ${sideText(comparison.head)}; ${formatDuration(comparison.duration)}`,
    ...comparison.notes,
  ]
}

function cause({ comparison }: CompareEntry, message: string | undefined): string | undefined {
  const failed = message?.includes('Expected head not to be slower than base') === true
  return failed && comparison && comparison.verdict !== 'held' ? comparison.reason : undefined
}

function details({ comparison }: CompareEntry): string[] {
  if (!comparison) return []
  const judged = judgedMetrics(live(comparison))
  return judged.map(
    ([name, metric]) =>
      `${describeMetric(name, metric)}, tolerated ${formatShare(metric.tolerance)}: ${metric.verdict}`,
  )
}

// The page: for each metric its interval against the tolerance, and the blocks as points ----------------------------------

const WIDTH = 640
const LEFT = 130
const RIGHT = 150
const ROW = 34

/** Where a change stands on the common scale. */
type Place = (change: number) => number

/** The scale shows every interval and tolerance; points beyond it are drawn at its ends. */
function placeOf(comparison: Comparison): Place {
  const judged = judgedMetrics(comparison).map(([, metric]) => metric)
  const ends = judged.flatMap(({ interval, tolerance = 0 }) => [...interval, tolerance * 2, -tolerance])
  const finite = ends.filter((end) => typeof end === 'number' && Number.isFinite(end))
  const [low, high] = [Math.min(-0.02, ...finite), Math.max(0.05, ...finite)]
  return (change) => LEFT + ((Math.min(high, Math.max(low, change)) - low) / (high - low)) * (WIDTH - LEFT - RIGHT)
}

function metricRow(name: ComparedMetricName, comparison: Comparison, place: Place, at: number): string {
  const metric = comparison.metrics[name]
  const [low, high] = metric.interval
  const y = at * ROW + ROW / 2
  const judged = metric.tolerance === undefined ? 'shown' : metric.verdict
  const points = metric.blocks.map(
    (block, index) =>
      `<circle class="block" cx="${place(block).toFixed(1)}" cy="${(y + 7 + (index % 3) * 2).toFixed(1)}" r="1.8"/>`,
  )
  const has = Number.isFinite(low ?? Number.NaN) && low !== null && high !== null
  const interval = has
    ? `<line class="interval ${judged}" x1="${place(low).toFixed(1)}" x2="${place(high).toFixed(1)}" y1="${y}" y2="${y}"/><circle class="estimate ${judged}" cx="${place(metric.change).toFixed(1)}" cy="${y}" r="4"/>`
    : ''
  const tolerance =
    metric.tolerance === undefined
      ? ''
      : `<line class="tolerance" x1="${place(metric.tolerance).toFixed(1)}" x2="${place(metric.tolerance).toFixed(1)}" y1="${y - 12}" y2="${y + 12}"><title>tolerance ${escapeHtml(formatShare(metric.tolerance))}</title></line>`
  return `<g><text x="0" y="${y + 4}">${escapeHtml(METRIC_LABELS[name])}</text>${points.join('')}${interval}${tolerance}<text class="figure" x="${WIDTH}" y="${y + 4}" text-anchor="end">${escapeHtml(formatChange(metric.change))} (${escapeHtml(formatInterval(metric.interval))})</text></g>`
}

function page({ title, comparison }: CompareEntry): string {
  if (!comparison || comparison.pairs === 0) return ''
  const shown = live(comparison)
  const place = placeOf(shown)
  const rows = COMPARED_METRICS.map((name, at) => metricRow(name, shown, place, at))
  const height = COMPARED_METRICS.length * ROW
  const zero = place(0).toFixed(1)
  return `<figure class="compare"><figcaption>${escapeHtml(title)}: change from base to head <small>line: interval, dots: pairs of servers, bar: tolerance</small></figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(comparison.reason)}"><line class="zero" x1="${zero}" x2="${zero}" y1="0" y2="${height}"/>${rows.join('')}</svg></figure>`
}

const SECONDS: readonly ComparedMetricName[] = COMPARED_METRICS

function figures({ comparison }: CompareEntry): Figure[] {
  if (!comparison) return []
  const metrics = SECONDS.flatMap((name): Figure[] => {
    const { change, interval } = comparison.metrics[name]
    const labels = { metric: name }
    return [
      { name: 'compare_change_ratio', help: 'Change from base to head; 0.05 is 5 % more.', value: change, labels },
      {
        name: 'compare_change_low_ratio',
        help: 'Lower end of the interval of the change.',
        value: interval[0],
        labels,
      },
      {
        name: 'compare_change_high_ratio',
        help: 'Upper end of the interval of the change.',
        value: interval[1],
        labels,
      },
    ]
  })
  return [
    ...metrics,
    { name: 'compare_pairs', help: 'Pairs of fresh servers that were compared.', value: comparison.pairs },
  ]
}

/** `perf:compare` in every report. */
export const COMPARE_MEASUREMENT: MeasurementKind<PerfCompareArtifact, CompareEntry> = {
  name: 'compare',
  type: 'perf:compare',
  entry: ({ id, attempt, title, outcome, comparison, error }) => ({
    id,
    attempt,
    title,
    outcome,
    ...(comparison ? { comparison: recorded(comparison) } : {}),
    ...(error === undefined ? {} : { error }),
  }),
  columns: [
    { title: 'compare' },
    { title: 'verdict' },
    { title: 'CPU', align: 'right' },
    { title: 'p50', align: 'right' },
    { title: 'p99', align: 'right' },
    { title: 'pairs', align: 'right' },
  ],
  row,
  notes,
  cause,
  details,
  page,
  figures,
  endLine: ({ title, outcome, comparison, error }) =>
    `${title}: ${comparison ? `${comparison.verdict} after ${comparison.pairs} pairs: ${comparison.reason}` : `${outcome}${error ? `: ${error.split('\n', 1)[0]}` : ''}`}`,
}
