import { LatencyHistogram } from '../../results/latency-histogram.ts'
import type {
  CheckResult,
  EncodedHistogram,
  LoadErrorCount,
  LoadErrorKind,
  LoadErrors,
  LoadResult,
  LoadSample,
  LoadStageResult,
  NameResult,
} from '../../results/load-result.ts'
import type { NameCount } from '../../results/name-rows.ts'
import type { RowlessProgress } from '../messages.ts'

/** A row of one process, with the latencies it sums up. */
export interface MergeableRow {
  readonly row: LoadSample
  readonly latency: EncodedHistogram
  /** What is counted under each name. Absent where the load has one name. */
  readonly names?: Readonly<Record<string, NameCount>>
}

type Counts = Record<string, number>

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}

function joined(histograms: readonly (EncodedHistogram | undefined)[]): LatencyHistogram {
  const whole = new LatencyHistogram()
  for (const histogram of histograms) if (histogram) whole.merge(LatencyHistogram.decode(histogram))
  return whole
}

function perSecond(count: number, milliseconds: number): number {
  return milliseconds > 0 ? (count * 1_000) / milliseconds : 0
}

function addCounts(all: readonly Counts[]): Counts {
  const total: Counts = {}
  for (const counts of all) for (const [key, count] of Object.entries(counts)) total[key] = (total[key] ?? 0) + count
  return total
}

/** The values of all records by key, in the order in which the keys came. */
function byKey<T>(records: readonly Readonly<Record<string, T>>[]): [key: string, values: T[]][] {
  const keys = new Map<string, T[]>()
  for (const record of records) {
    for (const [key, value] of Object.entries(record)) {
      const known = keys.get(key)
      if (known) known.push(value)
      else keys.set(key, [value])
    }
  }
  return [...keys]
}

function mergeErrors(all: readonly LoadErrors[]): LoadErrors {
  const byKind: Partial<Record<LoadErrorKind, LoadErrorCount>> = {}
  for (const [kind, counts] of byKey(all.map((errors) => errors.byKind as Record<string, LoadErrorCount>))) {
    const first = counts.reduce((earliest, count) => (count.firstAt < earliest.firstAt ? count : earliest))
    byKind[kind as LoadErrorKind] = {
      count: sum(counts, ({ count }) => count),
      message: first.message,
      firstAt: first.firstAt,
      lastAt: Math.max(...counts.map(({ lastAt }) => lastAt)),
    }
  }
  return {
    total: sum(all, ({ total }) => total),
    timeouts: sum(all, ({ timeouts }) => timeouts),
    non2xx: sum(all, ({ non2xx }) => non2xx),
    byKind,
  }
}

type Attempted = Pick<LoadResult, 'requests' | 'errors' | 'errorRate'>

/**
 * Returns the attempts behind an error rate, which no result states: its answers if there were no errors, else errors
 * divided by rate.
 */
function attemptsOf({ requests, errors, errorRate }: Attempted): number {
  return errorRate > 0 ? Math.round(errors.total / errorRate) : requests
}

function mergedErrorRate(all: readonly Attempted[]): number {
  const attempts = sum(all, attemptsOf)
  return attempts === 0 ? Number.NaN : sum(all, ({ errors }) => errors.total) / attempts
}

function mergeName(all: readonly NameResult[], duration: number, isOver: boolean): NameResult {
  const latency = joined(all.map(({ latencyHistogram }) => latencyHistogram))
  const requests = sum(all, (name) => name.requests)
  const messages = sum(all, (name) => name.messages ?? 0)
  return {
    requests,
    requestsPerSecond: perSecond(requests, duration),
    latency: latency.summary(),
    ...(isOver ? { latencyHistogram: latency.encode() } : {}),
    statusCodes: addCounts(all.map(({ statusCodes }) => statusCodes)),
    errors: mergeErrors(all.map(({ errors }) => errors)),
    errorRate: mergedErrorRate(all),
    ...(messages === 0 ? {} : { messages, messagesPerSecond: perSecond(messages, duration) }),
  }
}

