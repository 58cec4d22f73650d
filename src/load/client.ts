import { createRequire } from 'node:module'
import net from 'node:net'
import tls from 'node:tls'
import type { LoadErrorKind } from '../metrics/load-result.ts'
import { failureKind } from './failure-kind.ts'
import type { LoadTls } from './load-options.ts'
import type { PlannedRequest } from './load-plan.ts'

// The one file that knows autocannon's inside (9.0.0 exactly). Of its client we keep the parser of answers; connecting, writing,
// matching answers with requests and timing are ours, because that is where its figures go wrong.
interface ResponseInfo {
  statusCode: number
  versionMinor: number
  upgrade: boolean
}
interface Parser {
  [callback: number]: unknown
  readonly connection: string
  readonly isChunked: boolean
  readonly body_bytes: number | null
  execute(chunk: Uint8Array, start?: number, length?: number): number | Error
  finish(): Error | undefined
  reinitialize(type: string): void
}
interface AutocannonClient {
  readonly parser: Parser
  readonly requestIterator: { readonly requests: readonly { readonly requestBuffer: Uint8Array }[] }
  readonly timeoutTicker: { clear(): void }
}
const AutocannonClient = createRequire(import.meta.url)('autocannon/lib/httpClient.js') as {
  new (options: object): AutocannonClient
}
const RESPONSE = 'RESPONSE'
const ON_HEADERS_COMPLETE = 2
const ON_BODY = 3
const ON_MESSAGE_COMPLETE = 4

const FIRST_RETRY = 10
const LAST_RETRY = 250

/** Where a load goes to and what it sends, prepared once for all of its connections. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  readonly tls: LoadTls
  readonly requests: readonly PlannedRequest[]
  readonly pipelining: number
  readonly timeout: number
}

/** What becomes of a connection's requests. Every request sent ends in exactly one of answered, failed, withdrawn or (at the end) unanswered. */
export interface ConnectionEvents {
  /** It can take a request. Called whenever that becomes true again. */
  onReady(connection: Connection): void
  onAnswer(connection: Connection, status: number, since: number, request: number): void
  onFailure(kind: LoadErrorKind, message: string, since: number): void
  /** Sent on a connection whose end the server had announced: never served, no error. */
  onWithdrawn(count: number, since: number): void
  /** The connection could not be opened, or was lost before its first answer. No request of it is under way. */
  onConnectFailure(connection: Connection, kind: LoadErrorKind, message: string): void
  onBytes(count: number): void
}

interface PendingRequest {
  readonly request: number
  /** From when its latency counts. */
  readonly since: number
  /** When it was written. */
  readonly sentAt: number
}

/** A client of autocannon's that does not connect by itself: the source of request buffers and of a parser. */
class Engine extends AutocannonClient {
  _connect(): void {}
}

function createEngine(target: Target): AutocannonClient {
  const engine = new Engine({
    hostname: target.host,
    port: target.port,
    requests: [{}],
    timeout: 10,
  })
  engine.timeoutTicker.clear()
  return engine
}

/** The bytes of a request. */
export function encodeRequest({ method, path, headers, body }: PlannedRequest): Uint8Array {
  const lines = [`${method} ${path} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)]
  const needsLength = body !== undefined || !['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE'].includes(method)
  if (needsLength) lines.push(`Content-Length: ${body?.length ?? 0}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, body])
}

type State = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed'

/**
 * One connection of a load: opened, kept open and reopened; requests go out on it when its owner says so, and every answer is
 * matched with the request it belongs to.
 */
export class Connection {
  readonly #target: Target
  readonly #buffers: readonly Uint8Array[]
  readonly #events: ConnectionEvents
  readonly #parser: Parser
  #socket: net.Socket | undefined
  #state: State = 'idle'
  #pending: PendingRequest[] = []
  #next = 0
  #connectStarted = 0
  #answersHere = 0
  #answersEver = 0
  #failures = 0
  #retry: NodeJS.Timeout | undefined
  /** The answer under way. */
  #info: ResponseInfo | undefined
  #untilEnd = false
  #keepAlive = true
  /** The connection ends with the answer under way; what else was sent on it will not be served. */
  #leaving = false
  /** Marked by the owner: closes as soon as nothing is under way. */
  retired = false
  /** Owner's mark: it stands in the list of free connections. */
  listed = false

