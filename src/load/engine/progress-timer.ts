import type { Cancel, Clock } from '../../lifecycle/clock.ts'

/** Calls `onDue` at every multiple of `interval` from `start` on: never early, and once for several that a delay swallowed. */
export class ProgressTimer {
  readonly #clock: Clock
  readonly #start: number
  readonly #interval: number
  readonly #until: number
  readonly #onDue: () => void
  #due: number
  #cancel: Cancel | undefined

  /** `start` is by the clock; nothing is due from `until` (milliseconds from the start) on. */
  constructor(clock: Clock, start: number, interval: number, until: number, onDue: () => void) {
    this.#clock = clock
    this.#start = start
    this.#interval = interval
    this.#until = until
    this.#onDue = onDue
    this.#due = interval
    this.#schedule()
  }

  stop(): void {
    this.#cancel?.()
  }

  #schedule(): void {
    if (this.#due >= this.#until) return
    const left = this.#start + this.#due - this.#clock.now()
    this.#cancel = this.#clock.after(Math.max(0, left), () => this.#fire())
  }

  #fire(): void {
    const elapsed = this.#clock.now() - this.#start
    // Timers can be up to a millisecond early.
    if (elapsed < this.#due) return this.#schedule()
    if (elapsed >= this.#until) return
    while (this.#due <= elapsed) this.#due += this.#interval
    this.#schedule()
    this.#onDue()
  }
}
