/** A target to which no connection could be opened for so long is given up. */
const GIVE_UP_AFTER = 400
/** The same where the attempts do not fail but hang, after one that failed. */
const GIVE_UP_HANGING_AFTER = 900

/** Whether a target can be reached at all: until the first connection, failures are not of requests but of the whole load. */
export class FirstConnection {
  readonly #url: string
  readonly #firstTry = performance.now()
  #opened = false
  #failures = 0
  #lastFailure: string | undefined

  constructor(url: string) {
    this.#url = url
  }

  noteOpened(): void {
    this.#opened = true
  }

  noteFailure(message: string): void {
    this.#failures += 1
    this.#lastFailure = message
  }

  /** Why the load is to be given up: nothing could be connected for long enough. `hanging` where no attempt failed just now. */
  verdict(now: number, hanging: boolean): string | undefined {
    const tried = now - this.#firstTry
    if (this.#opened || this.#lastFailure === undefined) return undefined
    if (tried < (hanging ? GIVE_UP_HANGING_AFTER : GIVE_UP_AFTER)) return undefined
    const attempts = `${this.#failures} attempts in ${Math.round(tried)} ms`
    return `No connection to ${this.#url} could be opened (${attempts}): ${this.#lastFailure}. Is the server running, and on that port?`
  }
}