  constructor(target: Target, buffers: readonly Uint8Array[], events: ConnectionEvents) {
    this.#target = target
    this.#buffers = buffers
    this.#events = events
    this.#parser = createEngine(target).parser
    this.#parser[ON_HEADERS_COMPLETE] = (info: ResponseInfo) => this.#onHead(info)
    this.#parser[ON_BODY] = () => {}
    this.#parser[ON_MESSAGE_COMPLETE] = () => this.#onMessage()
  }

  /** Whether a request can be sent now. */
  get ready(): boolean {
    return this.#state === 'open' && !this.#leaving && !this.retired && this.#pending.length < this.#target.pipelining
  }

  get underway(): number {
    return this.#pending.length
  }

  get connected(): boolean {
    return this.#state === 'open'
  }

  /** Milliseconds since epoch of `performance` at which a first-ever request of a reopened connection began to wait. */
  get waitingSince(): number | undefined {
    return this.#answersEver > 0 && this.#answersHere === 0 ? this.#connectStarted : undefined
  }

  open(): void {
    if (this.#state === 'open' || this.#state === 'connecting' || this.#state === 'closed') return
    clearTimeout(this.#retry)
    this.#state = 'connecting'
    this.#connectStarted = performance.now()
    this.#answersHere = 0
    this.#leaving = false
    this.#info = undefined
    this.#untilEnd = false
    this.#parser.reinitialize(RESPONSE)
    const socket = this.#createSocket()
    this.#socket = socket
    socket.setNoDelay(true)
    socket.once(this.#target.secure ? 'secureConnect' : 'connect', () => {
      if (this.#socket === socket) this.#onConnect()
    })
    socket.on('error', (error) => this.#onSocketError(socket, error))
    socket.on('end', () => this.#onSocketEnd(socket))
    socket.on('close', () => this.#onSocketEnd(socket))
  }

  #createSocket(): net.Socket {
    const { host, port, secure, tls: options } = this.#target
    if (!secure) {
      const buffer = sharedReadBuffer
      const socket: net.Socket = net.connect({
        host,
        port,
        onread: {
          buffer,
          callback: (length, chunk) => {
            if (this.#socket === socket) this.#onData(chunk, length)
            return true
          },
        },
      })
      return socket
    }
    const servername = options.servername ?? (net.isIP(host) === 0 ? host : undefined)
    const socket = tls.connect({
      host,
      port,
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: options.rejectUnauthorized ?? true,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(servername === undefined ? {} : { servername }),
    })
    socket.on('data', (chunk: Buffer) => {
      if (this.#socket === socket) this.#onData(chunk, chunk.length)
    })
    return socket
  }

  /** Sends the next request of the sequence; its latency counts from `since`. */
  send(since: number, now: number): void {
    const request = this.#next
    this.#next = request + 1 === this.#buffers.length ? 0 : request + 1
    this.#pending.push({ request, since, sentAt: now })
    this.#socket?.write(this.#buffers[request] as Uint8Array)
  }

  /** Fails the connection when its oldest request, or its opening, has taken too long. */
  checkTimeout(now: number): void {
    const limit = this.#target.timeout
    const oldest = this.#pending[0]
    if (oldest && now - oldest.sentAt >= limit) {
      const lost = this.#takePending()
      this.#drop()
      for (const { since, sentAt } of lost) {
        if (now - sentAt >= limit) this.#events.onFailure('timeout', `no answer within ${limit} ms`, since)
        else this.#events.onFailure('reset', 'lost behind a request that timed out on the same connection', since)
      }
      this.#reopen()
    } else if (this.#state === 'connecting' && now - this.#connectStarted >= limit) {
      this.#drop()
      this.#failConnect('timeout', `no connection within ${limit} ms`)
    }
  }

  /** Closes for good; returns how many requests were under way. Idempotent. */
  close(): number {
    const underway = this.#pending.length
    this.#pending = []
    this.#state = 'closed'
    clearTimeout(this.#retry)
    this.#drop()
    this.#state = 'closed'
    return underway
  }

  #onConnect(): void {
    this.#state = 'open'
    this.#events.onReady(this)
  }

  #onData(chunk: Uint8Array, length: number): void {
    this.#events.onBytes(length)
    const parsed = this.#parser.execute(chunk, 0, length)
    if (this.#state === 'closed') return
    if (typeof parsed !== 'number') return this.#onBrokenAnswer(parsed.message)
    if (this.#leaving && this.#info === undefined) this.#leave()
  }

  #onHead(info: ResponseInfo): boolean {
    if (this.#leaving || this.#socket === undefined) return true
    this.#info = info
    const status = info.statusCode
    if (status < 200 && status !== 101) return true
    const method = this.#target.requests[this.#pending[0]?.request ?? 0]?.method
    const bodiless = method === 'HEAD' || status === 204 || status === 304
    const parser = this.#parser
    this.#untilEnd = !bodiless && !parser.isChunked && parser.body_bytes === null
    const announced = parser.connection
    this.#keepAlive =
      !this.#untilEnd && (info.versionMinor > 0 ? !announced.includes('close') : announced.includes('keep-alive'))
    return bodiless
  }

  #onMessage(): void {
    const info = this.#info
    if (info === undefined || this.#leaving || this.#socket === undefined) return
    this.#info = undefined
    const status = info.statusCode
    if (status < 200 && status !== 101) return
    const answered = this.#pending.shift()
    if (answered === undefined || status === 101) {
      // An answer nobody asked for, or an upgrade nobody asked for: this connection no longer speaks our HTTP.
      this.#leaving = true
      this.#failures += 1
      if (answered) this.#events.onFailure('protocol', '101 Switching Protocols, which no request asked for', answered.since)
      return
    }
    this.#answersHere += 1
    this.#answersEver += 1
    this.#failures = 0
    if (!this.#keepAlive) this.#leaving = true
    this.#events.onAnswer(this, status, answered.since, answered.request)
    if (!this.#leaving && this.ready) this.#events.onReady(this)
  }

  /** The server has said, with the answer just counted, that it closes. */
  #leave(): void {
    const [first] = this.#pending
    const count = this.#pending.length
    this.#pending = []
    this.#drop()
    if (count > 0) this.#events.onWithdrawn(count, first?.since ?? 0)
    this.#reopen()
  }

  #onBrokenAnswer(message: string): void {
    const [first, ...rest] = this.#takePending()
    this.#failures += 1
    this.#drop()
    if (first) this.#events.onFailure('protocol', `an answer that is not HTTP/1.1: ${message}`, first.since)
    for (const { since } of rest) this.#events.onFailure('reset', 'lost behind an answer that is not HTTP', since)
    this.#reopen()
  }

  #onSocketError(socket: net.Socket, error: Error): void {
    if (this.#socket !== socket) return
    const { kind, message } = failureKind(error)
    if (this.#state === 'connecting') {
      this.#drop()
      return this.#failConnect(kind, message)
    }
    this.#lose(kind, message)
  }

  #onSocketEnd(socket: net.Socket): void {
    if (this.#socket !== socket) return
    if (this.#state === 'connecting') {
      this.#drop()
      return this.#failConnect('reset', 'connection closed while it was opened')
    }
    if (this.#untilEnd && this.#info) {
      this.#parser.finish()
      if (this.#leaving) return this.#leave()
    }
    this.#lose('reset', this.#info ? 'connection closed in the middle of an answer' : 'connection closed by the server without an answer')
  }

  #lose(kind: LoadErrorKind, message: string): void {
    const lost = this.#takePending()
    const fruitless = this.#answersHere === 0
    this.#drop()
    for (const { since } of lost) this.#events.onFailure(kind, message, since)
    if (fruitless) this.#failures += 1
    this.#reopen()
  }

  #failConnect(kind: LoadErrorKind, message: string): void {
    this.#failures += 1
    this.#events.onConnectFailure(this, kind, message)
    this.#reopen()
  }

  #takePending(): PendingRequest[] {
    const pending = this.#pending
    this.#pending = []
    return pending
  }

  /** Opens again: at once after a connection that was of use, else after a pause that grows (no hot loop against a dead target). */
  #reopen(): void {
    if (this.#state === 'closed') return
    if (this.retired) {
      this.#state = 'closed'
      return
    }
    if (this.#failures === 0) return this.open()
    this.#state = 'waiting'
    const pause = Math.min(LAST_RETRY, FIRST_RETRY * 2 ** (this.#failures - 1))
    this.#retry = setTimeout(() => this.open(), pause)
  }

  #drop(): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#pending = []
    this.#info = undefined
    if (this.#state !== 'closed') this.#state = 'idle'
    socket?.destroy()
  }
}

/** All plain sockets of the process read into one buffer: a chunk is used up before the next is read. */
const sharedReadBuffer = Buffer.allocUnsafeSlow(65_536)
