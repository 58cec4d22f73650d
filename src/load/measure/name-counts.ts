import { LatencyHistogram } from '../../results/latency-histogram.ts'
import type { LoadErrorKind, NameResult } from '../../results/load-result.ts'
import { NameRows, type NameCount } from '../../results/name-rows.ts'
import { OutcomeCounts } from './outcome-counts.ts'

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

  /** What was counted since the last call, where the name has rows. To be called in place of `endInterval`. */
  takeRow(): NameCount | undefined {
    return this.#rows?.take()
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
