import { Connection, type ConnectionEvents, type ConnectionParts } from './connection.ts'
import type { OutgoingRequest } from './outgoing-request.ts'

/** Connections being opened at a time: more would overflow the queue of a server that listens with the usual backlog of 511 or less. */
const MOST_OPENING = 100

/** The connections of a load: as many as are wanted, and which of them are free. */
export class ConnectionPool<R extends OutgoingRequest> {
  readonly #parts: ConnectionParts
  readonly #events: ConnectionEvents<R>
  readonly #connections: Connection<R>[] = []
  /** Their turn to be opened is yet to come. */
  readonly #unopened: Connection<R>[] = []
  /** No longer wanted; they end with the answers under way. */
  #retiring: Connection<R>[] = []
  /**
   * Can take a request. The one used last is used next, as browsers' and Node's own agents do: at a low rate it then does not
   * fall to the server's idle timeout in the very moment a request is written to it.
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

  /** To be called every few milliseconds: time-outs, and connections that wait to be opened. */
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
