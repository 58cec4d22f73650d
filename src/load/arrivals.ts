import { LatencyHistogram } from '../metrics/latency-histogram.ts'
import { ArrivalSchedule, type Segment } from './schedule.ts'

/** The arrivals of an open model, one after the other: which is next, how many wait, and how late the generator itself was. */
export class Arrivals {
  /** How late requests were sent although a connection was free. */
  readonly lateness = new LatencyHistogram()
  readonly #schedule: ArrivalSchedule
  readonly #amount: number
  #next = 0
  /** Arrivals below this number have waited for a connection: not the generator's doing. */
  #waited = 0
  /** Milliseconds from the start at which the next arrival is due; `Infinity` after the last. */
  due: number

  constructor(rate: readonly Segment[], amount: number | undefined) {
    this.#schedule = new ArrivalSchedule(rate)
    this.#amount = amount ?? Infinity
    this.due = this.#dueAt(0)
  }

  #dueAt(n: number): number {
    return n < this.#amount ? this.#schedule.dueAt(n) : Infinity
  }

  /** The next arrival is done with: sent, dropped or failed. */
  advance(): void {
    this.#next += 1
    this.due = this.#dueAt(this.#next)
  }

  /** It leaves at `elapsed`. */
  noteSent(elapsed: number): void {
    if (this.#next >= this.#waited) this.lateness.record(elapsed - this.due)
    this.advance()
  }

  /** No connection is free at `elapsed`. */
  noteBlocked(elapsed: number): void {
    this.#waited = this.#schedule.dueBy(elapsed)
  }

  /** Arrivals that are due and not yet sent. */
  backlog(elapsed: number): number {
    return Math.max(0, Math.min(this.#schedule.dueBy(elapsed), this.#amount) - this.#next)
  }

  rateAt(elapsed: number): number {
    return this.#schedule.rateAt(elapsed)
  }
}
