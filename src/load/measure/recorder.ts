import { LatencyHistogram } from '../../results/latency-histogram.ts'
import type { EncodedHistogram, LoadErrorKind, LoadSample } from '../../results/load-result.ts'
import type { NameCounts } from './name-counts.ts'
import { OutcomeCounts } from './outcome-counts.ts'

/** Rows of `samples` after which rows become twice as long: bounds the memory of long loads. */
const ROWS_BEFORE_COARSER = 3_600

class Interval {
  readonly latency = new LatencyHistogram()
  requests = 0
  errors = 0
  dropped = 0
  bytes = 0
  errorsByKind: Partial<Record<LoadErrorKind, number>> = {}

  reset(): void {
    this.latency.reset()
    this.requests = 0
    this.errors = 0
    this.dropped = 0
    this.bytes = 0
    this.errorsByKind = {}
  }

  add(other: Interval): void {
    this.latency.merge(other.latency)
    this.requests += other.requests
    this.errors += other.errors
    this.dropped += other.dropped
    this.bytes += other.bytes
    for (const [kind, count] of Object.entries(other.errorsByKind) as [LoadErrorKind, number][]) {
      this.errorsByKind[kind] = (this.errorsByKind[kind] ?? 0) + count
    }
  }
}

/** Counts answers, errors and bytes of a load, in total and by row. Times are milliseconds from its start; it reads no clock. */
export class Recorder {
  readonly latency = new LatencyHistogram()
  readonly rows: LoadSample[] = []
  readonly outcomes = new OutcomeCounts()
  dropped = 0
  bytes = 0
  /** Counts since the last `gather`, which adds them to all others. */
  readonly #latest = new Interval()
  readonly #interval = new Interval()
  readonly #row = new Interval()
  #intervalStart = 0
  #rowStart = 0
  #rowLength: number
  readonly #keepsHistograms: boolean
  /** Of the last interval, and of rows that were not taken yet; only if rows are kept. */
  intervalHistogram: EncodedHistogram | undefined
  readonly rowHistograms: EncodedHistogram[] = []

  /** `interval` is the planned length of a row, `planned` the length of the load where it is known. */
  constructor(interval: number, planned: number | undefined, keepsHistograms = false) {
    this.#keepsHistograms = keepsHistograms
    this.#rowLength = interval * Math.max(1, Math.ceil((planned ?? 0) / interval / ROWS_BEFORE_COARSER))
  }

  /** `name` has the counts of the request's name, if it has some of its own. */
  answer(status: number, latency: number, name?: NameCounts): void {
    this.outcomes.answer(status)
    this.#latest.requests += 1
    this.#latest.latency.record(latency)
    name?.answer(status, latency)
  }

  addBytes(count: number): void {
    this.#latest.bytes += count
  }

  /** `answered` if an answer is the error: it was counted as an attempt already. */
  failure(kind: LoadErrorKind, message: string, at: number, answered = false, name?: NameCounts): void {
    this.outcomes.failure(kind, message, at, answered)
    this.#latest.errors += 1
    this.#latest.errorsByKind[kind] = (this.#latest.errorsByKind[kind] ?? 0) + 1
    name?.failure(kind, message, at, answered)
  }

  drop(count: number): void {
    this.dropped += count
    this.#latest.dropped += count
  }

  /** Adds all counts since the last call to the totals, the interval and the row. */
  gather(): void {
    const latest = this.#latest
    this.latency.merge(latest.latency)
    this.bytes += latest.bytes
    this.#interval.add(latest)
    this.#row.add(latest)
    latest.reset()
  }

  /** Gathers and ends an interval at `at`. Makes a row of `samples` if the row is long enough, or if the interval is the `last`. */
  endInterval(
    at: number,
    state: { connections: number; rate?: number; backlog?: number },
    last = false,
  ): { requestsPerSecond: number; latency: { p50: number; p99: number }; errors: number } {
    this.gather()
    const interval = this.#interval
    const duration = at - this.#intervalStart
    const [p50, p99] = interval.latency.percentiles([0.5, 0.99]) as [number, number]
    if (this.#keepsHistograms) this.intervalHistogram = interval.latency.encode()
    const summary = {
      requestsPerSecond: duration > 0 ? (interval.requests * 1_000) / duration : 0,
      latency: { p50, p99 },
      errors: interval.errors,
    }
    interval.reset()
    this.#intervalStart = at
    const rowDuration = at - this.#rowStart
    // A row may be half an interval short: timers are not exact.
    if (rowDuration >= this.#rowLength - duration / 2 || (last && rowDuration > 0)) this.#endRow(at, rowDuration, state)
    return summary
  }

  #endRow(at: number, duration: number, state: { connections: number; rate?: number; backlog?: number }): void {
    const row = this.#row
    const [p50, p95, p99] = row.latency.percentiles([0.5, 0.95, 0.99]) as [number, number, number]
    this.rows.push({
      at,
      duration,
      requests: row.requests,
      requestsPerSecond: (row.requests * 1_000) / duration,
      latency: { p50, p95, p99, max: row.latency.max },
      errors: row.errors,
      ...(row.errors > 0 ? { errorsByKind: row.errorsByKind } : {}),
      dropped: row.dropped,
      bytes: row.bytes,
      ...state,
    })
    if (this.#keepsHistograms) this.rowHistograms.push(row.latency.encode())
    row.reset()
    this.#rowStart = at
    if (this.rows.length % ROWS_BEFORE_COARSER === 0) this.#rowLength *= 2
  }
}
