import type { ClientOptions, RawData, WebSocket } from 'ws'
import { readClock } from '../../lifecycle/real-timers.ts'
import { failureOf, type Failure } from '../http/failure.ts'
import type { UserWebSocket } from '../plan/virtual-user.ts'
import { MessageQueue } from './message-queue.ts'
import { RequestError } from './request-error.ts'
import { headerObject, type OpenStream, type StreamRequest } from './stream.ts'

type Message = string | Uint8Array

/** A virtual user's WebSocket. */
export class UserSocket implements UserWebSocket, OpenStream {
  readonly #request: StreamRequest
  readonly #queue: MessageQueue<Message>
  readonly #title: string
  readonly #onClosed: (socket: UserSocket) => void
  #socket: WebSocket | undefined
  #state: 'opening' | 'open' | 'closed' = 'opening'
  #rejectOpening: ((error: Error) => void) | undefined
  /** When a message was sent to which none has come. */
  #askedAt: number | undefined
  #messages = 0

  /** `onClosed` is called once, when it has ended for whatever reason. */
  static open(
    request: StreamRequest,
    onClosed: (socket: UserSocket) => void,
  ): { stream: UserSocket; opened: Promise<UserSocket> } {
    const stream = new UserSocket(request, onClosed)
    return { stream, opened: stream.#open() }
  }

  private constructor(request: StreamRequest, onClosed: (socket: UserSocket) => void) {
    this.#request = request
    this.#onClosed = onClosed
    this.#title = `WebSocket ${request.url.origin.origin}${request.url.path}`
    this.#queue = new MessageQueue<Message>({
      onFull: () => this.#socket?.pause(),
      onRoom: () => this.#socket?.resume(),
      onLeft: () => this.close(),
    })
  }

  async #open(): Promise<UserSocket> {
    const { url, headers, timeout, protocols, book } = this.#request
    book?.begin()
    // Imported by the first: a scenario without one must not pay for it.
    const { WebSocket: Socket } = await import('ws')
    if (this.#state === 'closed') throw new Error(`${this.#title} was closed`)
    const { secure, authority, tls } = url.origin
    const options: ClientOptions = {
      headers: headerObject(headers) as Record<string, string>,
      handshakeTimeout: timeout,
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.servername === undefined ? {} : { servername: tls.servername }),
      rejectUnauthorized: tls.rejectUnauthorized ?? true,
    }
    return new Promise((resolve, reject) => {
      this.#rejectOpening = reject
      const socket = new Socket(`${secure ? 'wss' : 'ws'}://${authority}${url.path}`, [...protocols], options)
      this.#socket = socket
      socket.on('open', () => this.#onOpen(resolve))
      socket.on('unexpected-response', (_request, { statusCode = 0 }) => this.#onRefused(statusCode))
      socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary))
      socket.on('close', (code, reason) => this.#onClose(code, reason.toString()))
      socket.on('error', (error) => this.#fail(failureWith(error, timeout)))
    })
  }

  #onOpen(resolve: (socket: UserSocket) => void): void {
    if (this.#state !== 'opening') return
    const { name, since, book, events } = this.#request
    this.#state = 'open'
    this.#rejectOpening = undefined
    book?.opened(name, 101, since, readClock())
    events.onOpened()
    resolve(this)
  }

  #onRefused(status: number): void {
    const { name, since, book } = this.#request
    book?.opened(name, status, since, readClock())
    this.abort(new RequestError(this.#title, 'status', `answered ${status} instead of 101`))
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    const { name, since, book, events } = this.#request
    const now = readClock()
    const bytes = Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data
    this.#messages += 1
    events.onBytes(bytes.length)
    book?.message(name)
    if (this.#messages === 1) book?.latency(`${name} (first message)`, now - since)
    if (this.#askedAt !== undefined) book?.latency(`${name} (round trip)`, now - this.#askedAt)
    this.#askedAt = undefined
    this.#queue.push(isBinary ? new Uint8Array(bytes) : bytes.toString('utf8'))
  }

  #onClose(code: number, reason: string): void {
    // 1000 and 1001 are ordinary ends, 1005 one without a code.
    if (this.#state !== 'open' || [1000, 1001, 1005].includes(code)) return this.close()
    this.#fail({ kind: 'reset', message: `the server closed it with ${code}${reason === '' ? '' : ` (${reason})`}` })
  }

  #fail({ kind, message }: Failure): void {
    if (this.#state === 'closed') return
    const { name, since, book } = this.#request
    const now = readClock()
    if (this.#state === 'open') book?.begin()
    book?.failed(name, kind, message, this.#state === 'open' ? now : since, now)
    this.abort(new RequestError(this.#title, kind, message))
  }

  send(data: string | Uint8Array): void {
    if (this.#state !== 'open') throw new Error(`${this.#title} is closed: nothing can be sent on it`)
    this.#askedAt ??= readClock()
    this.#socket?.send(data)
  }

  receive(): Promise<Message | undefined> {
    return this.#queue.next()
  }

  abort(error: Error): void {
    this.#rejectOpening?.(error)
    this.#queue.end(error)
    this.#end(() => this.#socket?.terminate())
  }

  close(code?: number, reason?: string): void {
    this.#queue.end()
    this.#end(() => this.#socket?.close(code, reason))
  }

  #end(how: () => void): void {
    if (this.#state === 'closed') return
    if (this.#state === 'open') this.#request.events.onClosed()
    this.#state = 'closed'
    how()
    this.#onClosed(this)
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    return this.#queue[Symbol.asyncIterator]()
  }
}

/** `ws` has no code for a handshake that takes too long. */
function failureWith(error: Error, timeout: number): Failure {
  if (/handshake has timed out/.test(error.message))
    return { kind: 'timeout', message: `not open within ${timeout} ms` }
  return failureOf(error)
}
