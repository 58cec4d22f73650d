import type { Capacity, CapacityStep } from '../results/capacity.ts'
import { formatCount, formatDuration, formatRate, formatRatio, isMeasured } from '../units.ts'
import type { PerfCapacityArtifact } from '../vitest/artifacts.ts'
import { escapeHtml } from './html-text.ts'
import type { MeasurementEntry, MeasurementKind } from './measurement-kind.ts'
import { recorded, type Recorded } from './recorded.ts'
import type { Cell } from './table.ts'

/** A search for the capacity, as the JSON report has it. */
export interface CapacityEntry extends MeasurementEntry {
  outcome: PerfCapacityArtifact['outcome']
  capacity?: Recorded<Capacity>
  error?: string
}

const LIMITS: Readonly<Record<Capacity['limitedBy'], string>> = {
  threshold: 'a threshold',
  generator: 'the load process',
  to: '`to`',
}

function row({ title, outcome, capacity }: CapacityEntry): Cell[] {
  if (!capacity)
    return [{ text: title }, { text: '–' }, { text: '–' }, { text: outcome, tone: 'unsure' }, { text: '0' }]
  const ended = outcome === 'completed' ? '' : ` (${outcome})`
  return [
    { text: title + ended },
    { text: formatRate(capacity.rate), tone: 'strong' },
    { text: formatRate(capacity.interval[1]) },
    capacity.limitedBy === 'threshold'
      ? { text: LIMITS.threshold }
      : { text: LIMITS[capacity.limitedBy], tone: 'unsure' },
    { text: formatCount(capacity.steps.length) },
  ]
}

// The page: rate against p99 and errors, with the knee ----------------------------------------------------------------------

const WIDTH = 640
const HEIGHT = 220
const PAD = { left: 60, right: 20, top: 14, bottom: 30 }

interface Point {
  rate: number
  p99: number
  errors: number
  holds: boolean
}

function pointsOf(capacity: Recorded<Capacity>): Point[] {
  const steps = capacity.steps as unknown as CapacityStep[]
  return steps
    .flatMap(({ rate, holds, result }): Point[] => {
      const p99 = result.latency.p99
      return isMeasured(p99) ? [{ rate, p99, errors: isMeasured(result.errorRate) ? result.errorRate : 0, holds }] : []
    })
    .sort((one, other) => one.rate - other.rate)
}

/** Where on a logarithmic scale from `low` to `high` a value stands, 0 to 1. */
function place(value: number, low: number, high: number): number {
  return high > low ? Math.log(value / low) / Math.log(high / low) : 0.5
}

function page({ title, capacity }: CapacityEntry): string {
  const points = capacity ? pointsOf(capacity) : []
  if (!capacity || points.length === 0) return ''
  const rates = points.map(({ rate }) => rate)
  const latencies = points.map(({ p99 }) => Math.max(p99, 0.01))
  const [lowRate, highRate] = [Math.min(...rates), Math.max(...rates)]
  const [lowLatency, highLatency] = [Math.min(...latencies), Math.max(...latencies)]
  const x = (rate: number) => (PAD.left + place(rate, lowRate, highRate) * (WIDTH - PAD.left - PAD.right)).toFixed(1)
  const y = (latency: number) =>
    (
      HEIGHT -
      PAD.bottom -
      place(Math.max(latency, 0.01), lowLatency, highLatency) * (HEIGHT - PAD.top - PAD.bottom)
    ).toFixed(1)
  const line = points.map(({ rate, p99 }) => `${x(rate)},${y(p99)}`).join(' ')
  const dots = points.map(
    ({ rate, p99, errors, holds }) =>
      `<circle class="${holds ? 'held' : 'slower'}" cx="${x(rate)}" cy="${y(p99)}" r="4"><title>${escapeHtml(`${formatRate(rate)}: p99 ${formatDuration(p99)}, errors ${formatRatio(errors)}`)}</title></circle>` +
      (errors > 0
        ? `<text class="errors" x="${x(rate)}" y="${HEIGHT - PAD.bottom - 4}" text-anchor="middle">${escapeHtml(formatRatio(errors))}</text>`
        : ''),
  )
  const rate = capacity.rate ?? 0
  const knee =
    rate > 0
      ? `<line class="knee" x1="${x(rate)}" x2="${x(rate)}" y1="${PAD.top}" y2="${HEIGHT - PAD.bottom}"/><text x="${x(rate)}" y="${PAD.top - 3}" text-anchor="middle">${escapeHtml(formatRate(rate))}</text>`
      : ''
  const axes = [
    `<text class="figure" x="${PAD.left - 6}" y="${y(highLatency)}" text-anchor="end">${escapeHtml(formatDuration(highLatency))}</text>`,
    `<text class="figure" x="${PAD.left - 6}" y="${y(lowLatency)}" text-anchor="end">${escapeHtml(formatDuration(lowLatency))}</text>`,
    `<text class="figure" x="${x(lowRate)}" y="${HEIGHT - 8}">${escapeHtml(formatRate(lowRate))}</text>`,
    `<text class="figure" x="${x(highRate)}" y="${HEIGHT - 8}" text-anchor="end">${escapeHtml(formatRate(highRate))}</text>`,
  ]
  return `<figure class="compare capacity"><figcaption>${escapeHtml(title)}: p99 by rate <small>green: everything held; the line marks the capacity; errors as percentages below</small></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(capacity.reason)}"><polyline class="curve" points="${line}"/>${knee}${dots.join('')}${axes.join('')}</svg></figure>`
}

/** `perf:capacity` in every report. */
export const CAPACITY_MEASUREMENT: MeasurementKind<PerfCapacityArtifact, CapacityEntry> = {
  name: 'capacity',
  type: 'perf:capacity',
  entry: ({ id, attempt, title, outcome, capacity, error }) => ({
    id,
    attempt,
    title,
    outcome,
    ...(capacity ? { capacity: recorded(capacity) } : {}),
    ...(error === undefined ? {} : { error }),
  }),
  columns: [
    { title: 'capacity' },
    { title: 'holds', align: 'right' },
    { title: 'fails', align: 'right' },
    { title: 'limited by' },
    { title: 'steps', align: 'right' },
  ],
  row,
  notes: ({ capacity, error }) =>
    capacity ? [capacity.reason] : error === undefined ? [] : [error.split('\n', 1)[0] as string],
  page,
  figures: ({ capacity }) =>
    capacity
      ? [{ name: 'capacity_per_second', help: 'Highest rate at which all thresholds hold.', value: capacity.rate }]
      : [],
  endLine: ({ title, outcome, capacity, error }) =>
    `${title}: ${capacity ? capacity.reason : `${outcome}${error ? `: ${error.split('\n', 1)[0]}` : ''}`}`,
}
