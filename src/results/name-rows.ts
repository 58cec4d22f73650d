import { LatencyHistogram } from './latency-histogram.ts'
import type { EncodedHistogram, NameSample } from './load-result.ts'

/** Rows of one name after which rows become twice as long. */
const ROWS = 300

/** What is counted under one name in a part of the load. */
export interface NameCount {
  readonly latency: EncodedHistogram
  readonly errors: number
}

/** The time series of one name. */
export class NameRows {
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

  add({ latency, errors }: NameCount): void {
    this.#latency.merge(LatencyHistogram.decode(latency))
    this.#errors += errors
  }

  /** Returns all that was counted since the last row, and drops it: for whoever makes the rows of several processes. */
  take(): NameCount {
    const taken = { latency: this.#latency.encode(), errors: this.#errors }
    this.#reset()
    return taken
  }

  /** Ends an interval of the load. Adds a row if enough time has passed since the last one. */
  endInterval(at: number, last: boolean): void {
    const duration = at - this.#start
    if (duration <= 0 || (duration < this.#length && !last)) return
    const [p50, p95] = this.#latency.percentiles([0.5, 0.95]) as [number, number]
    this.rows.push({ at, duration, requests: this.#latency.count, errors: this.#errors, latency: { p50, p95 } })
    this.#reset()
    this.#start = at
    if (this.rows.length % ROWS === 0) this.#length = Math.max(duration, this.#length) * 2
  }

  #reset(): void {
    this.#latency.reset()
    this.#errors = 0
  }
}
