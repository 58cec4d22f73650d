const LENGTH = 2_048

/** Requests sent and completed over the last 20 s. Tells how many were under way while the server stood still. */
export class InFlightHistory {
  #sentSoFar = 0
  #completedSoFar = 0
  readonly #times = new Float64Array(LENGTH)
  readonly #sent = new Float64Array(LENGTH)
  readonly #completed = new Float64Array(LENGTH)
  #size = 0

  /** Requests completed since the start, warm-up included. */
  get completed(): number {
    return this.#completedSoFar
  }

  noteSent(): void {
    this.#sentSoFar += 1
  }

  /** A request was answered, or has failed. */
  noteCompleted(): void {
    this.#completedSoFar += 1
  }

  /** A request that was noted as sent was not. */
  noteWithdrawn(): void {
    this.#sentSoFar -= 1
  }

  /** Stores both counts for `time` (Unix ms). */
  note(time: number): void {
    const at = this.#size % LENGTH
    this.#times[at] = time
    this.#sent[at] = this.#sentSoFar
    this.#completed[at] = this.#completedSoFar
    this.#size += 1
  }

  /** Returns how many requests were under way at any time in `[from, to]`: sent before its end and not completed by its start. */
  underwayDuring(from: number, to: number): number {
    if (this.#size === 0) return 0
    return Math.max(0, Math.round(this.#at(this.#sent, to) - this.#at(this.#completed, from)))
  }

  #at(values: Float64Array, time: number): number {
    const first = Math.max(0, this.#size - LENGTH)
    let low = first
    let high = this.#size - 1
    if (time >= (this.#times[high % LENGTH] as number)) return values[high % LENGTH] as number
    if (time <= (this.#times[low % LENGTH] as number)) return values[low % LENGTH] as number
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#times[middle % LENGTH] as number) <= time) low = middle
      else high = middle
    }
    const t0 = this.#times[low % LENGTH] as number
    const t1 = this.#times[high % LENGTH] as number
    const v0 = values[low % LENGTH] as number
    return v0 + (((values[high % LENGTH] as number) - v0) * (time - t0)) / (t1 - t0 || 1)
  }
}
