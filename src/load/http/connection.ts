import net, { type LookupFunction } from 'node:net'
import tls from 'node:tls'
import type { LoadErrorKind } from '../../results/load-result.ts'
import { AnswerParser } from './answer-parser.ts'
import type { CapturedAnswer } from './captured-answer.ts'
import { failureOf, type Failure } from './failure.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import type { Target } from './target.ts'
import { clearTimeout, readClock, setTimeout } from '../../lifecycle/real-timers.ts'

const FIRST_RETRY = 10
const LAST_RETRY = 250

/** What becomes of a connection's requests. Every one sent is answered, failed, withdrawn, or under way at the end. */
export interface ConnectionEvents<R extends OutgoingRequest> {
  /** It can take a request. Called whenever that becomes true again. */
  onReady(connection: Connection<R>): void
  /** `answer` is given where the request needs it, and with every redirect. */
  onAnswer(connection: Connection<R>, status: number, since: number, request: R, answer?: CapturedAnswer): void
  onFailure(kind: LoadErrorKind, message: string, since: number, request: R): void
  /**
   * Sent on a connection whose end the server had announced: never served, no error, to be sent again. Several requests are
   * withdrawn from last to first.
   */
  onWithdrawn(connection: Connection<R>, since: number, request: R): void
  /** The connection could not be opened. */
  onConnectFailure(connection: Connection<R>, failure: Failure): void
  onBytes(count: number): void
}

interface PendingRequest<R> {
  readonly request: R
  /** From when its latency counts. */
  readonly since: number
  readonly sentAt: number
  /** In which read it was sent: what came with that read is no answer to it. */
  readonly read: number
}

/** All plain sockets of the process read into one buffer: a chunk is used up before the next is read. */
const readBuffer = Buffer.allocUnsafeSlow(65_536)

/** Where to connect to: `localhost` on both families, whatever the machine's own table says; a server may be bound to either. */
function destination({ host, port, address }: Target) {
  if (host !== 'localhost' || address !== undefined) return { host: address ?? host, port }
  const lookup: LookupFunction = (_name, _options, found) =>
    found(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ])
  return { host, port, lookup, autoSelectFamily: true }
}

export function connectSecurely(target: Target, onData: (chunk: Buffer, length: number) => void) {
  const { host, tls: options } = target
  const servername = options.servername ?? (net.isIP(host) === 0 ? host : undefined)
  const socket = tls.connect({
    ...destination(target),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: options.rejectUnauthorized ?? true,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(servername === undefined ? {} : { servername }),
  })
  return socket.on('data', (chunk: Buffer) => onData(chunk, chunk.length))
}

export function connectPlainly(target: Target, onData: (chunk: Buffer, length: number) => void) {
  const callback = (length: number) => {
    onData(readBuffer, length)
    return true
  }
  return net.connect({ ...destination(target), onread: { buffer: readBuffer, callback } })
}

/**
 * One connection of a load: opened, kept open and reopened; requests go out on it when its owner says so, and every answer is
 * matched with the request it belongs to.
 */
export class Connection<R extends OutgoingRequest> {
  readonly #target: Target
  readonly #events: ConnectionEvents<R>
  readonly #parser: AnswerParser
  #socket: net.Socket | undefined
  #state: 'idle' | 'connecting' | 'open' | 'waiting' | 'closed' = 'idle'
  #pending: PendingRequest<R>[] = []
  /** Counts chunks of bytes; 0 while none is being read. */
  #read = 0
  #reads = 0
  #connectStarted = 0
  #answersHere = 0
  #answersEver = 0
  /** Connections in a row that were of no use. */
  #failures = 0
  #retry: NodeJS.Timeout | undefined
  /** It ends with the answer just read; what else was sent on it will not be served. */
  #leaving = false
  #retired = false
  /** Its owner's mark: it stands in the list of free connections. */
  listed = false

