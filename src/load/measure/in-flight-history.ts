const LENGTH = 2_048

/**
 * How many requests a load has sent and completed, now and at past moments of the last seconds: enough to say how many were under
 * way in a pause.
 */
export class InFlightHistory {
  /** Since the very start, warm-up included; both are its owner's to count. */
  sent = 0
  completed = 0
  readonly #times = new Float64Array(LENGTH)
  readonly #sent = new Float64Array(LENGTH)
  readonly #completed = new Float64Array(LENGTH)
  #size = 0

  /** Keeps both counts as those of `time` (Unix ms). */
  note(time: number): void {
    const at = this.#size % LENGTH
    this.#times[at] = time
    this.#sent[at] = this.sent
    this.#completed[at] = this.completed
    this.#size += 1
  }

  /** Requests sent before the end of `[from, to]` and not completed by its start: all that were under way at any time in it. */
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
