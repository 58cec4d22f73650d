import { LatencyHistogram } from '../../results/latency-histogram.ts'
import type { EncodedHistogram, LoadErrors } from '../../results/load-result.ts'
import type { RowlessProgress } from '../messages.ts'

/** An entry of Locust's statistics: what has come since the entry before. Times in milliseconds, moments in Unix seconds. */
interface Entry {
  readonly name: string
  readonly method: string
  readonly num_requests: number
  readonly num_none_requests: number
  readonly num_failures: number
  readonly total_response_time: number
  readonly min_response_time: number | null
  readonly max_response_time: number
  readonly total_content_length: number
  readonly response_times: Readonly<Record<string, number>>
  readonly num_reqs_per_sec: Readonly<Record<string, number>>
  readonly num_fail_per_sec: Readonly<Record<string, number>>
  readonly start_time: number
  readonly last_request_timestamp: number
}

/** What Locust's page shows of a load. */
export interface LocustReport {
  readonly stats: readonly Entry[]
  readonly stats_total: Entry
  readonly errors: Readonly<Record<string, { name: string; method: string; error: string; occurrences: number }>>
}

/** Counts of one name, or of the whole load. */
interface Counted {
  readonly requests: number
  readonly errors: LoadErrors
  readonly errorRate: number
  readonly latencyHistogram?: EncodedHistogram
}

/** Counts of a name at the last report. */
interface Known {
  readonly attempts: number
  readonly timed: number
  readonly failures: number
  readonly total: number
  readonly bytes: number
  readonly times: ReadonlyMap<number, number>
}

const NOTHING: Known = { attempts: 0, timed: 0, failures: 0, total: 0, bytes: 0, times: new Map() }

/** Converts the progress of a load process to Locust's statistics. Progress counts from the start of the load; Locust adds up differences. */
export class LocustStats {
  readonly #known = new Map<string, Known>()
  readonly #errors = new Map<string, number>()

  /** Returns what has come since the last call. `now` is Unix milliseconds. */
  report(progress: RowlessProgress, now: number): LocustReport {
    const names = Object.entries(progress.byName)
    const times = { startedAt: progress.startedAt, now }
    return {
      stats: names.map(([name, counted]) => this.#entry(`name ${name}`, splitName(name), counted, 0, times)),
      stats_total: this.#entry('total', ['', 'Aggregated'], progress, progress.throughput.bytes, times),
      errors: this.#newErrors(progress.errors),
    }
  }

  #entry(
    key: string,
    [method, name]: readonly [string, string],
    counted: Counted,
    bytes: number,
    { startedAt, now }: { startedAt: number; now: number },
  ): Entry {
    const before = this.#known.get(key) ?? NOTHING
    const histogram = counted.latencyHistogram
      ? LatencyHistogram.decode(counted.latencyHistogram)
      : new LatencyHistogram()
    const { average, min, max } = histogram.summary()
    const known: Known = {
      attempts: attemptsOf(counted),
      timed: histogram.count,
      failures: counted.errors.total,
      total: histogram.count === 0 ? 0 : average * histogram.count,
      bytes,
      times: roundedTimes(histogram),
    }
    this.#known.set(key, known)
    const attempts = known.attempts - before.attempts
    const failures = known.failures - before.failures
    const second = String(Math.floor(now / 1_000))
    return {
      name,
      method,
      num_requests: attempts,
      num_none_requests: Math.max(0, attempts - (known.timed - before.timed)),
      num_failures: failures,
      total_response_time: known.total - before.total,
      min_response_time: histogram.count === 0 ? null : min,
      max_response_time: histogram.count === 0 ? 0 : max,
      total_content_length: known.bytes - before.bytes,
      response_times: difference(known.times, before.times),
      num_reqs_per_sec: attempts > 0 ? { [second]: attempts } : {},
      num_fail_per_sec: failures > 0 ? { [second]: failures } : {},
      start_time: startedAt / 1_000,
      last_request_timestamp: now / 1_000,
    }
  }

  #newErrors({ byKind }: LoadErrors): LocustReport['errors'] {
    const errors: Record<string, { name: string; method: string; error: string; occurrences: number }> = {}
    for (const [kind, { count, message }] of Object.entries(byKind)) {
      const occurrences = count - (this.#errors.get(kind) ?? 0)
      this.#errors.set(kind, count)
      if (occurrences > 0) errors[kind] = { name: kind, method: '', error: message, occurrences }
    }
    return errors
  }
}

/** Locust shows method and name apart. */
function splitName(name: string): readonly [method: string, name: string] {
  const match = /^([A-Z]+) (\S.*)$/s.exec(name)
  return match ? [match[1] as string, match[2] as string] : ['', name]
}

/** Locust counts requests that fail among the requests. */
function attemptsOf({ requests, errors, errorRate }: Counted): number {
  return errorRate > 0 ? Math.round(errors.total / errorRate) : requests
}

/** As Locust rounds them: to two digits from 100 ms on, to milliseconds below. */
function roundedTimes(histogram: LatencyHistogram): Map<number, number> {
  const times = new Map<number, number>()
  for (const [value, count] of histogram.buckets()) {
    const unit = value < 100 ? 1 : 10 ** (Math.floor(Math.log10(value)) - 1)
    const rounded = Math.round(value / unit) * unit
    times.set(rounded, (times.get(rounded) ?? 0) + count)
  }
  return times
}

function difference(now: ReadonlyMap<number, number>, before: ReadonlyMap<number, number>): Record<string, number> {
  const more = [...now].map(([value, count]) => [String(value), count - (before.get(value) ?? 0)] as const)
  return Object.fromEntries(more.filter(([, count]) => count > 0))
}