  constructor(target: Target, events: ConnectionEvents<R>) {
    this.#target = target
    this.#events = events
    this.#parser = new AnswerParser({
      request: () => this.#pending[0]?.request,
      onAnswer: (status, keepAlive, answer) => this.#onAnswer(status, keepAlive, answer),
    })
  }

  /** Whether a request can be sent now. */
  get ready(): boolean {
    return this.#state === 'open' && !this.#leaving && !this.#retired && this.#pending.length < this.#target.pipelining
  }

  get connecting(): boolean {
    return this.#state === 'connecting'
  }

  get connected(): boolean {
    return this.#state === 'open'
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  /**
   * Since when the request sent now has waited: a connection that had to be reopened counts for the request that needed it, the
   * very first opening for none.
   */
  waitingSince(now: number): number {
    return this.#answersEver > 0 && this.#answersHere === 0 ? this.#connectStarted : now
  }

  open(): void {
    if (this.#state === 'closed') return
    this.#state = 'connecting'
    this.#connectStarted = readClock()
    this.#answersHere = 0
    this.#leaving = false
    this.#parser.reset()
    const onData = (chunk: Buffer, length: number) => {
      if (this.#socket === socket) this.#onData(chunk, length)
    }
    const socket: net.Socket = this.#target.secure
      ? connectSecurely(this.#target, onData)
      : connectPlainly(this.#target, onData)
    this.#socket = socket
    socket.setNoDelay(true)
    socket.once(this.#target.secure ? 'secureConnect' : 'connect', () => {
      if (this.#socket !== socket) return
      this.#state = 'open'
      this.#target.address ??= socket.remoteAddress
      this.#events.onReady(this)
    })
    const on = (event: 'error' | 'end' | 'close', act: (error?: Error) => void) =>
      socket.on(event, (error?: Error) => {
        if (this.#socket === socket) act(error)
      })
    on('error', (error) => this.#onSocketError(error as Error))
    on('end', () => this.#onSocketEnd())
    on('close', () => this.#onSocketEnd())
  }

  /** Sends a request; its latency counts from `since`. */
  send(request: R, since: number, now: number): void {
    this.#pending.push({ request, since, sentAt: now, read: this.#read })
    this.#socket?.write(request.bytes)
  }

  /**
   * What `sendAll` sends leaves in one write where there can be several: else a server that closes after the first answer breaks
   * the writes after it, and with them the answer that is already here.
   */
  together(sendAll: () => void): void {
    const socket = this.#target.pipelining > 1 ? this.#socket : undefined
    socket?.cork()
    sendAll()
    socket?.uncork()
  }

  /** Fails the connection when its oldest request, or its opening, has taken too long. */
  checkTimeout(now: number): void {
    const limit = this.#target.timeout
    const oldest = this.#pending[0]
    if (oldest && now - oldest.sentAt >= limit) {
      const lost = 'lost behind a request that timed out on the same connection'
      for (const { since, sentAt, request } of this.#drop()) {
        if (now - sentAt >= limit) this.#events.onFailure('timeout', `no answer within ${limit} ms`, since, request)
        else this.#events.onFailure('reset', lost, since, request)
      }
      this.#reopen()
    } else if (this.#state === 'connecting' && now - this.#connectStarted >= limit) {
      this.#failConnect({ kind: 'timeout', message: `no connection within ${limit} ms` })
    }
  }

  /** Takes no more requests, and closes when those under way are answered. */
  retire(): void {
    this.#retired = true
    if (this.#pending.length === 0) this.close()
  }

  /** Closes at once, for good. Idempotent. */
  close(): void {
    clearTimeout(this.#retry)
    this.#drop()
    this.#state = 'closed'
  }

  #onData(chunk: Buffer, length: number): void {
    this.#events.onBytes(length)
    this.#read = this.#reads += 1
    const wrong = this.#parser.read(chunk, length)
    this.#read = 0
    if (this.#state === 'closed') return
    if (this.#leaving) this.#leave()
    else if (wrong !== undefined) this.#onBrokenAnswer(wrong)
  }

  #onAnswer(status: number, keepAlive: boolean, answer: CapturedAnswer | undefined): void {
    if (this.#leaving || this.#state !== 'open') return
    const answered = this.#pending.shift()
    if (answered === undefined || status === 101 || (this.#read > 0 && answered.read === this.#read)) {
      // This connection does not speak our HTTP.
      this.#leaving = true
      this.#failures += 1
      const what = status === 101 ? '101 Switching Protocols' : 'an answer'
      if (!answered) return
      this.#events.onFailure('protocol', `${what} that no request asked for`, answered.since, answered.request)
      return
    }
    this.#answersHere += 1
    this.#answersEver += 1
    this.#failures = 0
    this.#leaving = !keepAlive
    this.#events.onAnswer(this, status, answered.since, answered.request, answer)
    if (this.#retired && this.#pending.length === 0) this.close()
    else if (this.ready) this.#events.onReady(this)
  }

  /** The server has said, with the answer just counted, that it closes. */
  #leave(): void {
    for (const { since, request } of this.#drop().toReversed()) this.#events.onWithdrawn(this, since, request)
    this.#reopen()
  }

  #onBrokenAnswer(message: string): void {
    this.#failures += 1
    const [first, ...rest] = this.#drop()
    if (first) {
      this.#events.onFailure('protocol', `an answer that is not HTTP/1.1: ${message}`, first.since, first.request)
    }
    for (const { since, request } of rest) {
      this.#events.onFailure('reset', 'lost behind an answer that is not HTTP/1.1', since, request)
    }
    this.#reopen()
  }

  #onSocketError(error: Error): void {
    const failure = failureOf(error)
    if (this.#state === 'connecting') this.#failConnect(failure)
    else this.#lose(failure.kind, failure.message)
  }

  #onSocketEnd(): void {
    if (this.#state === 'connecting')
      return this.#failConnect({ kind: 'reset', message: 'connection closed while it was opened' })
    if (this.#parser.end()) {
      if (this.#state !== 'closed') this.#leave()
      return
    }
    const where = this.#parser.underway ? 'in the middle of an answer' : 'without an answer'
    this.#lose('reset', `connection closed by the server ${where}`)
  }

  #lose(kind: LoadErrorKind, message: string): void {
    if (this.#answersHere === 0) this.#failures += 1
    for (const { since, request } of this.#drop()) this.#events.onFailure(kind, message, since, request)
    this.#reopen()
  }

  #failConnect(failure: Failure): void {
    this.#failures += 1
    this.#target.address = undefined
    this.#drop()
    this.#events.onConnectFailure(this, failure)
    this.#reopen()
  }

  /** Opens again: at once after a connection that was of use, else after a pause that grows (no hot loop against a dead target). */
  #reopen(): void {
    if (this.#state === 'closed') return
    if (this.#retired) this.#state = 'closed'
    else if (this.#failures === 0) this.open()
    else {
      this.#state = 'waiting'
      const pause = Math.min(LAST_RETRY, FIRST_RETRY * 2 ** (this.#failures - 1))
      this.#retry = setTimeout(() => this.open(), pause)
    }
  }

  /** Destroys the socket; returns what was under way on it. */
  #drop(): PendingRequest<R>[] {
    const pending = this.#pending
    const socket = this.#socket
    this.#pending = []
    this.#socket = undefined
    if (this.#state !== 'closed') this.#state = 'idle'
    socket?.destroy()
    return pending
  }
}
