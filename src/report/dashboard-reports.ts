import { isMeasured } from '../units.ts'
import { namesOf } from './load-tables.ts'
import { loadLine } from './load-text.ts'
import { oneLine } from './screen-text.ts'
import { lastAttempt, testName, type LoadEntry, type RunSummary, type TestSummary } from './summary.ts'

/** An entry of github-action-benchmark's `customSmallerIsBetter`. */
export interface BenchmarkEntry {
  name: string
  unit: string
  value: number
  range?: string
  extra?: string
}

/** Bencher Metric Format: https://bencher.dev/docs/reference/bencher-metric-format */
export type BencherReport = Record<
  string,
  Record<string, { value: number; lower_value?: number; upper_value?: number }>
>

interface MeasuredLoad {
  name: string
  load: LoadEntry
}

/**
 * Latencies (ms) and error rates (%) for github-action-benchmark with `tool: customSmallerIsBetter`; requests/s are in `extra`,
 * since they are better the bigger they are. Growth of memory in bytes.
 */
export function renderBenchmark(summary: RunSummary): BenchmarkEntry[] {
  const entries = measuredLoads(summary).flatMap(({ name, load }) => [
    ...latencyEntries(name, load.result.latency, loadLine(load)),
    ...percentEntry(`${name}: error rate`, load.result.errorRate),
    ...namesOfSeveral(load).flatMap(({ name: request, figures }) =>
      latencyEntries(`${name}: ${oneLine(request)}`, figures.latency, loadLine(load)),
    ),
  ])
  return [...entries, ...memoryGrowth(summary)]
}

type Latency = LoadEntry['result']['latency']

function latencyEntries(name: string, latency: Latency, extra: string): BenchmarkEntry[] {
  return (['p50', 'p95', 'p99'] as const).flatMap((figure) => {
    const value = latency[figure]
    const range = figure === 'p50' && isMeasured(latency.stddev) ? { range: `± ${short(latency.stddev)}` } : {}
    return isMeasured(value) ? [{ name: `${name}: ${figure}`, unit: 'ms', value: short(value), ...range, extra }] : []
  })
}

function percentEntry(name: string, ratio: number | null): BenchmarkEntry[] {
  return isMeasured(ratio) ? [{ name, unit: '%', value: short(ratio * 100) }] : []
}

function memoryGrowth({ tests }: RunSummary): BenchmarkEntry[] {
  return lastOf(tests, ({ memory }) => memory).flatMap(({ test, entry: { target, result } }) =>
    isMeasured(result.growth.bytes) && !result.aborted
      ? [
          {
            name: `${label(test)}: memory growth of ${oneLine(target)}`,
            unit: 'bytes',
            value: short(result.growth.bytes),
          },
        ]
      : [],
  )
}

const NANOSECONDS = 1_000_000

/** Bencher's own measures: `latency` in nanoseconds and `throughput` in operations per second, and ours beside them. */
export function renderBencher(summary: RunSummary): BencherReport {
  const report: BencherReport = {}
  for (const { name, load } of measuredLoads(summary)) {
    const { latency, requestsPerSecond, errorRate } = load.result
    report[name] = {
      ...latencyMeasures(latency),
      ...measure('throughput', requestsPerSecond),
      ...measure('error-rate', errorRate),
    }
    for (const { name: request, figures } of namesOfSeveral(load)) {
      report[`${name}: ${oneLine(request)}`] = {
        ...latencyMeasures(figures.latency),
        ...measure('throughput', figures.requestsPerSecond),
        ...measure('error-rate', figures.errorRate),
      }
    }
  }
  for (const { name, value } of memoryGrowth(summary)) report[name] = measure('memory-growth', value)
  return report
}

function latencyMeasures(latency: Latency) {
  return {
    ...measure('latency', latency.p50, NANOSECONDS),
    ...measure('latency-p95', latency.p95, NANOSECONDS),
    ...measure('latency-p99', latency.p99, NANOSECONDS),
  }
}

function measure(name: string, value: number | null, factor = 1): Record<string, { value: number }> {
  return isMeasured(value) ? { [name]: { value: short(value * factor) } } : {}
}

/** Loads of the last attempts that ran to their end: the figures of a part are no point of a trend. */
function measuredLoads({ tests }: RunSummary): MeasuredLoad[] {
  const loads = lastOf(tests, (test) => test.loads).filter(
    ({ entry }) => !entry.result.aborted && entry.result.requests,
  )
  const seen = new Map<string, number>()
  return loads.map(({ test, entry }) => {
    const name = `${label(test)}: ${oneLine(entry.title)}`
    const copies = (seen.get(name) ?? 0) + 1
    seen.set(name, copies)
    return { name: copies > 1 ? `${name} (${copies})` : name, load: entry }
  })
}

function lastOf<Entry extends { attempt: number }>(tests: readonly TestSummary[], of: (test: TestSummary) => Entry[]) {
  return tests.flatMap((test) => {
    const attempt = lastAttempt(test)
    return of(test).flatMap((entry) => (entry.attempt === attempt ? [{ test, entry }] : []))
  })
}

function namesOfSeveral(load: LoadEntry): ReturnType<typeof namesOf> {
  const names = namesOf(load)
  return names.length > 1 ? names : []
}

function label(test: TestSummary): string {
  return oneLine(`${test.project === '' ? '' : `${test.project} `}${test.file} > ${testName(test)}`)
}

function short(value: number): number {
  return Number(value.toPrecision(6))
}
