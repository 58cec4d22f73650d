import type { Connection } from '../http/connection.ts'
import type { Arrivals } from './arrivals.ts'
import type { ListedRequest } from './request-order.ts'

/** How a model sends. It belongs to the phase, which knows what was sent and when no more is to be. */
export interface Sending {
  /** Whether one more request may be begun. No is for good. */
  mayBegin(): boolean
  /** Sends the next request of the list; its latency counts from `since`. */
  send(connection: Connection<ListedRequest>, since: number, now: number): void
  /** Nothing could serve an arrival; it was due at `due`, in milliseconds from the start. */
  drop(due: number): void
}

/** When a load sends: closed model, as soon as the answer before is there; open model, when a request is due. */
export interface LoadModel {
  /** The schedule of an open model. */
  readonly arrivals?: Arrivals
  /** A connection can take a request at `now` (by the clock, as all times here). */
  offer(connection: Connection<ListedRequest>, now: number): void
  /** Sends what is due by `now`. */
  pace(now: number): void
  /** A connection could not be opened: gives `fail` each request that failed by that, as the moment from which it counts. */
  failUnserved(now: number, fail: (since: number) => void): void
  /** No more is sent: drops what is due by `now` and was not sent. */
  end(now: number): void
}
