import { parseCondition } from '../results/threshold.ts'
import { isMeasured } from '../units.ts'
import { namesOf } from './load-tables.ts'
import { formatBound } from './metric-text.ts'
import { pausesDuring } from './own-pauses.ts'
import { oneLine } from './screen-text.ts'
import type { LoadEntry, MemoryEntry, TestSummary, ThresholdEntry } from './summary.ts'
import { groups, loadSeries, nameSeries, shortNumber, type LoadSeries, type NameSeries } from './thinning.ts'

/** A horizontal line in a plot: what was promised, and whether it held. */
interface BoundLine {
  value: number
  label: string
  passed: boolean
}

export interface LoadPlots {
  title: string
  /** `[1 / (1 - percentile), milliseconds]`: the scale on which every further nine is a step of its own. */
  spectrum: [number, number][]
  series: LoadSeries
  latencyBounds: BoundLine[]
  rateBounds: BoundLine[]
  /** Seconds that the load took: plots show all of it. */
  end: number
  /** When a memory watch of ours made the server stand still: `[from, to]` in seconds, and what it was. */
  marks: { from: number; to: number; label: string }[]
  /** Series of the names that have one, in the order of the page's table. */
  names: { name: string; series: NameSeries }[]
}

export interface MemoryPlot {
  title: string
  figure: 'heap' | 'rss'
  /** One axis for all columns: seconds from the start. */
  seconds: number[]
  heap: (number | null)[]
  rss: (number | null)[]
  /** What was left after a full collection. */
  floor: (number | null)[]
  /** The line through the floors. */
  trend: (number | null)[]
}

const LOAD_POINTS = 400
const MEMORY_POINTS = 300
const NAME_POINTS = 100

/** Everything that is plotted of a load, thinned to what a screen can show. */
export function loadPlots(load: LoadEntry, test: TestSummary): LoadPlots {
  const own = test.thresholds.filter(
    (threshold) =>
      threshold.attempt === load.attempt &&
      (threshold.measurement === undefined ? test.loads.length === 1 : threshold.measurement === load.id),
  )
  return {
    title: oneLine(load.title),
    spectrum: spectrumPoints(load),
    series: loadSeries(load.result.samples, LOAD_POINTS),
    latencyBounds: bounds(own, (metric) => metric.startsWith('latency.')),
    rateBounds: bounds(own, (metric) => metric === 'requestsPerSecond'),
    end: shortNumber((load.result.duration ?? 0) / 1_000) ?? 0,
    marks: pausesDuring(load, test.memory).map(({ kind, at, duration }) => ({
      from: shortNumber(Math.max(0, at) / 1_000) ?? 0,
      to: shortNumber((at + duration) / 1_000) ?? 0,
      label: kind,
    })),
    names: namesOf(load).flatMap(({ name, figures }) =>
      figures.samples && figures.samples.length > 0
        ? [{ name: oneLine(name), series: nameSeries(figures.samples, NAME_POINTS) }]
        : [],
    ),
  }
}

function bounds(thresholds: readonly ThresholdEntry[], wanted: (metric: string) => boolean): BoundLine[] {
  return thresholds.flatMap(({ metric, expression, passed }) => {
    const condition = parseCondition(metric, expression.replace(/^not /, ''))
    if (!wanted(metric) || !('operator' in condition)) return []
    const label = `${metric.replace(/^latency\./, '')} ${formatBound(metric, expression)}`
    return [{ value: condition.bound, label, passed }]
  })
}

function spectrumPoints({ result }: LoadEntry): [number, number][] {
  const given = result.latencySpectrum as unknown as [number | null, number | null][]
  const points = given.flatMap(([percentile, milliseconds]): [number, number][] => {
    if (!isMeasured(percentile) || !isMeasured(milliseconds) || percentile >= 1) return []
    return [[shortNumber(1 / (1 - percentile)) ?? 1, shortNumber(milliseconds) ?? 0]]
  })
  const last = points.at(-1)
  // The maximum stands at infinity on this scale: one request in all of them is where it can be drawn.
  const end = Math.max(result.requests ?? 0, (last?.[0] ?? 1) * 1.2)
  if (last && isMeasured(result.latency.max)) points.push([end, shortNumber(result.latency.max) ?? 0])
  return points
}

/** Everything that is plotted of a memory watch. */
export function memoryPlot({ result, target }: MemoryEntry): MemoryPlot {
  const rows = new Map<number, { heap?: number | null; rss?: number | null; floor?: number | null }>()
  const start = result.startedAt ?? result.samples[0]?.timestamp ?? 0
  const at = (timestamp: number | null) => Number((((timestamp ?? start) - start) / 1_000).toFixed(3))
  const row = (second: number) => {
    const known = rows.get(second) ?? {}
    rows.set(second, known)
    return known
  }
  for (const group of groups(result.samples as MemorySample[], MEMORY_POINTS)) {
    const peak = group.reduce((a, b) => ((figure(b) ?? 0) > (figure(a) ?? 0) ? b : a))
    Object.assign(row(at(peak.timestamp)), { heap: shortNumber(peak.heapUsed), rss: shortNumber(peak.rss) })
  }
  for (const floor of result.floors) row(at(floor.timestamp)).floor = shortNumber(floor.bytes)
  const seconds = [...rows.keys()].sort((a, b) => a - b)
  const column = (name: 'heap' | 'rss' | 'floor') => seconds.map((second) => rows.get(second)?.[name] ?? null)
  return {
    title: oneLine(target),
    figure: result.kind === 'node' ? 'heap' : 'rss',
    seconds,
    heap: column('heap'),
    rss: column('rss'),
    floor: column('floor'),
    trend: trendLine(
      result.floors.map((floor) => [at(floor.timestamp), floor.bytes]),
      result.growth.bytesPerSecond,
      seconds,
    ),
  }
}

interface MemorySample {
  timestamp: number | null
  heapUsed?: number | null
  rss: number | null
}

function figure(sample: MemorySample): number | null {
  return sample.heapUsed ?? sample.rss
}

/** A line of the measured slope through the middle of the floors, from the first to the last of them. */
function trendLine(
  floors: readonly (readonly [number, number | null])[],
  slope: number | null,
  seconds: readonly number[],
): (number | null)[] {
  const offsets = floors.flatMap(([second, bytes]) =>
    isMeasured(bytes) && isMeasured(slope) ? [bytes - slope * second] : [],
  )
  const [first, last] = [floors[0]?.[0], floors.at(-1)?.[0]]
  if (offsets.length < 2 || first === undefined || last === undefined || !isMeasured(slope))
    return seconds.map(() => null)
  const base = offsets.sort((a, b) => a - b)[Math.floor(offsets.length / 2)] ?? 0
  return seconds.map((second) => (second >= first && second <= last ? shortNumber(base + slope * second) : null))
}
