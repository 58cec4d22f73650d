import type { Arrivals } from './arrivals.ts'
import type { Connection } from '../http/connection.ts'
import type { ListedRequest } from './request-order.ts'

/** When a load sends: closed model, as soon as the answer before is there; open model, when a request is due. */
export interface LoadModel {
  /** The schedule of an open model. */
  readonly arrivals?: Arrivals
  /** A connection can take a request at `now` (of `performance.now()`, as all times here). */
  offer(connection: Connection<ListedRequest>, now: number): void
  /** Sends what is due by `now`. */
  pace(now: number): void
  /** A connection could not be opened: gives `fail` each request that failed by that, as the moment from which it counts. */
  failUnserved(now: number, fail: (since: number) => void): void
  /** Drops what is due by `now` and was not sent, and sends nothing any more. */
  dropDue(now: number): void
  /** Sends nothing any more. Idempotent. */
  stop(): void
}
