/** Milliseconds without a connection after which a target is given up, where attempts fail. */
const GIVE_UP_AFTER = 400
/** The same where one attempt failed and the others hang. */
const GIVE_UP_HANGING_AFTER = 900
/** The same where connections were open before, and no duration ends the load. */
const GIVE_UP_LOST_AFTER = 5_000

/**
 * Decides when a target is given up. Before the first connection, a failure is one of the whole load, not of a request. Later, a
 * load that ends by an amount of requests alone must not go on for ever when its target is gone.
 */
export class Reachability {
  readonly #url: string
  readonly #endless: boolean
  readonly #firstTry: number
  #opened = false
  #failures = 0
  #lastFailure = ''
  /** When an attempt first failed since a connection was open. */
  #failingSince: number | undefined

  /** `endless` where no duration ends the load; `now` is when it is tried first. */
  constructor(url: string, endless: boolean, now: number) {
    this.#url = url
    this.#endless = endless
    this.#firstTry = now
  }

  noteOpened(): void {
    this.#opened = true
    this.#failingSince = undefined
  }

  noteFailure(message: string, now: number): void {
    this.#failures += 1
    this.#lastFailure = message
    this.#failingSince ??= now
  }

  /** Why the load is to be given up. `hanging` where no attempt failed just now; `connected` where a connection is open. */
  verdict(now: number, { hanging, connected }: { hanging: boolean; connected: boolean }): string | undefined {
    if (this.#failingSince === undefined || connected) return undefined
    if (!this.#opened) {
      const tried = now - this.#firstTry
      if (tried < (hanging ? GIVE_UP_HANGING_AFTER : GIVE_UP_AFTER)) return undefined
      const attempts = `${this.#failures} attempts in ${Math.round(tried)} ms`
      // A message that asks a question knows better what to do.
      const end = this.#lastFailure.endsWith('?') ? '' : '. Is the server running, and on that port?'
      return `No connection to ${this.#url} could be opened (${attempts}): ${this.#lastFailure}${end}`
    }
    const lost = now - this.#failingSince
    if (!this.#endless || lost < GIVE_UP_LOST_AFTER) return undefined
    return `${this.#url} was lost: no connection could be opened any more for ${Math.round(lost)} ms: ${this.#lastFailure}. Did the server exit?`
  }
}
