import { CapturedAnswer } from './captured-answer.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import { AnswerHead } from './answer-head.ts'
import { BodyBuffer } from './body-buffer.ts'
import { readPlainHead } from './plain-head.ts'
import {
  createResponseParser,
  MalformedAnswer,
  readResponses,
  type ResponseHead,
  type ResponseParser,
} from './response-parser.ts'

/** What the parser needs to know of a request. */
export type AnsweredBy = Pick<OutgoingRequest, 'isHead' | 'needsHeaders' | 'needsBody'>

export interface AnswerEvents {
  /** The request that the answer under way belongs to, if there is one. */
  request(): AnsweredBy | undefined
  /**
   * An answer is complete; `keepAlive` is false where the server closes the connection with it. `answer` is given where the
   * request needs it, and with every redirect.
   */
  onAnswer(status: number, keepAlive: boolean, answer: CapturedAnswer | undefined): void
}

const BETWEEN_ANSWERS = 'RESPONSE_LINE'
const NO_BODY = Buffer.alloc(0)

/** Whether the headers may be read: by a check, or for where a redirect leads to. */
function needsHeaders(status: number, request: AnsweredBy | undefined): boolean {
  return request?.needsBody === true || request?.needsHeaders === true || (status >= 300 && status < 400)
}

/** The buffer is read into again. */
function copyOf(chunk: Buffer, start: number, end: number): Buffer {
  if (start === end) return NO_BODY
  const copy = Buffer.allocUnsafe(end - start)
  chunk.copy(copy, 0, start, end)
  return copy
}

/** All values of a header, in order. */
function valuesOf({ headers }: ResponseHead, name: string): string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name)
}

/** The elements of a header that is a list, in lower case. */
function listOf(head: ResponseHead, name: string): string[] {
  return valuesOf(head, name).flatMap((value) =>
    value
      .toLowerCase()
      .split(',')
      .map((element) => element.trim()),
  )
}

/**
 * Parses the bytes of one connection into answers. It skips 1xx. A body has a length, is chunked, ends with the
 * connection, or is absent (HEAD, 204, 304). Plain answers that are whole in one chunk take a short way; all others go
 * through http-parser-js. Both ways give the same answers for the same bytes, whatever the chunks.
 */
export class AnswerParser {
  readonly #events: AnswerEvents
  readonly #parser: ResponseParser
  readonly #takesShortWay: boolean
  /** The head of the answer whose body is being read. */
  #head: ResponseHead | undefined
  #keepAlive = true
  /** Whether that body ends with the connection. */
  #untilEnd = false
  /** That body, where it is needed. */
  readonly #body = new BodyBuffer()
  /** Why the connection's bytes are no longer read: they are not HTTP/1.1, or another protocol by now. */
  #finished: { readonly malformed?: string } | undefined

  constructor(events: AnswerEvents, { shortWay = true }: { shortWay?: boolean } = {}) {
    this.#events = events
    this.#takesShortWay = shortWay
    this.#parser = createResponseParser({
      onHead: (head) => this.#onHead(head),
      onBody: (part) => void (events.request()?.needsBody && this.#body.add(part)),
      onComplete: () => this.#onComplete(),
    })
  }

  /** Forgets what was under way: for a new connection. */
  reset(): void {
    this.#head = undefined
    this.#untilEnd = false
    this.#body.begin(undefined)
    this.#finished = undefined
    this.#parser.reinitialize()
  }

  /** Whether the head of an answer has been read and its body has not. */
  get underway(): boolean {
    return this.#head !== undefined
  }

  /** Reads the first `length` bytes of `chunk`; returns what is wrong where they are not HTTP/1.1. */
  read(chunk: Buffer, length: number): string | undefined {
    if (this.#finished) return this.#finished.malformed
    const mayBePlain = this.#takesShortWay && this.#parser.state === BETWEEN_ANSWERS && this.#parser.line === ''
    const offset = mayBePlain ? this.#readPlainAnswers(chunk, length) : 0
    if (offset === length) return undefined
    const malformed = readResponses(this.#parser, chunk, offset, length - offset)
    if (malformed !== undefined) this.#finished ??= { malformed }
    return this.#finished?.malformed
  }

  /** The connection has ended, which completes a body without a length. Returns whether it did. */
  end(): boolean {
    if (!this.#untilEnd || !this.#head || this.#finished) return false
    this.#onComplete()
    return true
  }

  /** Reads whole plain answers; returns how far it came. */
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
      const answer = needsHeaders(head.status, request)
        ? new CapturedAnswer(head.head, request?.needsBody ? copyOf(chunk, headEnd + 4, end) : NO_BODY)
        : undefined
      this.#events.onAnswer(head.status, true, answer)
    }
    return offset
  }

  /** Decides how the body ends (RFC 9112, 6.3). Returns whether there is no body. */
  #onHead(head: ResponseHead): boolean {
    if (this.#finished) return true
    const { statusCode: status } = head
    if (status < 100 || head.versionMajor !== 1) throw new MalformedAnswer('an invalid status line')
    this.#head = head
    if (status < 200) return true
    const parser = this.#parser
    if (!valuesOf(head, 'content-length').every((length) => /^\d{1,15}$/.test(length))) {
      throw new MalformedAnswer('an invalid Content-Length')
    }
    const codings = listOf(head, 'transfer-encoding').filter((coding) => coding !== '')
    if (codings.length > 0) {
      // http-parser-js knows no coding but `chunked` alone. The last one decides, and wins over a length.
      parser.isChunked = codings.at(-1) === 'chunked'
      parser.body_bytes = null
    }
    this.#body.begin(parser.isChunked ? undefined : (parser.body_bytes ?? undefined))
    const bodiless = status === 204 || status === 304 || this.#events.request()?.isHead === true
    this.#untilEnd = !bodiless && !parser.isChunked && parser.body_bytes === null
    const connection = listOf(head, 'connection')
    const announced = head.versionMinor > 0 ? !connection.includes('close') : connection.includes('keep-alive')
    this.#keepAlive = announced && !this.#untilEnd
    return bodiless
  }

  #onComplete(): void {
    const head = this.#head
    if (!head) return
    this.#head = undefined
    const { statusCode: status } = head
    // What follows it is no longer HTTP/1.1.
    if (status === 101) this.#finished = {}
    else if (status < 200) return
    const answer = needsHeaders(status, this.#events.request())
      ? new CapturedAnswer(new AnswerHead(head.headers), this.#body.end())
      : undefined
    this.#events.onAnswer(status, this.#keepAlive, answer)
  }
}
