import { utilisationBetween, type LoopTime } from '../measure/loop-usage.ts'

/** Milliseconds over which it is judged whether the process is busy. */
const WINDOW = 1_000
/** Event-loop utilisation of a window from which a load counts as limited by its own process: see `saturation.ts`. */
const BUSY = 0.9
/** Share of a window for which the event loop was held up: less than that is no line worth naming. */
const HELD = 0.1
/** Milliseconds of a recording: 200 samples. */
const LENGTH = 1_000
/** Milliseconds between two recordings. */
const PAUSE = 4_000
/** Starting a profiler holds up the process for 50 ms. */
const MOST_RECORDINGS = 3

/**
 * When to record a CPU profile: while the process is so busy that the load will be called limited by it. A load that is not
 * pays nothing. Decides on numbers alone; times are in milliseconds.
 */
export class RecordingRule {
  #state: 'watching' | 'recording' | 'pausing' = 'watching'
  #windowStart: number
  #windowLoop: LoopTime
  #lastLoop: LoopTime
  /** Of this window: time in which the event loop was held up. */
  #held = 0
  /** Since when the state holds. */
  #since: number
  #recordings = 0

  constructor(now: number, loop: LoopTime) {
    this.#since = this.#windowStart = now
    this.#windowLoop = this.#lastLoop = loop
  }

  /** To be called every `interval`; `loop` is the event-loop time of the process without that of recordings. */
  look(now: number, interval: number, loop: LoopTime): 'begin' | 'end' | undefined {
    if (this.#state === 'recording') return now - this.#since >= LENGTH ? this.#enter('pausing', now, 'end') : undefined
    if (this.#state === 'pausing') {
      if (now - this.#since < PAUSE || this.#recordings >= MOST_RECORDINGS) return undefined
      this.#enter('watching', now)
      this.#beginWindow(now, loop)
      return undefined
    }
    this.#held += Math.max(0, loop.active - this.#lastLoop.active - interval)
    this.#lastLoop = loop
    const length = now - this.#windowStart
    // A long halt may be the only one: whoever waits for the end of the window would miss what comes after it.
    const isHeld = this.#held >= HELD * Math.max(WINDOW, length)
    const isBusy = length >= WINDOW && utilisationBetween(this.#windowLoop, loop) >= BUSY
    if (isHeld || isBusy) return this.#enter('recording', now, 'begin')
    if (length >= WINDOW) this.#beginWindow(now, loop)
    return undefined
  }

  #enter<Act>(state: 'watching' | 'recording' | 'pausing', now: number, act?: Act): Act | undefined {
    this.#state = state
    this.#since = now
    if (state === 'recording') this.#recordings += 1
    return act
  }

  #beginWindow(now: number, loop: LoopTime): void {
    this.#windowStart = now
    this.#windowLoop = this.#lastLoop = loop
    this.#held = 0
  }
}
