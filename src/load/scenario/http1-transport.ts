import type { Clock } from '../../lifecycle/clock.ts'
import { AnswerParser } from '../http/answer-parser.ts'
import type { CapturedAnswer } from '../http/captured-answer.ts'
import { failureOf, IN_ANSWER, type Failure } from '../http/failure.ts'
import type { Line } from '../http/wire.ts'
import type { Carrier, Exchange, Transport, TransportEvents } from './exchange.ts'
import type { Origin } from './origin.ts'
import { encodeHttp1 } from './request-head.ts'

/** As browsers do for one host. */
const MOST_CONNECTIONS = 6
/** Milliseconds before a server's announced idle timeout at which a connection is no longer used: a request must not cross its end. */
const IDLE_MARGIN = 1_000
/** May be sent again when its connection closed without an answer (RFC 9110, 9.2.2). */
const IDEMPOTENT = /^(GET|HEAD|PUT|DELETE|OPTIONS|TRACE)$/

/** A user's HTTP/1.1 connections to one origin: up to six, kept alive; what finds none free waits. */
export class Http1Transport implements Transport, Carrier {
  readonly #origin: Origin
  readonly #events: TransportEvents
  readonly #clock: Clock
  readonly #idle: UserConnection[] = []
  readonly #all = new Set<UserConnection>()
  #waiting: Exchange[] = []
  #closed = false

  constructor(origin: Origin, events: TransportEvents, clock: Clock) {
    this.#origin = origin
    this.#events = events
    this.#clock = clock
  }

