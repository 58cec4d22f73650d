import { URL } from 'node:url'
import type { Clock } from '../../lifecycle/clock.ts'
import type { LoadErrorKind } from '../../results/load-result.ts'
import type { CapturedAnswer } from '../http/captured-answer.ts'
import type { Failure } from '../http/failure.ts'
import type { PlannedCheck } from '../plan/answer-check.ts'
import type { LoadHeaders } from '../plan/load-options.ts'
import { Answer } from './answer.ts'
import { UserCookies } from './cookies.ts'
import type { Exchange, Transport } from './exchange.ts'
import type { Origin } from './origin.ts'
import { HeaderList, UserHeaders, type HeaderSource } from './header-list.ts'
import { RequestError } from './request-error.ts'
import type { Roster } from './roster.ts'

/** As browsers. */
const MOST_REDIRECTS = 10
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Of an answer that only leads to another. */
const NOTHING_EXPECTED = { expectStatus: undefined, check: undefined }

/** Times are on the monotonic clock. */
export interface AnsweredRequest {
  readonly status: number
  readonly since: number
  readonly now: number
  /** Absent where all statuses below 400 are. */
  readonly expectStatus: readonly [number, number] | undefined
  readonly check: PlannedCheck | undefined
  readonly answer: CapturedAnswer
}

/** Counts what becomes of requests. One of a part of the load that is over ignores what it hears. */
export interface RequestBook {
  begin(): void
  answered(name: string, answered: AnsweredRequest): void
  failed(name: string, kind: LoadErrorKind, message: string, since: number, now: number): void
}

/** What all users of a load share. */
export interface ClientHost {
  readonly clock: Clock
  /** The load's own. */
  readonly headers: LoadHeaders
  /** By `origin`. */
  originOf(url: URL): Origin
  createTransport(origin: Origin): Transport
  /** Exchanges that can time out. */
  readonly underWay: Roster<Exchange>
}

/** A request as its user has asked for it. */
export interface UserRequest {
  readonly name: string
  readonly method: string
  readonly url: ResolvedUrl
  readonly headers: HeaderSource | undefined
  /** Text is ASCII. */
  readonly body: Uint8Array | string | undefined
  /** Of the body. */
  readonly type: string | undefined
  readonly expectStatus: readonly [number, number] | undefined
  readonly check: PlannedCheck | undefined
  readonly timeout: number
  readonly follow: boolean
  /** On the monotonic clock: from when its latency counts. */
  readonly since: number
  /** Where it counts; in `start` and `stop` nowhere. */
  readonly book: RequestBook | undefined
}

export interface ResolvedUrl {
  readonly origin: Origin
  /** With its query, as in the request line. */
  readonly path: string
}

/** Who asked for a request: exactly one of these is called, unless the client is closed first. */
export interface Asker {
  onAnswer(answer: Answer): void
  onFailure(error: Error): void
}

/** A virtual user's HTTP client: its connections, its cookies, and redirects. */
export class UserClient {
  readonly cookies = new UserCookies()
  readonly #host: ClientHost
  readonly #headers: UserHeaders
  readonly #transports = new Map<Origin, Transport>()

  constructor(host: ClientHost) {
    this.#host = host
    this.#headers = new UserHeaders(host.headers)
  }

  transportTo(origin: Origin): Transport {
    const known = this.#transports.get(origin)
    if (known) return known
    const transport = this.#host.createTransport(origin)
    this.#transports.set(origin, transport)
    return transport
  }

  /** Headers of a stream in names and values, cookies included. */
  headersFor(url: ResolvedUrl, user: HeaderSource, own: HeaderSource): string[] {
    const headers = this.#headers.listFor(user, own)
    const cookie = this.cookieFor(url, headers)
    return cookie === '' ? [...headers.raw] : [...headers.raw, 'Cookie', cookie]
  }

  /** The value of `Cookie`; `''` for none, and where `headers` have one. */
  cookieFor({ origin, path }: ResolvedUrl, headers: HeaderList): string {
    return headers.has('cookie') ? '' : this.cookies.headerFor(origin.origin, path)
  }

