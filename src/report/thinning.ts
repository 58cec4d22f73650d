import type { LoadSample, NameSample } from '../results/load-result.ts'
import { isMeasured } from '../units.ts'
import type { Recorded } from './recorded.ts'

type Sample = Recorded<LoadSample>

/** A time series of a load in columns, as a plot takes it: seconds, and a value (or none) for each. */
export interface LoadSeries {
  seconds: number[]
  rate: (number | null)[]
  p50: (number | null)[]
  p95: (number | null)[]
  p99: (number | null)[]
  dropped: (number | null)[]
  /** Errors per interval by kind; only kinds that occurred. */
  errors: Record<string, number[]>
}

/** A time series of one name of a load. */
export interface NameSeries {
  seconds: number[]
  rate: (number | null)[]
  p50: (number | null)[]
  p95: (number | null)[]
  errors: number[]
}

/** Few enough digits for a plot. */
export function shortNumber(value: number | null | undefined): number | null {
  return isMeasured(value) && Number.isFinite(value) ? Number(value.toPrecision(5)) : null
}

/** At most `limit` groups of neighbours. */
export function groups<T>(values: readonly T[], limit: number): T[][] {
  const size = Math.max(1, Math.ceil(values.length / limit))
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  )
}

/** The series with at most `limit` points. Of a group the worst latency and the sum of errors stay: peaks do not vanish. */
export function loadSeries(samples: readonly Sample[], limit: number): LoadSeries {
  const kinds = new Set(samples.flatMap((sample) => Object.keys(sample.errorsByKind ?? {})))
  const series: LoadSeries = { seconds: [], rate: [], p50: [], p95: [], p99: [], dropped: [], errors: {} }
  for (const kind of kinds) series.errors[kind] = []
  for (const group of groups(samples, limit)) {
    const duration = sum(group.map((sample) => sample.duration))
    series.seconds.push(middleOf(group))
    series.rate.push(
      shortNumber(duration > 0 ? (sum(group.map((sample) => sample.requests)) * 1_000) / duration : null),
    )
    series.p50.push(highest(group.map((sample) => sample.latency.p50)))
    series.p95.push(highest(group.map((sample) => sample.latency.p95)))
    series.p99.push(highest(group.map((sample) => sample.latency.p99)))
    series.dropped.push(sum(group.map((sample) => sample.dropped)))
    for (const kind of kinds) {
      series.errors[kind]?.push(
        sum(group.map((sample) => (sample.errorsByKind as Record<string, number>)?.[kind] ?? 0)),
      )
    }
  }
  return series
}

/** A value stands for its whole interval: it is drawn in the middle of it. Seconds. */
function middleOf(group: readonly { at: number | null; duration: number | null }[]): number {
  const [first, last] = [group[0], group.at(-1)]
  const from = (first?.at ?? 0) - (first?.duration ?? 0)
  return shortNumber((from + (last?.at ?? 0)) / 2_000) ?? 0
}

/** The series of one name, as `loadSeries`. */
export function nameSeries(samples: readonly Recorded<NameSample>[], limit: number): NameSeries {
  const series: NameSeries = { seconds: [], rate: [], p50: [], p95: [], errors: [] }
  for (const group of groups(samples, limit)) {
    const duration = sum(group.map((sample) => sample.duration))
    series.seconds.push(middleOf(group))
    series.rate.push(
      shortNumber(duration > 0 ? (sum(group.map((sample) => sample.requests)) * 1_000) / duration : null),
    )
    series.p50.push(highest(group.map((sample) => sample.latency.p50)))
    series.p95.push(highest(group.map((sample) => sample.latency.p95)))
    series.errors.push(sum(group.map((sample) => sample.errors)))
  }
  return series
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0)
}

function highest(values: readonly (number | null)[]): number | null {
  const measured = values.filter(isMeasured)
  return measured.length > 0 ? shortNumber(Math.max(...measured)) : null
}
