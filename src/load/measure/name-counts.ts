import { LatencyHistogram } from '../../results/latency-histogram.ts'
import type { LoadErrorKind, NameResult, NameSample } from '../../results/load-result.ts'
import { OutcomeCounts } from './outcome-counts.ts'

/** Rows of one name after which rows become twice as long. */
const ROWS = 300

/** The time series of one name. */
class NameRows {
  readonly rows: NameSample[] = []
  readonly #latency = new LatencyHistogram()
  #errors = 0
  #start = 0
  #length: number

  /** `planned` is the length of the load in milliseconds. */
  constructor(planned: number | undefined) {
    this.#length = (planned ?? 0) / ROWS
  }

  answer(latency: number): void {
    this.#latency.record(latency)
  }

  failure(): void {
    this.#errors += 1
  }

  /** Ends an interval of the load. Adds a row if enough time has passed since the last one. */
  endInterval(at: number, last: boolean): void {
    const duration = at - this.#start
    if (duration <= 0 || (duration < this.#length && !last)) return
    const [p50, p95] = this.#latency.percentiles([0.5, 0.95]) as [number, number]
    this.rows.push({ at, duration, requests: this.#latency.count, errors: this.#errors, latency: { p50, p95 } })
    this.#latency.reset()
    this.#errors = 0
    this.#start = at
    if (this.rows.length % ROWS === 0) this.#length = Math.max(duration, this.#length) * 2
  }
}

/** All that a load has counted under one name. */
export class NameCounts {
  readonly #latency = new LatencyHistogram()
  readonly #outcomes = new OutcomeCounts()
  readonly #rows: NameRows | undefined
  #messages = 0

  /** `rows` asks for a time series; `planned` is the length of the load in milliseconds. */
  constructor({ rows, planned }: { rows: boolean; planned: number | undefined }) {
    this.#rows = rows ? new NameRows(planned) : undefined
  }

  answer(status: number, latency: number): void {
    this.#outcomes.answer(status)
    this.#latency.record(latency)
    this.#rows?.answer(latency)
  }

  failure(kind: LoadErrorKind, message: string, at: number, answered: boolean): void {
    this.#outcomes.failure(kind, message, at, answered)
    this.#rows?.failure()
  }

  message(): void {
    this.#messages += 1
  }

  endInterval(at: number, last: boolean): void {
    this.#rows?.endInterval(at, last)
  }

  result(elapsed: number): NameResult {
    return nameResult(this.#outcomes, this.#latency, elapsed, this.#messages)
  }

  /** The result with the histogram that merging needs. */
  mergeableResult(elapsed: number): NameResult {
    return { ...this.result(elapsed), latencyHistogram: this.#latency.encode() }
  }

  /** The result of a load that has ended: with histogram and rows. */
  finalResult(elapsed: number): NameResult {
    const samples = this.#rows && this.#rows.rows.length > 0 ? { samples: this.#rows.rows } : {}
    return { ...this.result(elapsed), latencyHistogram: this.#latency.encode(), ...samples }
  }
}

/** `elapsed` in milliseconds. */
export function nameResult(
  outcomes: OutcomeCounts,
  latency: LatencyHistogram,
  elapsed: number,
  messages = 0,
): NameResult {
  const perSecond = (count: number) => (elapsed > 0 ? (count * 1_000) / elapsed : 0)
  return {
    requests: outcomes.requests,
    requestsPerSecond: perSecond(outcomes.requests),
    latency: latency.summary(),
    statusCodes: outcomes.statusCodes(),
    errors: outcomes.errors(),
    errorRate: outcomes.errorRate,
    ...(messages === 0 ? {} : { messages, messagesPerSecond: perSecond(messages) }),
  }
}
