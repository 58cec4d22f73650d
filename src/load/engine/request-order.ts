import type { Connection } from '../http/connection.ts'
import { encodeRequest, type OutgoingRequest } from '../http/outgoing-request.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { WHOLE, type Share } from '../plan/share.ts'

/** A request of the load's list. */
export interface ListedRequest extends OutgoingRequest {
  /** Its place in the list. */
  readonly index: number
}

/** The requests of a load as they are written to a connection. */
export function listRequests({ requests }: LoadPlan): ListedRequest[] {
  return requests.map((request, index) => ({
    index,
    bytes: encodeRequest(request),
    isHead: request.method === 'HEAD',
    needsHeaders: request.needsHeaders === true,
    needsBody: request.needsBody === true,
  }))
}

/** Decides which request of the list is sent next. */
export interface RequestOrder {
  /** The next request, to be sent on `connection`. */
  take(connection: Connection<ListedRequest>): ListedRequest
  /** The request that fails because `connection` cannot be opened. */
  spend(connection: Connection<ListedRequest>): ListedRequest
  /** `request` was not served and is to be sent again. Several are given back from last to first. */
  giveBack(connection: Connection<ListedRequest>, request: ListedRequest, ofThisPart: boolean): void
}

/**
 * Deals the list out over all connections, and over all processes of a load. Request `k` of a part of the load is
 * element `k mod n` of the list.
 */
export class SharedOrder implements RequestOrder {
  readonly #list: readonly ListedRequest[]
  readonly #step: number
  #next: number
  readonly #givenBack: ListedRequest[] = []

  constructor(list: readonly ListedRequest[], { first, step }: Share = WHOLE) {
    this.#list = list
    this.#step = step
    this.#next = first % list.length
  }

  take(): ListedRequest {
    const again = this.#givenBack.shift()
    if (again) return again
    const request = this.#list[this.#next] as ListedRequest
    this.#next = (this.#next + this.#step) % this.#list.length
    return request
  }

  spend(): ListedRequest {
    return this.take()
  }

  giveBack(_connection: unknown, request: ListedRequest, ofThisPart: boolean): void {
    if (ofThisPart) this.#givenBack.unshift(request)
  }
}

/**
 * Each connection works through the list by itself. It keeps its place from the warm-up to the measured part, as a
 * session does.
 */
export class PerConnectionOrder implements RequestOrder {
  readonly #list: readonly ListedRequest[]
  readonly #next = new WeakMap<Connection<ListedRequest>, number>()

  constructor(list: readonly ListedRequest[]) {
    this.#list = list
  }

  take(connection: Connection<ListedRequest>): ListedRequest {
    const request = this.spend(connection)
    this.#next.set(connection, request.index + 1 === this.#list.length ? 0 : request.index + 1)
    return request
  }

  /** A session does not skip the request that could not be sent. */
  spend(connection: Connection<ListedRequest>): ListedRequest {
    return this.#list[this.#next.get(connection) ?? 0] as ListedRequest
  }

  giveBack(connection: Connection<ListedRequest>, request: ListedRequest): void {
    this.#next.set(connection, request.index)
  }
}
