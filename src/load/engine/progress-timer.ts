import { clearTimeout, readClock, setTimeout } from '../../lifecycle/real-timers.ts'
/** Calls `onDue` with the milliseconds since `start` at every multiple of `interval`: never early, and once for several that a delay swallowed. */
export class ProgressTimer {
  readonly #start: number
  readonly #interval: number
  readonly #until: number
  readonly #onDue: (elapsed: number) => void
  #due: number
  #timer: NodeJS.Timeout | undefined

  /** `start` is of `performance.readClock()`; nothing is due from `until` (milliseconds from the start) on. */
  constructor(start: number, interval: number, until: number, onDue: (elapsed: number) => void) {
    this.#start = start
    this.#interval = interval
    this.#until = until
    this.#onDue = onDue
    this.#due = interval
    this.#schedule()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (this.#due >= this.#until) return
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, this.#start + this.#due - readClock()))
  }

  #fire(): void {
    const elapsed = readClock() - this.#start
    // Timers can be up to a millisecond early.
    if (elapsed < this.#due) return this.#schedule()
    if (elapsed >= this.#until) return
    while (this.#due <= elapsed) this.#due += this.#interval
    this.#schedule()
    this.#onDue(elapsed)
  }
}