  send(exchange: Exchange): void {
    for (let free = this.#idle.pop(); free; free = this.#idle.pop()) {
      if (free.isUsable(exchange.sentAt)) return free.send(exchange)
      free.close()
    }
    if (this.#all.size < MOST_CONNECTIONS) return this.#open(exchange)
    exchange.carrier = this
    this.#waiting.push(exchange)
  }

  /** One that waits for a connection. */
  cancel(exchange: Exchange): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting !== exchange)
  }

  #open(exchange: Exchange): void {
    const connection = new UserConnection(this.#origin, this.#clock, {
      onFree: () => this.#onFree(connection),
      onGone: (retry) => this.#onGone(connection, retry),
      events: this.#events,
    })
    this.#all.add(connection)
    connection.send(exchange)
  }

  #onFree(connection: UserConnection): void {
    const next = this.#waiting.shift()
    if (next) connection.send(next)
    else this.#idle.push(connection)
  }

  #onGone(connection: UserConnection, retry: Exchange | undefined): void {
    this.#all.delete(connection)
    const index = this.#idle.indexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
    if (this.#closed) return
    if (retry) this.#open(retry)
    while (this.#waiting.length > 0 && this.#all.size < MOST_CONNECTIONS) this.#open(this.#waiting.shift() as Exchange)
  }

  close(): void {
    this.#closed = true
    this.#waiting = []
    for (const connection of this.#all) connection.close()
  }
}

interface UserConnectionEvents {
  /** It can take a request. */
  onFree(): void
  /** It has closed, for good; `retry` was written to it and never read. */
  onGone(retry?: Exchange): void
  readonly events: TransportEvents
}

/** One connection: opened by its first request, and used for one request at a time. */
class UserConnection implements Carrier {
  readonly #clock: Clock
  readonly #origin: Origin
  readonly #on: UserConnectionEvents
  readonly #parser: AnswerParser
  #line: Line | undefined
  #state: 'new' | 'connecting' | 'open' | 'closed' = 'new'
  #exchange: Exchange | undefined
  #answers = 0
  /** Whether anything of the answer under way has arrived. */
  #heard = false
  #idleUntil = Infinity
  #isReading = false
  /** Its request was sent while a chunk was read: what else is in that chunk is no answer to it. */
  #sentInRead = false

  constructor(origin: Origin, clock: Clock, on: UserConnectionEvents) {
    this.#origin = origin
    this.#clock = clock
    this.#on = on
    this.#parser = new AnswerParser({
      request: () => this.#exchange,
      onAnswer: (status, keepAlive, answer) => this.#onAnswer(status, keepAlive, answer as CapturedAnswer),
    })
  }

  isUsable(now: number): boolean {
    return this.#state === 'open' && now < this.#idleUntil
  }

  send(exchange: Exchange): void {
    this.#exchange = exchange
    this.#heard = false
    this.#sentInRead = this.#isReading
    exchange.carrier = this
    if (this.#state === 'new') this.#open()
    else if (this.#state === 'open') this.#write(exchange)
  }

  cancel(): void {
    this.#exchange = undefined
    this.close()
  }

  #write(exchange: Exchange): void {
    const { method, path, headers, type, cookie, body, origin } = exchange
    const { authority } = origin
    this.#line?.write(encodeHttp1({ method, path, authority, headers, type, cookie, body }), 'latin1')
  }

  #open(): void {
    this.#state = 'connecting'
    this.#line = this.#origin.wire.connect(this.#origin, {
      onOpen: () => {
        if (this.#state !== 'connecting') return
        this.#state = 'open'
        this.#on.events.onOpened()
        if (this.#exchange) this.#write(this.#exchange)
      },
      onData: (chunk, length) => this.#onData(chunk, length),
      onError: (error) => this.#lose(failureOf(error)),
      onEnd: () => this.#onLineEnd(),
    })
  }

  #onData(chunk: Buffer, length: number): void {
    if (this.#state === 'closed') return
    this.#on.events.onBytes(length)
    // Nobody has asked: this connection does not speak our HTTP.
    if (!this.#exchange) return this.close()
    this.#heard = true
    this.#isReading = true
    const wrong = this.#parser.read(chunk, length)
    this.#isReading = false
    this.#sentInRead = false
    if (wrong !== undefined) this.#fail({ kind: 'protocol', message: `an answer that is not HTTP/1.1: ${wrong}` })
  }

  #onAnswer(status: number, keepAlive: boolean, answer: CapturedAnswer): void {
    const exchange = this.#exchange
    if (!exchange || this.#state !== 'open') return
    if (status === 101 || this.#sentInRead) {
      const what = status === 101 ? '101 Switching Protocols' : 'an answer'
      return this.#fail({ kind: 'protocol', message: `${what} that no request asked for` })
    }
    this.#exchange = undefined
    exchange.carrier = undefined
    this.#answers += 1
    const now = this.#clock.now()
    this.#idleUntil = now + Math.max(0, answer.head.keepAlive - IDLE_MARGIN)
    // Before its listener runs: that may send the next request, and this connection is the one to use.
    if (keepAlive) this.#on.onFree()
    exchange.answered(status, answer, now)
    if (!keepAlive) this.close()
  }

  #onLineEnd(): void {
    if (this.#state === 'closed') return
    if (this.#state === 'open' && this.#parser.end()) return
    const where = this.#heard ? IN_ANSWER : 'without an answer'
    this.#lose({ kind: 'reset', message: `connection closed by the server ${where}` })
  }

  #lose(failure: Failure): void {
    if (this.#state === 'connecting') {
      this.#on.events.onConnectFailure(failure)
    }
    const exchange = this.#exchange
    // The server closed while the request was on its way to it, as browsers assume of a connection that was of use before.
    const unread = exchange && this.#answers > 0 && !this.#heard && IDEMPOTENT.test(exchange.method)
    if (!unread) return this.#fail(failure)
    this.#exchange = undefined
    this.#close(exchange)
  }

  #fail(failure: Failure): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.close()
    if (!exchange) return
    exchange.carrier = undefined
    exchange.failed(failure)
  }

  close(): void {
    this.#close(undefined)
  }

  #close(retry: Exchange | undefined): void {
    if (this.#state === 'closed') return
    if (this.#state === 'open') this.#on.events.onClosed()
    this.#state = 'closed'
    this.#line?.destroy()
    this.#on.onGone(retry)
  }
}
