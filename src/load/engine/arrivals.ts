import { LatencyHistogram } from '../../results/latency-histogram.ts'
import { ArrivalSchedule, type Segment } from '../plan/schedule.ts'
import { shareOf, WHOLE, type Share } from '../plan/share.ts'

/** The arrivals of an open model in order: which is next, how many wait, and how late the load process looked at each. */
export class Arrivals {
  /** Milliseconds from when an arrival was due until the load process looked at it, whether or not a connection was free. The server has no part in it. */
  readonly lateness = new LatencyHistogram()
  readonly #schedule: ArrivalSchedule
  /** The same schedule again, to look ahead: a schedule is read in order. */
  readonly #ahead: ArrivalSchedule
  readonly #amount: number
  readonly #share: Share
  #next = 0
  #noticed = 0
  /** Milliseconds from the start at which the next arrival is due; `Infinity` after the last. */
  due: number
  /** Milliseconds from the start at which the first arrival is due that has not been noticed. */
  dueAhead: number

  /** `rate` is that of the whole load, `amount` that of this share. */
  constructor(rate: readonly Segment[], amount: number | undefined, share: Share = WHOLE) {
    this.#share = share
    this.#schedule = new ArrivalSchedule(rate)
    this.#ahead = new ArrivalSchedule(rate)
    this.#amount = amount ?? Infinity
    this.due = this.#dueAt(this.#schedule, 0)
    this.dueAhead = this.due
  }

  #dueAt(schedule: ArrivalSchedule, n: number): number {
    const { first, step } = this.#share
    return n < this.#amount ? schedule.dueAt(first + n * step) : Infinity
  }

  /** Notices all that is due by `elapsed`; returns how many had been noticed before. */
  notice(elapsed: number): number {
    const before = this.#noticed
    while (this.dueAhead <= elapsed) {
      this.lateness.record(elapsed - this.dueAhead)
      this.#noticed += 1
      this.dueAhead = this.#dueAt(this.#ahead, this.#noticed)
    }
    return before
  }

  /** Whether the next arrival is one of the first `count`. */
  isAmong(count: number): boolean {
    return this.#next < count
  }

  /** The next arrival was sent, dropped, or has failed. */
  advance(): void {
    this.#next += 1
    this.due = this.#dueAt(this.#schedule, this.#next)
  }

  /** Arrivals that are due and not yet sent. */
  backlog(elapsed: number): number {
    return Math.max(0, Math.min(shareOf(this.#schedule.dueBy(elapsed), this.#share), this.#amount) - this.#next)
  }

  rateAt(elapsed: number): number {
    return this.#schedule.rateAt(elapsed) / this.#share.step
  }
}
