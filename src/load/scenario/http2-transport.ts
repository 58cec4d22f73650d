import http2, { type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import { isIP, type Socket } from 'node:net'
import type { Clock } from '../../lifecycle/clock.ts'
import { AnswerHead } from '../http/answer-head.ts'
import { CapturedAnswer } from '../http/captured-answer.ts'
import { failureOf, IN_ANSWER, type Failure } from '../http/failure.ts'
import { destinationOf } from '../http/socket-wire.ts'
import type { Exchange, Transport, TransportEvents } from './exchange.ts'
import type { Origin } from './origin.ts'

/** Of a connection, or written by the session itself. */
const LEFT_OUT = new Set(['connection', 'keep-alive', 'host', 'transfer-encoding', 'upgrade', 'proxy-connection'])
const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants
/** Times that a request is sent again which the server refuses to look at. */
const MOST_REFUSALS = 3
const CUT: Failure = { kind: 'reset', message: `stream closed by the server ${IN_ANSWER}` }
const REFUSED: Failure = {
  kind: 'reset',
  message: `stream refused by the server ${MOST_REFUSALS + 1} times (REFUSED_STREAM)`,
}

/** A user's HTTP/2 session with one origin: all of its requests share a connection. `https:` by ALPN, `http:` by prior knowledge. */
export class Http2Transport implements Transport {
  readonly #origin: Origin
  readonly #events: TransportEvents
  readonly #clock: Clock
  #session: ClientHttp2Session | undefined
  /** Whether the server has answered in HTTP/2. */
  #spoke = false
  #socket: Socket | undefined
  /** Bytes of it that were told. */
  #counted = 0
  #closed = false

  constructor(origin: Origin, events: TransportEvents, clock: Clock) {
    this.#origin = origin
    this.#events = events
    this.#clock = clock
  }

  open(): Promise<void> {
    const session = this.#open()
    return new Promise((resolve) => {
      session.once('remoteSettings', () => resolve())
      session.once('close', () => resolve())
    })
  }

  send(exchange: Exchange): void {
    this.#send(exchange, 0)
  }

  #send(exchange: Exchange, refusals: number): void {
    if (this.#closed) return
    const known = this.#session
    const session = known && !known.closed && !known.destroyed ? known : this.#open()
    const { method, path, body } = exchange
    const stream = session.request(
      { ':method': method, ':path': path, ':authority': this.#origin.authority, ...headersOf(exchange) },
      { endStream: body === undefined },
    )
    let isOver = false
    const parts: Buffer[] = []
    let head: { status: number; answer: AnswerHead } | undefined
    exchange.carrier = {
      cancel: () => {
        isOver = true
        stream.close(NGHTTP2_CANCEL)
      },
    }
    const fail = (failure: Failure) => {
      if (isOver || this.#closed) return
      isOver = true
      exchange.carrier = undefined
      // The server has said that it did not look at it (RFC 9113, 8.7).
      const isRefused = stream.rstCode === NGHTTP2_REFUSED_STREAM
      if (isRefused && refusals < MOST_REFUSALS) this.#send(exchange, refusals + 1)
      else exchange.failed(isRefused ? REFUSED : failure)
    }
    stream.on('response', (headers) => {
      head = { status: Number(headers[':status']), answer: new AnswerHead(rawHeaders(headers)) }
    })
    stream.on('data', (part: Buffer) => {
      this.#countBytes()
      parts.push(part)
    })
    stream.on('end', () => {
      this.#countBytes()
      if (isOver || !head || this.#closed) return
      const whole = Buffer.concat(parts)
      if (stream.rstCode !== NGHTTP2_NO_ERROR || isCut(whole, head.answer, method)) return fail(CUT)
      isOver = true
      exchange.carrier = undefined
      exchange.answered(head.status, new CapturedAnswer(head.answer, whole), this.#clock.now())
    })
    stream.on('error', (error) => fail(http2Failure(error, this.#origin, this.#spoke)))
    stream.on('close', () => fail({ kind: 'reset', message: 'stream closed by the server without an answer' }))
    if (body !== undefined) stream.end(body)
  }

  #open(): ClientHttp2Session {
    const { secure, authority, host, tls } = this.#origin
    const servername = tls.servername ?? (isIP(host) === 0 ? host : undefined)
    const session = http2.connect(`${secure ? 'https' : 'http'}://${authority}`, {
      ...destinationOf(this.#origin, undefined),
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(servername === undefined ? {} : { servername }),
      rejectUnauthorized: tls.rejectUnauthorized ?? true,
    })
    let isOpen = false
    session.once('connect', (_session, socket) => {
      this.#socket = socket
      this.#counted = 0
    })
    // Its first frame: a server that accepts connections may speak another protocol.
    session.once('remoteSettings', () => {
      isOpen = true
      this.#spoke = true
      this.#events.onOpened()
    })
    session.on('error', (error) => {
      if (!isOpen) this.#events.onConnectFailure(http2Failure(error, this.#origin, false))
    })
    session.once('close', () => {
      if (isOpen) this.#events.onClosed()
      if (this.#session === session) this.#session = undefined
    })
    this.#session = session
    return session
  }

  /** Frames and compressed headers count as well: all that has come over the connection. */
  #countBytes(): void {
    const read = this.#socket?.bytesRead ?? 0
    if (read > this.#counted) this.#events.onBytes(read - this.#counted)
    this.#counted = read
  }

  close(): void {
    this.#closed = true
    this.#session?.destroy()
  }
}

/** In lower case. */
function headersOf({ headers: { raw }, type, cookie }: Exchange): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {}
  if (type !== undefined) headers['content-type'] = type
  if (cookie !== '') headers['cookie'] = cookie
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase()
    if (LEFT_OUT.has(name)) continue
    const value = raw[index + 1] as string
    const known = headers[name]
    headers[name] = known === undefined ? value : [...[known].flat(), value]
  }
  return headers
}

function rawHeaders(headers: IncomingHttpHeaders): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (name.startsWith(':') || value === undefined) return []
    return [value].flat().flatMap((one) => [name, one])
  })
}

/** Whether a body is shorter than was announced. */
function isCut(body: Buffer, { joined }: AnswerHead, method: string): boolean {
  const announced = joined['content-length']
  return method !== 'HEAD' && body.length > 0 && announced !== undefined && body.length < Number(announced)
}

/** `spoke` if the server has answered in HTTP/2 before. */
function http2Failure(error: unknown, origin: Origin, spoke: boolean): Failure {
  const { code, message, cause } = error as { code?: string; message: string; cause?: unknown }
  // What was asked for before the connection failed.
  if (code === 'ERR_HTTP2_STREAM_CANCEL' && cause !== undefined) return http2Failure(cause, origin, spoke)
  if (code === 'ERR_HTTP2_STREAM_ERROR') return { kind: 'reset', message }
  if (/no[ _]application[ _]protocol/i.test(`${code} ${message}`)) {
    return { kind: 'protocol', message: `${origin.origin} offers no HTTP/2 (ALPN). Leave out \`protocol: 'h2'\`` }
  }
  if (code?.startsWith('ERR_HTTP2')) {
    return { kind: 'protocol', message: spoke ? message : `${origin.origin} does not answer in HTTP/2 (${message})` }
  }
  return failureOf(error)
}