  send(request: UserRequest, userHeaders: HeaderSource, asker: Asker): void {
    const headers = this.#headers.listFor(userHeaders, request.headers)
    new Hop(this, this.#host, asker, request, request, headers, 0, request.since).send()
  }

  /** Closes every connection at once; what is under way hears nothing more. Idempotent. */
  close(): void {
    for (const transport of this.#transports.values()) transport.close()
    this.#transports.clear()
  }
}

/** What a hop sends. */
type Sent = Pick<UserRequest, 'method' | 'url' | 'type' | 'body'>

/** One request of a chain of redirects. */
class Hop implements Exchange {
  slot = -1
  carrier: Exchange['carrier']
  readonly needsBody = true
  readonly isHead: boolean
  readonly origin: Origin
  readonly method: string
  readonly path: string
  readonly headers: HeaderList
  readonly type: string | undefined
  readonly cookie: string
  readonly body: Uint8Array | string | undefined
  readonly timeout: number
  readonly sentAt: number
  readonly #client: UserClient
  readonly #host: ClientHost
  readonly #asker: Asker
  readonly #request: UserRequest
  /** How many came before it. */
  readonly #hops: number
  /** From when its latency counts. */
  readonly #since: number

  constructor(
    client: UserClient,
    host: ClientHost,
    asker: Asker,
    request: UserRequest,
    { method, url, type, body }: Sent,
    headers: HeaderList,
    hops: number,
    since: number,
  ) {
    this.#client = client
    this.#host = host
    this.#asker = asker
    this.#request = request
    this.#hops = hops
    this.#since = since
    this.isHead = method === 'HEAD'
    this.origin = url.origin
    this.method = method
    this.path = url.path
    this.headers = headers
    this.type = type !== undefined && headers.has('content-type') ? undefined : type
    this.cookie = client.cookieFor(url, headers)
    this.body = body
    this.timeout = request.timeout
    this.sentAt = host.clock.now()
  }

  send(): void {
    this.#request.book?.begin()
    this.#host.underWay.add(this)
    this.#client.transportTo(this.origin).send(this)
  }

  get #url(): string {
    return `${this.origin.origin}${this.path}`
  }

  answered(status: number, answer: CapturedAnswer, now: number): void {
    this.#host.underWay.delete(this)
    if (answer.head.setsCookies) this.#client.cookies.keep(answer.head.raw, this.origin.origin, this.path)
    const request = this.#request
    const next = request.follow && status >= 300 && status < 400 ? this.#follow(status, answer, now) : undefined
    const { expectStatus, check } = next ? NOTHING_EXPECTED : request
    request.book?.answered(request.name, { status, since: this.#since, now, expectStatus, check, answer })
    if (next instanceof Error) return this.#asker.onFailure(next)
    if (next) return next.send()
    this.#asker.onAnswer(new Answer(answer, status, now - this.#since, this))
  }

  failed({ kind, message }: Failure): void {
    this.#host.underWay.delete(this)
    const { book, name } = this.#request
    book?.failed(name, kind, message, this.#since, this.#host.clock.now())
    this.#asker.onFailure(new RequestError(`${this.method} ${this.#url}`, kind, message))
  }

  /** The request that an answer leads to. */
  #follow(status: number, { headers: answered }: CapturedAnswer, now: number): Hop | Error | undefined {
    const sent = answered['location']
    if (sent === undefined || !REDIRECTS.has(status)) return undefined
    // Headers are Latin-1. What some servers send as UTF-8, browsers read as such.
    const location = Buffer.from(sent, 'latin1').toString('utf8')
    const from = this.#url
    const { name } = this.#request
    if (this.#hops === MOST_REDIRECTS) {
      return new Error(`${name} was redirected more than ${MOST_REDIRECTS} times, at last from ${from} to ${location}`)
    }
    const to = URL.canParse(location, from) ? new URL(location, from) : undefined
    if (!to || !/^https?:$/.test(to.protocol)) {
      return new Error(`${name} was redirected from ${from} to ${location}, which is no URL of http or https`)
    }
    const origin = this.#host.originOf(to)
    // As browsers do: a 303 is fetched with GET, a POST that is answered 301 or 302 as well.
    const toGet = (status === 303 && this.method !== 'HEAD') || (status < 303 && this.method === 'POST')
    const others = origin === this.origin ? this.headers : this.headers.without('authorization', 'cookie', 'host')
    return new Hop(
      this.#client,
      this.#host,
      this.#asker,
      this.#request,
      {
        method: toGet ? 'GET' : this.method,
        url: { origin, path: `${to.pathname}${to.search}` },
        type: toGet ? undefined : this.type,
        body: toGet ? undefined : this.body,
      },
      toGet ? others.without('content-type') : others,
      this.#hops + 1,
      now,
    )
  }
}
