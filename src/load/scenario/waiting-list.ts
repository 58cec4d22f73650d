/** Something that a user waits for. */
export interface Waiting {
  /** Ends it with this error. */
  end(error: Error): void
}

/** What one user waits for now. A list is fastest, since there are few. */
export class WaitingList {
  readonly #waits: Waiting[] = []

  add(waiting: Waiting): void {
    this.#waits.push(waiting)
  }

  /** Removes what has come to its end. Idempotent. */
  remove(waiting: Waiting): void {
    const index = this.#waits.indexOf(waiting)
    if (index === -1) return
    const last = this.#waits.pop() as Waiting
    if (last !== waiting) this.#waits[index] = last
  }

  /** Ends and removes all of them. */
  endAll(error: Error): void {
    for (const waiting of this.#waits.splice(0)) waiting.end(error)
  }
}
