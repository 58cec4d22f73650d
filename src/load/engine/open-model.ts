import type { Arrivals } from './arrivals.ts'
import type { Connection } from '../http/connection.ts'
import type { ConnectionPool } from '../http/connection-pool.ts'
import type { LoadModel } from './load-model.ts'
import type { ListedRequest, RequestOrder } from './request-order.ts'
import { clearTimeout, readClock, setTimeout } from '../../lifecycle/real-timers.ts'

/** Whom a pacer tells what became of an arrival. */
export interface OpenModelEvents {
  /** It is about to be sent. */
  onSend(): void
  /** Nothing could serve it; it was due at `due`, in milliseconds from the start. */
  onDrop(due: number): void
}

/** When the open model sends: each arrival leaves when it is due, or as soon after that as a connection is free. */
export class OpenModel implements LoadModel {
  readonly arrivals: Arrivals
  /** `performance.readClock()` from which the arrivals count. */
  readonly #start: number
  readonly #pool: ConnectionPool<ListedRequest>
  readonly #order: RequestOrder
  readonly #longestWait: number
  readonly #events: OpenModelEvents
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(
    arrivals: Arrivals,
    start: number,
    pool: ConnectionPool<ListedRequest>,
    order: RequestOrder,
    longestWait: number,
    events: OpenModelEvents,
  ) {
    this.arrivals = arrivals
    this.#start = start
    this.#pool = pool
    this.#order = order
    this.#longestWait = longestWait
    this.#events = events
  }

  offer(connection: Connection<ListedRequest>, now: number): void {
    this.#pool.addFree(connection)
    if (this.arrivals.due <= now - this.#start) this.pace(now)
  }

  /** Sends every arrival that is due and for which there is a connection, then sets the timer for the next. */
  pace(now: number): void {
    const { arrivals } = this
    const elapsed = now - this.#start
    const known = arrivals.notice(elapsed)
    while (!this.#stopped && arrivals.due <= elapsed) {
      // What nobody has looked at before has waited for us, not for a connection.
      if (arrivals.isAmong(known) && elapsed - arrivals.due > this.#longestWait) {
        this.#drop()
        continue
      }
      const connection = this.#pool.takeFree()
      if (!connection) break
      this.#events.onSend()
      connection.send(this.#order.take(connection), this.#start + arrivals.due, now)
      arrivals.advance()
    }
    clearTimeout(this.#timer)
    if (this.#stopped || arrivals.dueAhead === Infinity) return
    this.#timer = setTimeout(() => this.pace(readClock()), arrivals.dueAhead - elapsed)
  }

  /** As long as any connection is left, what is due waits for it. */
  failUnserved(now: number, fail: (since: number) => void): void {
    if (this.#pool.anyConnected) return
    while (!this.#stopped && this.arrivals.due <= now - this.#start) {
      const { due } = this.arrivals
      this.arrivals.advance()
      fail(this.#start + due)
    }
    this.pace(now)
  }

  dropDue(now: number): void {
    this.stop()
    while (this.arrivals.due <= now - this.#start) this.#drop()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #drop(): void {
    const { due } = this.arrivals
    this.arrivals.advance()
    this.#events.onDrop(due)
  }
}
