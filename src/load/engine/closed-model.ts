import type { Connection } from '../http/connection.ts'
import type { LoadModel } from './load-model.ts'
import type { ListedRequest, RequestOrder } from './request-order.ts'

/** When the closed model sends: at once on every connection that can take a request. */
export class ClosedModel implements LoadModel {
  readonly #start: number
  readonly #order: RequestOrder
  readonly #mayBegin: () => boolean
  readonly #onSend: () => void
  #stopped = false

  /** `start` is of `performance.now()`: no latency counts from before it. `mayBegin` is asked before each request. */
  constructor(start: number, order: RequestOrder, mayBegin: () => boolean, onSend: () => void) {
    this.#start = start
    this.#order = order
    this.#mayBegin = mayBegin
    this.#onSend = onSend
  }

  offer(connection: Connection<ListedRequest>, now: number): void {
    connection.together(() => {
      while (connection.ready && this.#sending) {
        this.#onSend()
        connection.send(this.#order.take(connection), Math.max(this.#start, connection.waitingSince(now)), now)
      }
    })
  }

  get #sending(): boolean {
    return !this.#stopped && this.#mayBegin()
  }

  /** Nothing is ever due: it is the connections that pace. */
  pace(): void {}

  failUnserved(now: number, fail: (since: number) => void): void {
    if (this.#sending) fail(now)
  }

  dropDue(): void {
    this.stop()
  }

  stop(): void {
    this.#stopped = true
  }
}
