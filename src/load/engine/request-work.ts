import type { Cancel } from '../../lifecycle/clock.ts'
import type { Connection } from '../http/connection.ts'
import { ConnectionPool } from '../http/connection-pool.ts'
import { targetOf } from '../http/target.ts'
import type { Measurement } from '../measure/measurement.ts'
import { valueAt } from '../plan/schedule.ts'
import { shareOf, WHOLE } from '../plan/share.ts'
import type { LoadCourse, LoadPhase, LoadWork, PhasePlan } from './load-work.ts'
import { describeNothing } from './nothing-answered.ts'
import {
  listRequests,
  PerConnectionOrder,
  SharedOrder,
  type ListedRequest,
  type RequestOrder,
} from './request-order.ts'
import { RequestPhase } from './request-phase.ts'

/**
 * Milliseconds that an open model waits for all of its connections to open. The latency of its first arrivals would
 * include the opening otherwise.
 */
const LONGEST_OPENING = 1_000

/** Sends the requests of a plan on connections of its own. */
export class RequestWork implements LoadWork {
  readonly #course: LoadCourse
  readonly #pool: ConnectionPool<ListedRequest>
  readonly #list: readonly ListedRequest[]
  /** Outlives the warm-up, as sessions do. */
  readonly #perConnection: RequestOrder | undefined
  /** Absent while connections are opened. */
  #phase: RequestPhase | undefined
  #cancelOpening: Cancel | undefined

  constructor(course: LoadCourse) {
    const { plan, machine } = course
    this.#course = course
    this.#list = listRequests(plan)
    if (plan.order === 'perConnection' && this.#list.length > 1)
      this.#perConnection = new PerConnectionOrder(this.#list)
    this.#pool = new ConnectionPool(
      { target: targetOf(plan), clock: machine.clock, wire: machine.wire },
      {
        onReady: (connection) => this.#onReady(connection),
        onAnswer: (_connection, status, since, request, answer) =>
          this.#phase?.onAnswer(status, since, request, answer),
        onFailure: (kind, message, since, request) => this.#phase?.onFailure(kind, message, since, request),
        onWithdrawn: (connection, since, request) => this.#phase?.onWithdrawn(connection, since, request),
        onConnectFailure: (connection, failure) => {
          course.onConnectFailure(failure)
          course.onReady()
          this.#phase?.onConnectFailure(connection, failure)
          course.giveUpIfUnreachable()
        },
        onBytes: (count) => this.#phase?.measurement.recorder.addBytes(count),
      },
    )
  }

  get open(): number {
    return this.#pool.open
  }

  get isConnected(): boolean {
    return this.#pool.anyConnected
  }

  /** The closed model opens its connections when it sends; the open model has them before its first arrival. */
  prepare(): void {
    const { warmup, rate } = this.#course.plan
    if (!rate) return this.#course.onReady()
    this.#pool.resize(warmup ? this.#shareOf(warmup.connections) : this.#connectionsAt(0))
    this.#cancelOpening = this.#course.machine.clock.after(LONGEST_OPENING, () => this.#course.onReady())
  }

  #onReady(connection: Connection<ListedRequest>): void {
    this.#course.onOpened()
    if (this.#phase) this.#phase.offer(connection)
    else if (this.#pool.allOpen) this.#course.onReady()
  }

  createPhase({ isWarmup, arrivals, amount }: PhasePlan): LoadPhase {
    const { plan, machine, history } = this.#course
    this.#cancelOpening?.()
    const phase = new RequestPhase({
      plan,
      machine,
      pool: this.#pool,
      order: this.#perConnection ?? new SharedOrder(this.#list, plan.share),
      history,
      arrivals,
      amount,
      onEnded: () => this.#course.onEnded(),
    })
    this.#phase = phase
    this.#pool.resize(isWarmup && plan.warmup ? this.#shareOf(plan.warmup.connections) : this.#connectionsAt(0))
    return phase
  }

  resize(elapsed: number): void {
    this.#pool.resize(this.#connectionsAt(elapsed))
  }

  #connectionsAt(elapsed: number): number {
    return this.#shareOf(Math.max(1, Math.round(valueAt(this.#course.plan.connections, elapsed))))
  }

  /** In the open model each process needs a connection for its arrivals, at whatever height a ramp stands. */
  #shareOf(connections: number): number {
    const { share = WHOLE, rate } = this.#course.plan
    return Math.max(rate ? 1 : 0, shareOf(connections, share))
  }

  sweep(now: number): void {
    this.#pool.sweep(now)
  }

  describeNothing(measurement: Measurement, after: number): string {
    return describeNothing(this.#course.plan.url, measurement, after)
  }

  close(): undefined {
    this.#cancelOpening?.()
    this.#pool.close()
  }
}
