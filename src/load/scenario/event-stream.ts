import http, { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import { readClock } from '../../lifecycle/real-timers.ts'
import { failureOf, type Failure } from '../http/failure.ts'
import { destinationOf } from '../http/socket-wire.ts'
import type { UserEvent, UserEventStream } from '../plan/virtual-user.ts'
import { EventParser } from './event-parser.ts'
import { MessageQueue } from './message-queue.ts'
import { RequestError } from './request-error.ts'
import { headerObject, type OpenStream, type StreamRequest } from './stream.ts'

/** A stream of Server-sent events, on a connection of its own. */
export class EventStream implements UserEventStream, OpenStream {
  readonly #request: StreamRequest
  readonly #queue: MessageQueue<UserEvent>
  readonly #title: string
  #sent: ClientRequest | undefined
  #answer: IncomingMessage | undefined
  #isClosed = false
  #messages = 0

  /** `onClosed` is called once, when it has ended for whatever reason. */
  static open(
    request: StreamRequest,
    onClosed: (stream: EventStream) => void,
  ): { stream: EventStream; opened: Promise<EventStream> } {
    const stream = new EventStream(request, onClosed)
    return { stream, opened: stream.#open() }
  }

  readonly #onClosed: (stream: EventStream) => void
  #rejectOpening: ((error: Error) => void) | undefined

  private constructor(request: StreamRequest, onClosed: (stream: EventStream) => void) {
    this.#request = request
    this.#onClosed = onClosed
    this.#title = `GET ${request.url.origin.origin}${request.url.path}`
    this.#queue = new MessageQueue<UserEvent>({
      onFull: () => this.#answer?.pause(),
      onRoom: () => this.#answer?.resume(),
      onLeft: () => this.close(),
    })
  }

  #open(): Promise<EventStream> {
    const { url, headers, timeout, book } = this.#request
    const { origin, path } = url
    book?.begin()
    return new Promise((resolve, reject) => {
      this.#rejectOpening = reject
      const { ca, rejectUnauthorized, servername } = origin.tls
      this.#sent = (origin.secure ? https : http).request({
        ...destinationOf(origin, undefined),
        path,
        agent: false,
        headers: {
          accept: 'text/event-stream',
          'cache-control': 'no-cache',
          ...headerObject(headers),
        } as OutgoingHttpHeaders,
        setHost: false,
        ...(origin.secure
          ? {
              ...(ca === undefined ? {} : { ca }),
              rejectUnauthorized: rejectUnauthorized ?? true,
              servername: servername ?? origin.host,
            }
          : {}),
      })
      this.#sent.setHeader('host', origin.authority)
      this.#sent.setTimeout(timeout, () => {
        if (!this.#answer) this.#fail({ kind: 'timeout', message: `no answer within ${timeout} ms` })
      })
      this.#sent.on('response', (answer) => this.#onAnswer(answer, resolve, reject))
      this.#sent.on('error', (error) => this.#fail(failureOf(error)))
      this.#sent.end()
    })
  }

  #onAnswer(answer: IncomingMessage, resolve: (stream: EventStream) => void, reject: (error: Error) => void): void {
    const { name, since, book, events } = this.#request
    const status = answer.statusCode ?? 0
    const type = answer.headers['content-type'] ?? 'no content-type'
    const openedAt = readClock()
    book?.opened(name, status, since, openedAt)
    this.#rejectOpening = undefined
    if (status !== 200 || !type.startsWith('text/event-stream')) {
      this.#close()
      const answered = `answered ${status}${status === 200 ? ` with ${type}, not text/event-stream` : ''}`
      return reject(
        status >= 400 ? new RequestError(this.#title, 'status', answered) : new Error(`${this.#title} ${answered}`),
      )
    }
    this.#answer = answer
    events.onOpened()
    const parser = new EventParser((event) => {
      this.#messages += 1
      book?.message(name)
      if (this.#messages === 1) book?.latency(`${name} (first message)`, readClock() - since)
      this.#queue.push(event)
    })
    answer.on('data', (chunk: Buffer) => {
      events.onBytes(chunk.length)
      parser.read(chunk)
    })
    answer.on('end', () => this.close())
    answer.on('error', (error) => this.#fail(failureOf(error)))
    resolve(this)
  }

  #fail({ kind, message }: Failure): void {
    if (this.#isClosed) return
    const { name, since, book } = this.#request
    const now = readClock()
    const isOpen = this.#answer !== undefined
    if (isOpen) book?.begin()
    book?.failed(name, kind, message, isOpen ? now : since, now)
    this.abort(new RequestError(this.#title, kind, message))
  }

  abort(error: Error): void {
    this.#rejectOpening?.(error)
    this.#queue.end(error)
    this.#close()
  }

  close(): void {
    this.#queue.end()
    this.#close()
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#answer) this.#request.events.onClosed()
    this.#sent?.destroy()
    this.#onClosed(this)
  }

  [Symbol.asyncIterator](): AsyncIterator<UserEvent> {
    return this.#queue[Symbol.asyncIterator]()
  }
}
