/** Milliseconds by which a look at the clock may be late without counting as a stall. */
const TOLERATED = 10

/** Adds up how long the load process stood still. It looks at the clock at a fixed interval; a pause makes the next look late. */
export class Stalls {
  /** Milliseconds. */
  total = 0
  readonly #interval: number
  #last: number

  /** `interval` is the milliseconds between two looks, the first of which is due after `start`. */
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
