import type { Cancel, Clock } from '../../lifecycle/clock.ts'
import type { Connection } from '../http/connection.ts'
import type { ConnectionPool } from '../http/connection-pool.ts'
import type { Arrivals } from './arrivals.ts'
import type { LoadModel, Sending } from './load-model.ts'
import type { ListedRequest } from './request-order.ts'

export interface OpenModelParts {
  readonly arrivals: Arrivals
  /** From when the arrivals count, by the clock. */
  readonly start: number
  readonly clock: Clock
  readonly pool: ConnectionPool<ListedRequest>
  /** Milliseconds that an arrival waits for a connection before it is dropped. */
  readonly longestWait: number
  readonly sending: Sending
}

/** When the open model sends: each arrival leaves when it is due, or as soon after that as a connection is free. */
export class OpenModel implements LoadModel {
  readonly arrivals: Arrivals
  readonly #parts: OpenModelParts
  #cancelTimer: Cancel | undefined

  constructor(parts: OpenModelParts) {
    this.arrivals = parts.arrivals
    this.#parts = parts
  }

  offer(connection: Connection<ListedRequest>, now: number): void {
    this.#parts.pool.addFree(connection)
    if (this.arrivals.due <= now - this.#parts.start) this.pace(now)
  }

  /** Sends every arrival that is due and for which there is a connection, then sets the timer for the next. */
  pace(now: number): void {
    const { arrivals } = this
    const { start, pool, longestWait, sending, clock } = this.#parts
    const elapsed = now - start
    const known = arrivals.notice(elapsed)
    while (arrivals.due <= elapsed && sending.mayBegin()) {
      // An arrival that is looked at for the first time has waited for this process, not for a connection.
      if (arrivals.isAmong(known) && elapsed - arrivals.due > longestWait) {
        this.#drop()
        continue
      }
      const connection = pool.takeFree()
      if (!connection) break
      const since = start + arrivals.due
      arrivals.advance()
      sending.send(connection, since, now)
    }
    this.#cancelTimer?.()
    if (arrivals.dueAhead === Infinity || !sending.mayBegin()) return
    this.#cancelTimer = clock.after(arrivals.dueAhead - elapsed, () => this.pace(clock.now()))
  }

  /** As long as any connection is left, what is due waits for it. */
  failUnserved(now: number, fail: (since: number) => void): void {
    const { start, pool, sending } = this.#parts
    if (pool.anyConnected) return
    while (sending.mayBegin() && this.arrivals.due <= now - start) {
      const { due } = this.arrivals
      this.arrivals.advance()
      fail(start + due)
    }
    this.pace(now)
  }

  end(now: number): void {
    this.#cancelTimer?.()
    while (this.arrivals.due <= now - this.#parts.start) this.#drop()
  }

  #drop(): void {
    const { due } = this.arrivals
    this.arrivals.advance()
    this.#parts.sending.drop(due)
  }
}
