import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import { readClock } from '../lifecycle/real-timers.ts'
import { FollowWindows } from './follow-windows.ts'

const REQUEST_STARTED = 'http.server.request.start'

/** Requests that were answered. Times are in milliseconds. */
export interface ServedTimes {
  readonly requests: number
  /** From the start of each request to the end of its answer, together. */
  readonly time: number
  /** Time in which at least one request was open. */
  readonly serving: number
  /** Those of them that were followed to their calls. */
  readonly followed: { readonly requests: number; readonly time: number }
}

interface Followed<N> {
  readonly notes: N
  isOver: boolean
}

/**
 * The HTTP requests that this isolate answers, and which of them a piece of code works for. Some are followed (see `FollowWindows`).
 * Requests that were open when it began are not counted.
 */
export class ServedRequests<N> {
  readonly #context = new AsyncLocalStorage<Followed<N> | undefined>()
  readonly #windows = new FollowWindows()
  readonly #takeNotes: () => N
  readonly #onAnswered: (notes: N, now: number) => void
  #isWorthwhile = false
  #open = 0
  #followedOpen = 0
  #servingSince = 0
  #all = { requests: 0, time: 0, serving: 0 }
  #followed = { requests: 0, time: 0 }

  /** `takeNotes` begins what is kept of a followed request; `onAnswered` gets it when the request is answered. */
  constructor(takeNotes: () => N, onAnswered: (notes: N, now: number) => void) {
    this.#takeNotes = takeNotes
    this.#onAnswered = onAnswered
  }

  start(): void {
    subscribe(REQUEST_STARTED, this.#onStart)
  }

  /** Idempotent. */
  stop(): void {
    unsubscribe(REQUEST_STARTED, this.#onStart)
    this.#context.disable()
  }

  read(): ServedTimes {
    const serving = this.#all.serving + (this.#open > 0 ? readClock() - this.#servingSince : 0)
    return { ...this.#all, serving, followed: { ...this.#followed } }
  }

  /** The notes of the followed request that the calling code works for. The code is about to call out of the server. */
  notesOfCaller(): N | undefined {
    this.#isWorthwhile = true
    const followed = this.#context.getStore()
    return followed && !followed.isOver ? followed.notes : undefined
  }

  readonly #onStart = (message: unknown): void => {
    const { response } = message as { response?: ServerResponse }
    if (typeof response?.on !== 'function') return
    const startedAt = readClock()
    if (this.#open === 0) this.#servingSince = startedAt
    this.#open += 1
    const followed = this.#windows.admits(startedAt, this.#isWorthwhile) ? this.#follow() : undefined
    // A socket that is kept alive still has its last request.
    if (this.#followedOpen > 0) this.#context.enterWith(followed)
    else this.#context.disable()
    // Published for answers alone is `http.server.response.finish`: a client that went away leaves its request open.
    response.on('close', () => this.#onClose(startedAt, followed, response.writableFinished))
  }

  #follow(): Followed<N> {
    this.#followedOpen += 1
    return { notes: this.#takeNotes(), isOver: false }
  }

  #onClose(startedAt: number, followed: Followed<N> | undefined, isAnswered: boolean): void {
    const now = readClock()
    this.#open -= 1
    if (this.#open === 0) this.#all.serving += now - this.#servingSince
    if (followed) {
      followed.isOver = true
      this.#followedOpen -= 1
    }
    if (!isAnswered) return
    this.#all.requests += 1
    this.#all.time += now - startedAt
    if (!followed) return
    this.#followed.requests += 1
    this.#followed.time += now - startedAt
    this.#onAnswered(followed.notes, now)
  }
}
