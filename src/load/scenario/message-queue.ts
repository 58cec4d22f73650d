/** Messages waiting for their reader after which no more are read from the connection. */
const MOST_WAITING = 1_000

/** Messages of a stream, in order, for one reader. */
export class MessageQueue<Message> implements AsyncIterable<Message> {
  readonly #waiting: Message[] = []
  #reader: { resolve(message: Message | undefined): void; reject(error: Error): void } | undefined
  #end: { error: Error | undefined } | undefined
  readonly #on: { onFull(): void; onRoom(): void; onLeft(): void }

  /** `onFull`: hold messages back until `onRoom`. `onLeft`: the loop that reads has been left. */
  constructor(on: { onFull(): void; onRoom(): void; onLeft(): void }) {
    this.#on = on
  }

  push(message: Message): void {
    if (this.#end) return
    const reader = this.#reader
    if (reader) {
      this.#reader = undefined
      return reader.resolve(message)
    }
    this.#waiting.push(message)
    if (this.#waiting.length === MOST_WAITING) this.#on.onFull()
  }

  /** No more will come. What waits is read first; then the reader gets `error`, if there is one. Idempotent. */
  end(error?: Error): void {
    if (this.#end) return
    this.#end = { error }
    const reader = this.#reader
    this.#reader = undefined
    if (error) reader?.reject(error)
    else reader?.resolve(undefined)
  }

  /** Resolves with the next message; `undefined` at the end. */
  next(): Promise<Message | undefined> {
    if (this.#reader) return Promise.reject(new Error('Only one reader at a time waits for the next message'))
    if (this.#waiting.length > 0) {
      const message = this.#waiting.shift()
      if (this.#waiting.length === MOST_WAITING / 2) this.#on.onRoom()
      return Promise.resolve(message)
    }
    if (this.#end) return this.#end.error ? Promise.reject(this.#end.error) : Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
    })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message> {
    try {
      for (let message = await this.next(); message !== undefined; message = await this.next()) yield message
    } finally {
      this.#on.onLeft()
    }
  }
}
