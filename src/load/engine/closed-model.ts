import type { Connection } from '../http/connection.ts'
import type { LoadModel, Sending } from './load-model.ts'
import type { ListedRequest } from './request-order.ts'

/** When the closed model sends: at once on every connection that can take a request. */
export class ClosedModel implements LoadModel {
  readonly #start: number
  readonly #sending: Sending

  /** No latency counts from before `start`. */
  constructor(start: number, sending: Sending) {
    this.#start = start
    this.#sending = sending
  }

  offer(connection: Connection<ListedRequest>, now: number): void {
    connection.together(() => {
      while (connection.ready && this.#sending.mayBegin()) {
        this.#sending.send(connection, Math.max(this.#start, connection.waitingSince(now)), now)
      }
    })
  }

  /** Nothing is ever due: it is the connections that pace. */
  pace(): void {}

  failUnserved(now: number, fail: (since: number) => void): void {
    if (this.#sending.mayBegin()) fail(now)
  }

  end(): void {}
}