function mergeCheck(all: readonly CheckResult[]): CheckResult {
  const [passed, failed] = [sum(all, (check) => check.passed), sum(all, (check) => check.failed)]
  const firstFailure = all.find((check) => check.firstFailure !== undefined)?.firstFailure
  return {
    passed,
    failed,
    rate: passed + failed === 0 ? Number.NaN : passed / (passed + failed),
    ...(firstFailure === undefined ? {} : { firstFailure }),
  }
}

/** Stages are planned, so those of all processes are the same; one may not have come to the last of them yet. */
function mergeStages(parts: readonly RowlessProgress[]): LoadStageResult[] {
  const most = Math.max(...parts.map(({ stages }) => stages?.length ?? 0))
  return Array.from({ length: most }, (_, index) => {
    const all = parts.flatMap(({ stages }) => stages?.[index] ?? [])
    const duration = Math.max(...all.map((stage) => stage.duration))
    const requests = sum(all, (stage) => stage.requests)
    return {
      ...(all[0] as LoadStageResult),
      duration,
      requests,
      requestsPerSecond: perSecond(requests, duration),
      latency: joined(parts.map(({ histograms }) => histograms?.stages?.[index])).summary(),
      errors: sum(all, (stage) => stage.errors),
      dropped: sum(all, (stage) => stage.dropped),
    }
  })
}

function mergeGenerators(parts: readonly RowlessProgress[]): LoadResult['generator'] {
  const answered = parts.filter(({ requests }) => requests > 0)
  const requests = sum(answered, (part) => part.requests)
  const cpu = sum(answered, (part) => part.generator.cpuPerRequest * part.requests)
  const lateness = joined(parts.map(({ histograms }) => histograms?.lateness))
  const limited = parts.findIndex(({ generator }) => generator.reason !== undefined)
  const reason = parts[limited]?.generator.reason
  return {
    eventLoopUtilization: Math.max(...parts.map(({ generator }) => generator.eventLoopUtilization)),
    cpuPerRequest: requests === 0 ? Number.NaN : cpu / requests,
    ...(lateness.count === 0 ? {} : { lateness: lateness.percentile(0.99) }),
    ...(reason === undefined ? {} : { reason: `in load process ${limited + 1} of ${parts.length}, ${reason}` }),
  }
}

/** Optional parts, present where any process has them. */
function mergeOptional(parts: readonly RowlessProgress[], duration: number) {
  const [first] = parts
  const iterations = parts.flatMap((part) => part.iterations ?? [])
  const redirects = parts.flatMap(({ redirectedTo }) => redirectedTo ?? [])
  const collections = parts.flatMap((part) => part.collections ?? [])
  const remarks = [...new Set(parts.flatMap((part) => part.remarks ?? []))]
  const count = sum(iterations, (part) => part.count)
  return {
    ...(iterations.length === 0
      ? {}
      : {
          iterations: {
            count,
            perSecond: perSecond(count, duration),
            failed: sum(iterations, ({ failed }) => failed),
            duration: joined(parts.map(({ histograms }) => histograms?.iterations)).summary(),
          },
        }),
    ...(redirects[0] ? { redirectedTo: { ...redirects[0], count: sum(redirects, (to) => to.count) } } : {}),
    ...(first?.stages ? { stages: mergeStages(parts) } : {}),
    // The server stood still for all of them at once.
    ...(collections.length === 0
      ? {}
      : {
          collections: {
            count: Math.max(...collections.map((part) => part.count)),
            time: Math.max(...collections.map((part) => part.time)),
            requestsHit: sum(collections, ({ requestsHit }) => requestsHit),
          },
        }),
    ...(remarks.length === 0 ? {} : { remarks }),
  }
}

