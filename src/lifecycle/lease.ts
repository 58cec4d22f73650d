import type { Cancel, Clock } from './clock.ts'

/** A right that ends when nobody renews it. */
export class Lease {
  readonly #clock: Clock
  readonly #length: number
  readonly #onEnd: () => void
  #cancel: Cancel

  /** Calls `onEnd` once, `length` milliseconds after the last renewal. */
  constructor(clock: Clock, length: number, onEnd: () => void) {
    this.#clock = clock
    this.#length = length
    this.#onEnd = onEnd
    this.#cancel = this.#wait()
  }

  #wait(): Cancel {
    // This process may have stood still: a renewal that has arrived meanwhile is read first.
    return this.#clock.after(this.#length, () => {
      this.#cancel = this.#clock.soon(this.#onEnd)
    })
  }

  renew(): void {
    this.#cancel()
    this.#cancel = this.#wait()
  }

  /** Ends it without a call. Idempotent; it cannot be renewed after that. */
  release(): void {
    this.#cancel()
  }
}
