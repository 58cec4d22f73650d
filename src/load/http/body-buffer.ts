const NONE = Buffer.alloc(0)

/** Collects a body. One whose length is known is written in place: to join a gigabyte at its end would hold up the process. */
export class BodyBuffer {
  /** Its length, until memory for it is taken. */
  #announced: number | undefined
  #whole: Buffer | undefined
  #filled = 0
  #parts: Buffer[] = []

  /** `announced` is its length, if the head says so. What was collected before is dropped. */
  begin(announced: number | undefined): void {
    this.#whole = undefined
    this.#announced = announced
    this.#filled = 0
    if (this.#parts.length > 0) this.#parts = []
  }

  /** Copies a part: its memory is read into again. */
  add(part: Buffer): void {
    if (this.#announced !== undefined) this.#whole = allocate(this.#announced)
    this.#announced = undefined
    if (this.#whole) this.#filled += part.copy(this.#whole, this.#filled)
    else this.#parts.push(Buffer.from(part))
  }

  /** Returns it, and keeps nothing. */
  end(): Buffer {
    const whole = this.#whole?.subarray(0, this.#filled) ?? (this.#parts.length > 0 ? Buffer.concat(this.#parts) : NONE)
    this.begin(undefined)
    return whole
  }
}

/** `undefined` for more than there is. */
function allocate(length: number): Buffer | undefined {
  try {
    return Buffer.allocUnsafe(length)
  } catch {
    return undefined
  }
}
