import type { LoadErrorKind, LoadSample } from '../../results/load-result.ts'
import type { Arrivals } from './arrivals.ts'
import type { CapturedAnswer } from '../http/captured-answer.ts'
import { ClosedModel } from './closed-model.ts'
import type { Connection } from '../http/connection.ts'
import type { ConnectionPool } from '../http/connection-pool.ts'
import type { Failure } from '../http/failure.ts'
import type { InFlightHistory } from '../measure/in-flight-history.ts'
import type { LoadMachine } from './load-machine.ts'
import type { LoadModel, Sending } from './load-model.ts'
import type { LoadPhase } from './load-work.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { Measurement } from '../measure/measurement.ts'
import type { RowlessProgress } from '../messages.ts'
import { OpenModel } from './open-model.ts'
import type { ListedRequest, RequestOrder } from './request-order.ts'

export interface RequestPhaseParts {
  readonly plan: LoadPlan
  readonly machine: LoadMachine
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
export class RequestPhase implements LoadPhase {
  /** When its sending began, by the clock. */
  readonly start: number
  readonly measurement: Measurement
  readonly #parts: RequestPhaseParts
  readonly #model: LoadModel
  /** When sending ended, by the clock, where that was before the end: rates are of the time until then. */
  #sendingEnded: number | undefined

  constructor(parts: RequestPhaseParts) {
    const { plan, machine, pool, arrivals } = parts
    const { clock } = machine
    this.#parts = parts
    this.start = clock.now()
    this.measurement = new Measurement(plan, clock.origin + this.start, machine.measureCost())
    const sending: Sending = {
      mayBegin: () => this.#mayBegin,
      send: (connection, since, now) => this.#send(connection, since, now),
      drop: (due) => this.#drop(due),
    }
    this.#model = arrivals
      ? new OpenModel({ arrivals, start: this.start, clock, pool, longestWait: plan.timeout, sending })
      : new ClosedModel(this.start, sending)
  }

  get #now(): number {
    return this.#parts.machine.clock.now()
  }

  get #elapsed(): number {
    return (this.#sendingEnded ?? this.#now) - this.start
  }

  /** The one place that says when no more is sent. */
  get #mayBegin(): boolean {
    return this.#sendingEnded === undefined && this.measurement.begun < (this.#parts.amount ?? Infinity)
  }

  /** Whether nothing is left to wait for. */
  get isDone(): boolean {
    const { begun, ended } = this.measurement
    return ended >= (this.#sendingEnded === undefined ? (this.#parts.amount ?? Infinity) : begun)
  }

  /** Whether requests under way when sending ends are waited for. */
  get drains(): boolean {
    return this.#model.arrivals !== undefined
  }

  // Sending ------------------------------------------------------------------------------------------------------------

  /** Sends what is due, on the connections that are ready. */
  beginSending(): void {
    for (const connection of this.#parts.pool.ready()) this.offer(connection)
    this.#model.pace(this.#now)
  }

  /** A connection can take a request. */
  offer(connection: Connection<ListedRequest>): void {
    this.#model.offer(connection, this.#now)
  }

  /** To be called every `LOOK` milliseconds. */
  look(now: number): void {
    this.measurement.look(now - this.start)
    this.#model.pace(now)
  }

  #send(connection: Connection<ListedRequest>, since: number, now: number): void {
    this.#noteBegun()
    connection.send(this.#parts.order.take(connection), since, now)
  }

  #noteBegun(): void {
    this.#parts.history.noteSent()
    this.measurement.begin()
  }

  #drop(due: number): void {
    this.measurement.drop(due)
    // What is dropped when sending ends is dropped as a whole.
    if (this.#sendingEnded === undefined) this.#parts.onEnded()
  }

  /** Sends no more, and drops what was due and not sent. What is under way still counts. Idempotent. */
  endSending(): void {
    if (this.#sendingEnded !== undefined) return
    this.#sendingEnded = this.#now
    this.measurement.stopCost()
    this.#model.end(this.#sendingEnded)
  }

  /** What is answered from now on is the next phase's, which knows that it was sent before. */
  close(): void {
    this.endSending()
  }

  // What became of requests ----------------------------------------------------------------------------------------------

  #counts(since: number): boolean {
    return since >= this.start
  }

  onAnswer(status: number, since: number, request: ListedRequest, answer: CapturedAnswer | undefined): void {
    this.#parts.history.noteCompleted()
    if (!this.#counts(since)) return
    this.measurement.answer(request.index, status, since - this.start, this.#now - this.start, answer)
    this.#parts.onEnded()
  }

  onFailure(kind: LoadErrorKind, message: string, since: number, request: ListedRequest): void {
    this.#parts.history.noteCompleted()
    if (!this.#counts(since)) return
    this.measurement.failure(kind, message, since - this.start, this.#now - this.start, request.index)
    this.#parts.onEnded()
  }

  onWithdrawn(connection: Connection<ListedRequest>, since: number, request: ListedRequest): void {
    this.#parts.history.noteWithdrawn()
    const counts = this.#counts(since)
    if (counts) this.measurement.withdraw()
    this.#parts.order.giveBack(connection, request, counts)
  }

  onConnectFailure(connection: Connection<ListedRequest>, { kind, message }: Failure): void {
    this.#model.failUnserved(this.#now, (since) => {
      this.#noteBegun()
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
    const end = last ? this.#now - this.start : undefined
    return this.measurement.interval(elapsed, state, arrivals?.lateness, end)
  }
}
