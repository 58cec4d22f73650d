import { performance } from 'node:perf_hooks'
import type { LoadErrorKind, LoadSample } from '../../results/load-result.ts'
import type { Arrivals } from './arrivals.ts'
import type { Connection } from '../http/connection.ts'
import type { CapturedAnswer } from '../http/captured-answer.ts'
import { ClosedModel } from './closed-model.ts'
import type { ConnectionPool } from '../http/connection-pool.ts'
import type { Failure } from '../http/failure.ts'
import type { InFlightHistory } from '../measure/in-flight-history.ts'
import type { LoadModel } from './load-model.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { Measurement } from '../measure/measurement.ts'
import type { RowlessProgress } from '../messages.ts'
import { OpenModel } from './open-model.ts'
import type { ListedRequest, RequestOrder } from './request-order.ts'
import { readClock } from '../../lifecycle/real-timers.ts'

export interface LoadPhaseParts {
  readonly plan: LoadPlan
  readonly pool: ConnectionPool<ListedRequest>
  /** Which request is sent next. */
  readonly order: RequestOrder
  readonly history: InFlightHistory
  /** Open model. */
  readonly arrivals?: Arrivals | undefined
  /** Requests after which no more is begun. */
  readonly amount?: number | undefined
  /** One more request has come to its end. */
  onEnded(): void
}

/**
 * A part of a load in which requests are sent, warm-up or measured: what sends, and what became of each request. Requests of the
 * part before, answered in this one, do not count.
 */
export class LoadPhase {
  /** `performance.readClock()` at which its sending began. */
  readonly start = readClock()
  readonly measurement: Measurement
  readonly #parts: LoadPhaseParts
  readonly #model: LoadModel
  /** `performance.readClock()` at which sending ended, where that was before the end: rates are of the time until then. */
  #sendingEnded: number | undefined

  constructor(parts: LoadPhaseParts) {
    const { plan, pool, order, arrivals, amount } = parts
    this.#parts = parts
    this.measurement = new Measurement(plan, performance.timeOrigin + this.start)
    const onSend = () => this.#noteSent()
    const onDrop = (due: number) => {
      this.measurement.drop(due)
      // What is dropped when sending ends is dropped as a whole.
      if (this.#sendingEnded === undefined) parts.onEnded()
    }
    this.#model = arrivals
      ? new OpenModel(arrivals, this.start, pool, order, plan.timeout, { onSend, onDrop })
      : new ClosedModel(this.start, order, () => amount === undefined || this.measurement.begun < amount, onSend)
  }

  /** Whether nothing is left to wait for. */
  get isDone(): boolean {
    const { begun, ended } = this.measurement
    return ended >= (this.#sendingEnded === undefined ? (this.#parts.amount ?? Infinity) : begun)
  }

  get #elapsed(): number {
    return (this.#sendingEnded ?? readClock()) - this.start
  }

  // Sending ------------------------------------------------------------------------------------------------------------

  /** Sends what is due, on the connections that are ready. */
  begin(): void {
    for (const connection of this.#parts.pool.ready()) this.offer(connection)
    this.#model.pace(readClock())
  }

  /** A connection can take a request. */
  offer(connection: Connection<ListedRequest>): void {
    this.#model.offer(connection, readClock())
  }

  /** To be called every `LOOK` milliseconds. */
  look(now: number): void {
    this.measurement.look(now - this.start)
    this.#model.pace(now)
  }

  #noteSent(): void {
    this.#parts.history.sent += 1
    this.measurement.begun += 1
  }

  /** Sends no more. What is under way in an open model is still waited for: returns whether there is such a wait. */
  endSending(): boolean {
    this.#sendingEnded = readClock()
    this.measurement.stopCost()
    this.#model.dropDue(this.#sendingEnded)
    return this.#model.arrivals !== undefined
  }

  /** Ends it for good: what was due and not sent is dropped. Idempotent. */
  close(): void {
    this.#model.dropDue(readClock())
    this.measurement.stopCost()
  }

  // What became of requests ----------------------------------------------------------------------------------------------

  #counts(since: number): boolean {
    return since >= this.start
  }

  onAnswer(status: number, since: number, request: ListedRequest, answer: CapturedAnswer | undefined): void {
    this.#parts.history.completed += 1
    if (!this.#counts(since)) return
    this.measurement.answer(request.index, status, since - this.start, readClock() - this.start, answer)
    this.#parts.onEnded()
  }

  onFailure(kind: LoadErrorKind, message: string, since: number, request: ListedRequest): void {
    this.#parts.history.completed += 1
    if (!this.#counts(since)) return
    this.measurement.failure(kind, message, since - this.start, readClock() - this.start, request.index)
    this.#parts.onEnded()
  }

  onWithdrawn(connection: Connection<ListedRequest>, since: number, request: ListedRequest): void {
    this.#parts.history.sent -= 1
    const counts = this.#counts(since)
    if (counts) this.measurement.begun -= 1
    this.#parts.order.giveBack(connection, request, counts)
  }

  onConnectFailure(connection: Connection<ListedRequest>, { kind, message, ownLimit }: Failure): void {
    if (ownLimit) this.measurement.noteOwnLimit(message)
    this.#model.failUnserved(readClock(), (since) => {
      this.#noteSent()
      this.onFailure(kind, message, since, this.#parts.order.spend(connection))
    })
  }

  // What is known --------------------------------------------------------------------------------------------------------

  soFar(): RowlessProgress {
    return this.measurement.soFar(this.#elapsed, this.#model.arrivals?.lateness)
  }

  /** Ends an interval; the `last` one with the last answer, which may be later than the last request. */
  interval(last = false): { progress: RowlessProgress; rows: LoadSample[] } {
    const elapsed = this.#elapsed
    const { arrivals } = this.#model
    const open = arrivals && { rate: arrivals.rateAt(elapsed), backlog: arrivals.backlog(elapsed) }
    const state = { connections: this.#parts.pool.open, ...open }
    const end = last ? readClock() - this.start : undefined
    return this.measurement.interval(elapsed, state, arrivals?.lateness, end)
  }
}
