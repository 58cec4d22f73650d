import { createRequire } from 'node:module'

// The one file that knows autocannon's inside (9.0.0 exactly). Of its client we keep the parser of answers. Connecting, writing,
// matching answers with requests and timing are ours (`client.ts`): that is where its figures go wrong.
interface ResponseInfo {
  statusCode: number
  versionMinor: number
}
interface Parser {
  [callback: number]: unknown
  readonly connection: string
  readonly isChunked: boolean
  readonly body_bytes: number | null
  execute(chunk: Uint8Array, start: number, length: number): number | Error
  finish(): void
  reinitialize(type: string): void
}
interface AutocannonClient {
  readonly parser: Parser
  readonly timeoutTicker: { clear(): void }
}
const AutocannonClient = createRequire(import.meta.url)('autocannon/lib/httpClient.js') as {
  new (options: object): AutocannonClient
}
const RESPONSE = 'RESPONSE'
const ON_HEADERS_COMPLETE = 2
const ON_BODY = 3
const ON_MESSAGE_COMPLETE = 4

/** Autocannon's client without its connection and its clock. */
class Disconnected extends AutocannonClient {
  _connect(): void {}
}

function createParser(): Parser {
  const client = new Disconnected({})
  client.timeoutTicker.clear()
  return client.parser
}

export interface AnswerEvents {
  /** Whether the answer under way is one to HEAD, which has a length but no body. */
  isHead(): boolean
  /** An answer is complete; `keepAlive` is false where the server closes the connection with it. */
  onAnswer(status: number, keepAlive: boolean): void
}

/** Makes answers of the bytes of one connection: 1xx skipped, bodies by length, chunked, none (HEAD, 204, 304) or up to the end. */
export class AnswerParser {
  readonly #parser = createParser()
  #info: ResponseInfo | undefined
  #keepAlive = true
  #untilEnd = false

  constructor(events: AnswerEvents) {
    const parser = this.#parser
    parser[ON_HEADERS_COMPLETE] = (info: ResponseInfo) => this.#onHead(info, events)
    parser[ON_BODY] = () => {}
    parser[ON_MESSAGE_COMPLETE] = () => {
      const status = this.#info?.statusCode ?? 0
      this.#info = undefined
      if (status >= 200 || status === 101) events.onAnswer(status, this.#keepAlive)
    }
  }

  /** Forgets what was under way: for a new connection. */
  reset(): void {
    this.#info = undefined
    this.#untilEnd = false
    this.#parser.reinitialize(RESPONSE)
  }

  /** Whether the head of an answer has been read and its body has not. */
  get underway(): boolean {
    return this.#info !== undefined
  }

  /** Reads on; returns what is wrong where the bytes are no HTTP/1.1. */
  read(chunk: Uint8Array, length: number): string | undefined {
    const parsed = this.#parser.execute(chunk, 0, length)
    if (typeof parsed !== 'number') return parsed.message
    // A length that is no number: the parser would wait for ever.
    return Number.isNaN(this.#parser.body_bytes) ? 'an invalid Content-Length' : undefined
  }

  /** The connection has ended; that completes a body without a length. Returns whether it did. */
  end(): boolean {
    if (!this.#untilEnd || !this.#info) return false
    this.#parser.finish()
    return true
  }

  #onHead(info: ResponseInfo, events: AnswerEvents): boolean {
    this.#info = info
    const status = info.statusCode
    if (status < 200) return true
    const parser = this.#parser
    const bodiless = status === 204 || status === 304 || events.isHead()
    this.#untilEnd = !bodiless && !parser.isChunked && parser.body_bytes === null
    const announced = parser.connection
    this.#keepAlive =
      !this.#untilEnd && (info.versionMinor > 0 ? !announced.includes('close') : announced.includes('keep-alive'))
    return bodiless
  }
}
