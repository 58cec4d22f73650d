import type { Cancel, Clock } from '../../lifecycle/clock.ts'
import { failureOf, type Failure } from './failure.ts'
import type { Target } from './target.ts'
import type { Line, Wire } from './wire.ts'

const FIRST_PAUSE = 10
const LONGEST_PAUSE = 250

export interface LinkEvents {
  onOpen(): void
  /** The bytes are valid only until the call returns. */
  onData(chunk: Buffer, length: number): void
  /** An open line was lost: by `failure`, or because the server closed it. The owner drops or reopens the link. */
  onLost(failure: Failure | undefined): void
  /** The line could not be opened. The owner drops or reopens the link. */
  onConnectFailure(failure: Failure): void
}

/** A line to the server that can be opened again and again. Knows nothing of HTTP. */
export class Link {
  readonly #target: Target
  readonly #clock: Clock
  readonly #wire: Wire
  readonly #events: LinkEvents
  #state: 'idle' | 'connecting' | 'open' | 'waiting' | 'closed' = 'idle'
  #line: Line | undefined
  #openingSince = 0
  /** Lines in a row that were of no use. */
  #useless = 0
  #cancelRetry: Cancel | undefined

  constructor(target: Target, clock: Clock, wire: Wire, events: LinkEvents) {
    this.#target = target
    this.#clock = clock
    this.#wire = wire
    this.#events = events
  }

  /** `waiting` for its turn to be opened again; `closed` for good. */
  get state(): 'idle' | 'connecting' | 'open' | 'waiting' | 'closed' {
    return this.#state
  }

  /** When the opening of the line began, by the clock. */
  get openingSince(): number {
    return this.#openingSince
  }

  open(): void {
    if (this.#state === 'closed') return
    this.#state = 'connecting'
    this.#openingSince = this.#clock.now()
    const isCurrent = () => this.#line === line
    const line: Line = this.#wire.connect(this.#target, {
      onOpen: () => {
        if (!isCurrent()) return
        this.#state = 'open'
        this.#events.onOpen()
      },
      onData: (chunk, length) => {
        if (isCurrent()) this.#events.onData(chunk, length)
      },
      onError: (error) => {
        if (isCurrent()) this.#onEnd(failureOf(error))
      },
      onEnd: () => {
        if (isCurrent()) this.#onEnd(undefined)
      },
    })
    this.#line = line
  }

  #onEnd(failure: Failure | undefined): void {
    if (this.#state !== 'connecting') return this.#events.onLost(failure)
    this.#events.onConnectFailure(failure ?? { kind: 'reset', message: 'connection closed while it was opened' })
  }

  write(bytes: Uint8Array): void {
    this.#line?.write(bytes)
  }

  /** What `writeAll` writes leaves in one piece. */
  together(writeAll: () => void): void {
    const line = this.#line
    line?.cork()
    writeAll()
    line?.uncork()
  }

  /** Its line was of use: when it ends, the next is opened at once. */
  noteUse(): void {
    this.#useless = 0
  }

  /**
   * The line was useless: the next one is opened after a pause, which grows with each such line, so that a dead target
   * causes no hot loop.
   */
  noteUseless(): void {
    this.#useless += 1
  }

  /** Destroys the line. Nothing is heard of it any more. */
  drop(): void {
    const line = this.#line
    this.#line = undefined
    if (this.#state !== 'closed') this.#state = 'idle'
    line?.destroy()
  }

  /** Opens a new line, at once or after a pause. To be called after `drop()`. */
  reopen(): void {
    if (this.#state === 'closed') return
    if (this.#useless === 0) return this.open()
    this.#state = 'waiting'
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (this.#useless - 1))
    this.#cancelRetry = this.#clock.after(pause, () => this.open())
  }

  /** Closes at once, for good. Idempotent. */
  close(): void {
    this.#cancelRetry?.()
    this.drop()
    this.#state = 'closed'
  }
}