/**
 * Merges the progress of processes that share one load and began together. Counts are added up, latencies come from the
 * histograms of all, rates are over the time of the longest. `isOver` adds what only a load that has ended has.
 */
export function mergeProgress(parts: readonly RowlessProgress[], isOver: boolean): RowlessProgress {
  const [first] = parts
  if (!first) throw new TypeError('There is nothing to merge')
  const duration = Math.max(...parts.map((part) => part.duration))
  const requests = sum(parts, (part) => part.requests)
  const latency = joined(parts.map(({ latencyHistogram }) => latencyHistogram))
  const interval = joined(parts.map(({ histograms }) => histograms?.interval))
  const [p50, p99] = interval.percentiles([0.5, 0.99]) as [number, number]
  const bytes = sum(parts, ({ throughput }) => throughput.bytes)
  const names = byKey(parts.map(({ byName }) => byName))
  const checks = byKey(parts.map((part) => part.checks))
  return {
    ...(first.title === undefined ? {} : { title: first.title }),
    url: first.url,
    startedAt: Math.min(...parts.map(({ startedAt }) => startedAt)),
    duration,
    requests,
    requestsPerSecond: perSecond(requests, duration),
    latency: latency.summary(),
    latencySpectrum: latency.spectrum(),
    ...(isOver ? { latencyHistogram: latency.encode() } : {}),
    throughput: { bytes, bytesPerSecond: perSecond(bytes, duration) },
    statusCodes: addCounts(parts.map(({ statusCodes }) => statusCodes)),
    errors: mergeErrors(parts.map(({ errors }) => errors)),
    errorRate: mergedErrorRate(parts),
    byName: Object.fromEntries(names.map(([name, all]) => [name, mergeName(all, duration, isOver)])),
    checks: Object.fromEntries(checks.map(([name, all]) => [name, mergeCheck(all)])),
    dropped: sum(parts, ({ dropped }) => dropped),
    unanswered: sum(parts, ({ unanswered }) => unanswered),
    ...mergeOptional(parts, duration),
    aborted: parts.some(({ aborted }) => aborted),
    saturated: parts.some(({ saturated }) => saturated),
    generator: mergeGenerators(parts),
    progress: sum(parts, ({ progress }) => progress) / parts.length,
    interval: {
      requestsPerSecond: sum(parts, (part) => part.interval.requestsPerSecond),
      latency: { p50, p99 },
      errors: sum(parts, (part) => part.interval.errors),
    },
  }
}

/** One row of rows that end at about the same time: one or more of each process. `since` is the end of the row before. */
export function mergeRows(rows: readonly (readonly MergeableRow[])[], since: number): LoadSample {
  const all = rows.flat()
  const latest = rows.flatMap((own) => own.at(-1) ?? [])
  const at = Math.max(...latest.map(({ row }) => row.at))
  const duration = at - since
  const requests = sum(all, ({ row }) => row.requests)
  const errors = sum(all, ({ row }) => row.errors)
  const latency = joined(all.map((own) => own.latency))
  const [p50, p95, p99] = latency.percentiles([0.5, 0.95, 0.99]) as [number, number, number]
  const isOpen = latest.some(({ row }) => row.rate !== undefined)
  return {
    at,
    duration,
    requests,
    requestsPerSecond: perSecond(requests, duration),
    latency: { p50, p95, p99, max: latency.max },
    errors,
    ...(errors > 0 ? { errorsByKind: addCounts(all.map(({ row }) => (row.errorsByKind ?? {}) as Counts)) } : {}),
    dropped: sum(all, ({ row }) => row.dropped),
    bytes: sum(all, ({ row }) => row.bytes),
    connections: sum(latest, ({ row }) => row.connections),
    ...(isOpen
      ? { rate: sum(latest, ({ row }) => row.rate ?? 0), backlog: sum(latest, ({ row }) => row.backlog ?? 0) }
      : {}),
  }
}
