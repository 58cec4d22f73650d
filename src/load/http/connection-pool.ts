import { Connection, type ConnectionEvents, type ConnectionParts } from './connection.ts'
import type { OutgoingRequest } from './outgoing-request.ts'

/** Connections that are opened at the same time. More would overflow the accept queue of a server (511 in Node and nginx, often 128). */
const MOST_OPENING = 100

/** Holds as many connections as the load wants, and knows which of them can take a request. */
export class ConnectionPool<R extends OutgoingRequest> {
  readonly #parts: ConnectionParts
  readonly #events: ConnectionEvents<R>
  readonly #connections: Connection<R>[] = []
  /** Wait to be opened. */
  readonly #unopened: Connection<R>[] = []
  /** No longer wanted. Each closes when its requests under way are answered. */
  #retiring: Connection<R>[] = []
  /**
   * Can take a request. The connection used last is used next, as browsers and Node's agent do. Otherwise, at a low
   * rate, an idle connection would reach the server's idle timeout just when a request is written to it.
   */
  readonly #free: Connection<R>[] = []

  constructor(parts: ConnectionParts, events: ConnectionEvents<R>) {
    this.#parts = parts
    this.#events = events
  }

  /** How many are open now. */
  get open(): number {
    return this.#connections.filter((connection) => connection.connected).length
  }

  get anyConnected(): boolean {
    return this.#connections.some((connection) => connection.connected)
  }

  get allOpen(): boolean {
    return this.#unopened.length === 0 && this.#connections.every((connection) => connection.connected)
  }

  resize(wanted: number): void {
    while (this.#connections.length < wanted) {
      const connection = new Connection(this.#parts, this.#events)
      this.#connections.push(connection)
      this.#unopened.push(connection)
    }
    for (const connection of this.#connections.splice(wanted)) {
      connection.retire()
      if (!connection.closed) this.#retiring.push(connection)
    }
    this.#openMore()
  }

  #openMore(): void {
    if (this.#unopened.length === 0) return
    const opening = this.#connections.filter((connection) => connection.connecting).length
    for (const connection of this.#unopened.splice(0, Math.max(0, MOST_OPENING - opening))) connection.open()
  }

  addFree(connection: Connection<R>): void {
    if (connection.listed) return
    connection.listed = true
    this.#free.push(connection)
  }

  takeFree(): Connection<R> | undefined {
    for (let connection = this.#free.pop(); connection; connection = this.#free.pop()) {
      connection.listed = false
      if (connection.ready) return connection
    }
    return undefined
  }

  /** Every connection that can take a request now. */
  *ready(): Generator<Connection<R>> {
    for (const connection of this.#connections) if (connection.ready) yield connection
  }

  /** Checks time-outs, and opens connections that wait for it. To be called every few milliseconds. */
  sweep(now: number): void {
    this.#openMore()
    for (const connection of this.#connections) connection.checkTimeout(now)
    if (this.#retiring.length === 0) return
    for (const connection of this.#retiring) connection.checkTimeout(now)
    this.#retiring = this.#retiring.filter((connection) => !connection.closed)
  }

  close(): void {
    for (const connection of [...this.#connections, ...this.#retiring]) connection.close()
  }
}
