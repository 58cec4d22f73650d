import { Connection, type ConnectionEvents, type Target } from './client.ts'

/** The connections of a load: as many as are wanted, and which of them are free. */
export class ConnectionPool {
  readonly #target: Target
  readonly #events: ConnectionEvents
  readonly #connections: Connection[] = []
  /** No longer wanted; they end with the answers under way. */
  #retiring: Connection[] = []
  /**
   * Can take a request. The one used last is used next, as browsers' and Node's own agents do: at a low rate it then does not
   * fall to the server's idle timeout in the very moment a request is written to it.
   */
  readonly #free: Connection[] = []

  constructor(target: Target, events: ConnectionEvents) {
    this.#target = target
    this.#events = events
  }

  get size(): number {
    return this.#connections.length
  }

  get anyConnected(): boolean {
    return this.#connections.some((connection) => connection.connected)
  }

  resize(wanted: number): void {
    while (this.#connections.length < wanted) {
      const connection = new Connection(this.#target, this.#events)
      this.#connections.push(connection)
      connection.open()
    }
    for (const connection of this.#connections.splice(wanted)) {
      connection.retire()
      if (!connection.closed) this.#retiring.push(connection)
    }
  }

  addFree(connection: Connection): void {
    if (connection.listed) return
    connection.listed = true
    this.#free.push(connection)
  }

  takeFree(): Connection | undefined {
    for (let connection = this.#free.pop(); connection; connection = this.#free.pop()) {
      connection.listed = false
      if (connection.ready) return connection
    }
    return undefined
  }

  /** Every connection that can take a request now. */
  *ready(): Generator<Connection> {
    for (const connection of this.#connections) if (connection.ready) yield connection
  }

  checkTimeouts(now: number): void {
    for (const connection of this.#connections) connection.checkTimeout(now)
    if (this.#retiring.length === 0) return
    for (const connection of this.#retiring) connection.checkTimeout(now)
    this.#retiring = this.#retiring.filter((connection) => !connection.closed)
  }

  close(): void {
    for (const connection of [...this.#connections, ...this.#retiring]) connection.close()
  }
}
