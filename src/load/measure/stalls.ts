/** Milliseconds that a look at the clock may come late without telling of a pause. */
const TOLERATED = 10

/** How long the load process stood still: who looks at the clock every few milliseconds sees each pause as a look that came late. */
export class Stalls {
  /** Milliseconds. */
  total = 0
  readonly #interval: number
  #last: number

  /** Looked at every `interval` milliseconds from `start` on. */
  constructor(interval: number, start: number) {
    this.#interval = interval
    this.#last = start
  }

  look(now: number): void {
    const late = now - this.#last - this.#interval
    if (late > TOLERATED) this.total += late
    this.#last = now
  }
}
