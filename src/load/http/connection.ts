import type { Clock } from '../../lifecycle/clock.ts'
import type { LoadErrorKind } from '../../results/load-result.ts'
import { AnswerParser } from './answer-parser.ts'
import type { CapturedAnswer } from './captured-answer.ts'
import { IN_ANSWER, type Failure } from './failure.ts'
import { Link } from './link.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import type { Target } from './target.ts'
import type { Wire } from './wire.ts'

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

/** What connections are made of. */
export interface ConnectionParts {
  readonly target: Target
  readonly clock: Clock
  readonly wire: Wire
}

interface PendingRequest<R> {
  readonly request: R
  /** From when its latency counts. */
  readonly since: number
  readonly sentAt: number
  /** In which read it was sent: what came with that read is no answer to it. */
  readonly read: number
}

/** Sends requests over a link, which it keeps open, and matches every answer with the request that it belongs to. */
export class Connection<R extends OutgoingRequest> {
  readonly #target: Target
  readonly #events: ConnectionEvents<R>
  readonly #link: Link
  readonly #parser: AnswerParser
  #pending: PendingRequest<R>[] = []
  /** Counts chunks of bytes; 0 while none is being read. */
  #read = 0
  #reads = 0
  /** Answers on the line of now, and on all. */
  #answersHere = 0
  #answersEver = 0
  /** The line ends with the answer just read; what else was sent on it will not be served. */
  #leaving = false
  #retired = false
  /** Set by its pool: whether it is in the list of free connections. */
  listed = false

  constructor({ target, clock, wire }: ConnectionParts, events: ConnectionEvents<R>) {
    this.#target = target
    this.#events = events
    this.#link = new Link(target, clock, wire, {
      onOpen: () => this.#onOpen(),
      onData: (chunk, length) => this.#onData(chunk, length),
      onLost: (failure) => this.#onLost(failure),
      onConnectFailure: (failure) => this.#onConnectFailure(failure),
    })
    this.#parser = new AnswerParser({
      request: () => this.#pending[0]?.request,
      onAnswer: (status, keepAlive, answer) => this.#onAnswer(status, keepAlive, answer),
    })
  }

  /** Whether a request can be sent now. */
  get ready(): boolean {
    return this.connected && !this.#leaving && !this.#retired && this.#pending.length < this.#target.pipelining
  }

  get connecting(): boolean {
    return this.#link.state === 'connecting'
  }

  get connected(): boolean {
    return this.#link.state === 'open'
  }

  get closed(): boolean {
    return this.#link.state === 'closed'
  }

  /**
   * Returns since when the request sent now has waited. The time to reopen a connection counts for the request that
   * needed it. The very first opening counts for no request.
   */
  waitingSince(now: number): number {
    return this.#answersEver > 0 && this.#answersHere === 0 ? this.#link.openingSince : now
  }

  open(): void {
    this.#link.open()
  }

  /** Sends a request; its latency counts from `since`. */
  send(request: R, since: number, now: number): void {
    this.#pending.push({ request, since, sentAt: now, read: this.#read })
    this.#link.write(request.bytes)
  }

  /**
   * Writes what `sendAll` sends in one piece, if there can be several requests. A server that closes after its first
   * answer would break the later writes otherwise, and the answer that has arrived would be lost.
   */
  together(sendAll: () => void): void {
    if (this.#target.pipelining > 1) this.#link.together(sendAll)
    else sendAll()
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
    } else if (this.connecting && now - this.#link.openingSince >= limit) {
      this.#onConnectFailure({ kind: 'timeout', message: `no connection within ${limit} ms` })
    }
  }

  /** Takes no more requests, and closes when those under way are answered. */
  retire(): void {
    this.#retired = true
    if (this.#pending.length === 0) this.close()
  }

  /** Closes at once, for good. Idempotent. */
  close(): void {
    this.#pending = []
    this.#link.close()
  }

  #onOpen(): void {
    this.#answersHere = 0
    this.#leaving = false
    this.#parser.reset()
    this.#events.onReady(this)
  }

  #onData(chunk: Buffer, length: number): void {
    this.#events.onBytes(length)
    this.#read = this.#reads += 1
    const malformed = this.#parser.read(chunk, length)
    this.#read = 0
    if (this.closed) return
    if (this.#leaving) this.#leave()
    else if (malformed !== undefined) this.#onMalformedAnswer(malformed)
  }

  #onAnswer(status: number, keepAlive: boolean, answer: CapturedAnswer | undefined): void {
    if (this.#leaving || !this.connected) return
    const answered = this.#pending.shift()
    if (answered === undefined || status === 101 || (this.#read > 0 && answered.read === this.#read)) {
      // This connection does not speak our HTTP.
      this.#leaving = true
      this.#link.noteUseless()
      const what = status === 101 ? '101 Switching Protocols' : 'an answer'
      if (!answered) return
      this.#events.onFailure('protocol', `${what} that no request asked for`, answered.since, answered.request)
      return
    }
    this.#answersHere += 1
    this.#answersEver += 1
    this.#link.noteUse()
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

  #onMalformedAnswer(message: string): void {
    this.#link.noteUseless()
    const [first, ...rest] = this.#drop()
    if (first) {
      this.#events.onFailure('protocol', `an answer that is not HTTP/1.1: ${message}`, first.since, first.request)
    }
    for (const { since, request } of rest) {
      this.#events.onFailure('reset', 'lost behind an answer that is not HTTP/1.1', since, request)
    }
    this.#reopen()
  }

  #onLost(failure: Failure | undefined): void {
    if (!failure && this.#parser.end()) {
      if (!this.closed) this.#leave()
      return
    }
    const where = this.#parser.underway ? IN_ANSWER : 'without an answer'
    const { kind, message } = failure ?? { kind: 'reset', message: `connection closed by the server ${where}` }
    if (this.#answersHere === 0) this.#link.noteUseless()
    for (const { since, request } of this.#drop()) this.#events.onFailure(kind, message, since, request)
    this.#reopen()
  }

  #onConnectFailure(failure: Failure): void {
    this.#link.noteUseless()
    this.#drop()
    this.#events.onConnectFailure(this, failure)
    this.#reopen()
  }

  #reopen(): void {
    if (this.#retired) this.#link.close()
    else this.#link.reopen()
  }

  /** Drops the line; returns what was under way on it. */
  #drop(): PendingRequest<R>[] {
    const pending = this.#pending
    this.#pending = []
    this.#link.drop()
    return pending
  }
}
