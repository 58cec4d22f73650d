import { createRequire } from 'node:module'
import { CapturedAnswer } from './captured-answer.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import { headersOf, readPlainHead } from './plain-head.ts'

// The one file that knows autocannon's inside (9.0.0 exactly). Of its client we keep the parser of answers. Connecting, writing,
// matching answers with requests and timing are ours (`client.ts`): that is where its figures go wrong.
interface ResponseInfo {
  readonly statusCode: number
  readonly versionMinor: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
}
interface Parser {
  [callback: number]: unknown
  readonly connection: string
  isChunked: boolean
  body_bytes: number | null
  state: string
  readonly line: string
  BODY_CHUNKHEAD(): void
  /** `undefined` as long as the line is not complete. */
  consumeLine(): string | undefined
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
const BETWEEN_ANSWERS = 'RESPONSE_LINE'
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
  const { parser } = client
  // Its own takes a size that is none for the last chunk, and reads back for ever from a negative one.
  parser.BODY_CHUNKHEAD = () => {
    const line = parser.consumeLine()
    if (line === undefined) return
    const size = /^0*[0-9a-f]{1,12}(?=[ \t]*(?:;|$))/i.exec(line)
    if (!size) throw new Error('an invalid chunk size')
    parser.body_bytes = parseInt(size[0], 16)
    parser.state = parser.body_bytes === 0 ? 'BODY_CHUNKTRAILERS' : 'BODY_CHUNK'
  }
  return parser
}

/** All values of a header, in order. */
function valuesOf({ headers }: ResponseInfo, name: string): string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name)
}

export interface AnswerEvents {
  /** The request that the answer under way belongs to, if there is one. */
  request(): OutgoingRequest | undefined
  /**
   * An answer is complete; `keepAlive` is false where the server closes the connection with it. `answer` is given where the
   * request needs it, and with every redirect.
   */
  onAnswer(status: number, keepAlive: boolean, answer: CapturedAnswer | undefined): void
}

const NO_BODY = Buffer.alloc(0)

/** Whether somebody may read the headers: of a redirect, where it leads to. */
function needsHeaders(status: number, request: OutgoingRequest | undefined): boolean {
  return request?.needsBody === true || request?.needsHeaders === true || (status >= 300 && status < 400)
}

/** What is kept of an answer whose body stands in `chunk` from `start` to `end`. */
function capture(
  status: number,
  head: string,
  request: OutgoingRequest | undefined,
  chunk: Buffer,
  start: number,
  end: number,
): CapturedAnswer | undefined {
  if (!needsHeaders(status, request)) return undefined
  // The buffer is read into again.
  const body = request?.needsBody ? Buffer.from(chunk.subarray(start, end)) : NO_BODY
  return new CapturedAnswer(headersOf(head), body)
}

/** Makes answers of the bytes of one connection: 1xx skipped, bodies by length, chunked, none (HEAD, 204, 304) or up to the end. */
export class AnswerParser {
  readonly #parser = createParser()
  #info: ResponseInfo | undefined
  #keepAlive = true
  #untilEnd = false
  /** Parts of the body under way, where it is needed. */
  #body: Buffer[] = []
  readonly #events: AnswerEvents

  constructor(events: AnswerEvents) {
    this.#events = events
    const parser = this.#parser
    parser[ON_HEADERS_COMPLETE] = (info: ResponseInfo) => this.#onHead(info, events)
    parser[ON_BODY] = (chunk: Buffer) => {
      // The bytes are of a buffer that is read into again.
      if (events.request()?.needsBody) this.#body.push(Buffer.from(chunk))
    }
    parser[ON_MESSAGE_COMPLETE] = () => {
      const info = this.#info
      this.#info = undefined
      if (!info || (info.statusCode < 200 && info.statusCode !== 101)) return
      const body = this.#body
      if (body.length > 0) this.#body = []
      const answer = needsHeaders(info.statusCode, events.request())
        ? new CapturedAnswer(info.headers, Buffer.concat(body))
        : undefined
      events.onAnswer(info.statusCode, this.#keepAlive, answer)
    }
  }

  /** Forgets what was under way: for a new connection. */
  reset(): void {
    this.#info = undefined
    this.#untilEnd = false
    this.#body = []
    this.#parser.reinitialize(RESPONSE)
  }

  /** Whether the head of an answer has been read and its body has not. */
  get underway(): boolean {
    return this.#info !== undefined
  }

  /** Reads on; returns what is wrong where the bytes are no HTTP/1.1. */
  read(chunk: Buffer, length: number): string | undefined {
    const parser = this.#parser
    const offset = parser.state === BETWEEN_ANSWERS && parser.line === '' ? this.#readPlainAnswers(chunk, length) : 0
    if (offset === length) return undefined
    try {
      const parsed = parser.execute(chunk, offset, length - offset)
      return typeof parsed === 'number' ? undefined : parsed.message
    } catch (error) {
      // What `onHead` has found wrong: the parser lets it through.
      return (error as Error).message
    }
  }

  /** The short way, for whole answers with nothing special about them; returns how far it came. */
  #readPlainAnswers(chunk: Buffer, length: number): number {
    let offset = 0
    while (offset < length) {
      const request = this.#events.request()
      if (request?.isHead) break
      const headEnd = chunk.indexOf('\r\n\r\n', offset, 'latin1')
      // The buffer is shared: what stands behind `length` is of an earlier chunk.
      if (headEnd === -1 || headEnd + 4 > length) break
      const text = chunk.toString('latin1', offset, headEnd)
      const head = readPlainHead(text)
      const end = headEnd + 4 + (head?.length ?? 0)
      if (!head || end > length) break
      offset = end
      this.#events.onAnswer(head.status, true, capture(head.status, text, request, chunk, headEnd + 4, end))
    }
    return offset
  }

  /** The connection has ended; that completes a body without a length. Returns whether it did. */
  end(): boolean {
    if (!this.#untilEnd || !this.#info) return false
    this.#parser.finish()
    return true
  }

  #onHead(info: ResponseInfo, events: AnswerEvents): boolean {
    this.#info = info
    const { statusCode: status } = info
    if (status < 100) throw new Error(`an invalid status ${status}`)
    if (status < 200) return true
    const parser = this.#parser
    // The parser takes many a length that is none for one.
    if (!valuesOf(info, 'content-length').every((length) => /^\d{1,15}$/.test(length))) {
      throw new Error('an invalid Content-Length')
    }
    const codings = valuesOf(info, 'transfer-encoding').join(',').toLowerCase()
    if (codings !== '') {
      // The last coding decides (RFC 9112, 6.3); the parser knows `chunked` alone.
      parser.isChunked = /(?:^|,)[ \t]*chunked[ \t]*$/.test(codings)
      parser.body_bytes = null
    }
    const bodiless = status === 204 || status === 304 || events.request()?.isHead === true
    this.#untilEnd = !bodiless && !parser.isChunked && parser.body_bytes === null
    const announced = parser.connection
    this.#keepAlive =
      !this.#untilEnd && (info.versionMinor > 0 ? !announced.includes('close') : announced.includes('keep-alive'))
    return bodiless
  }
}
