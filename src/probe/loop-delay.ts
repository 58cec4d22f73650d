import { createHistogram } from 'node:perf_hooks'
import type { LoopDelay } from './protocol.ts'
import { clearInterval, readClock, setInterval } from '../lifecycle/real-timers.ts'

/** How often the event loop is looked at, in milliseconds. */
const DISTANCE = 20

/** Delays of the event loop since one watch began. */
export class LoopDelays {
  readonly #all = createHistogram()
  #max = 0
  #latest = 0

  record(delay: number): void {
    this.#all.record(Math.max(1, Math.round(delay * 1_000)))
    this.#max = Math.max(this.#max, delay)
    this.#latest = Math.max(this.#latest, delay)
  }

  /** All so far; `latest` is the worst since this was last asked for. */
  read(): LoopDelay {
    const measured = this.#all.count > 0
    const percentile = (at: number) => (measured ? Math.min(this.#all.percentile(at) / 1_000, this.#max) : 0)
    const delays = { p50: percentile(50), p99: percentile(99), max: this.#max, latest: this.#latest }
    this.#latest = 0
    return delays
  }
}

/**
 * One timer for all watches of an isolate: how much later than planned it fires is the loop's delay. (The histogram of
 * `monitorEventLoopDelay` can neither be paused across a pause of ours nor be read both in all and by interval; two of it wake the
 * process ten times as often.)
 */
export class LoopTimer {
  readonly #onDelay: (delay: number) => void
  #timer: NodeJS.Timeout | undefined
  #last: number | undefined

  constructor(onDelay: (delay: number) => void) {
    this.#onDelay = onDelay
  }

  start(): void {
    this.#last = readClock()
    this.#timer ??= setInterval(() => this.#tick(), DISTANCE).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Whoever asks right after a blocked loop is answered before the timer fires: what is overdue counts already. */
  catchUp(): void {
    if (this.#last !== undefined && readClock() - this.#last > DISTANCE) this.#tick()
  }

  /** What the loop is late by next is not its own doing. */
  skip(): void {
    this.#last = undefined
  }

  #tick(): void {
    const now = readClock()
    if (this.#last !== undefined) this.#onDelay(Math.max(0, now - this.#last - DISTANCE))
    this.#last = now
  }
}
