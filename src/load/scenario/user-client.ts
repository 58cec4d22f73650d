import { readClock } from '../../lifecycle/real-timers.ts'
import type { LoadErrorKind } from '../../results/load-result.ts'
import type { CapturedAnswer } from '../http/captured-answer.ts'
import type { Failure } from '../http/failure.ts'
import type { PlannedCheck } from '../plan/answer-check.ts'
import type { LoadHeaders } from '../plan/load-options.ts'
import { Answer } from './answer.ts'
import { UserCookies } from './cookies.ts'
import type { Exchange, Transport } from './exchange.ts'
import type { Origin } from './origin.ts'
import { RequestError } from './request-error.ts'
import { encodeHttp1, hasHeader, mergeHeaders } from './request-head.ts'

/** As browsers. */
const MOST_REDIRECTS = 10
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
  /** The load's own. */
  readonly headers: LoadHeaders
  /** By `origin`. */
  originOf(url: URL): Origin
  createTransport(origin: Origin): Transport
  /** Exchanges that can time out. */
  readonly underWay: Set<Exchange>
}

/** A request as its user has asked for it. */
export interface UserRequest {
  readonly name: string
  readonly method: string
  readonly url: ResolvedUrl
  readonly headers: Readonly<Record<string, LoadHeaders[string] | undefined>>
  readonly body: Uint8Array | undefined
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
  /** With its query, as it stands in a request line. */
  readonly path: string
}

/** A virtual user's HTTP client: its connections, its cookies, and redirects. */
export class UserClient {
  readonly cookies = new UserCookies()
  readonly #host: ClientHost
  readonly #transports = new Map<string, Transport>()

  constructor(host: ClientHost) {
    this.#host = host
  }

  transportTo(origin: Origin): Transport {
    const known = this.#transports.get(origin.origin)
    if (known) return known
    const transport = this.#host.createTransport(origin)
    this.#transports.set(origin.origin, transport)
    return transport
  }

  /** Headers of a stream, cookies included. */
  headersFor(url: ResolvedUrl, ...own: readonly UserRequest['headers'][]): string[] {
    const headers = mergeHeaders(this.#host.headers, ...own)
    const cookie = this.cookies.headerFor(url.origin.origin, url.path)
    if (cookie !== '' && !hasHeader(headers, 'cookie')) headers.push('Cookie', cookie)
    return headers
  }

  /** Sends a request; exactly one of `resolve` and `reject` is called, unless the client is closed first. */
  send(
    request: UserRequest,
    userHeaders: UserRequest['headers'],
    resolve: (answer: Answer) => void,
    reject: (error: Error) => void,
  ): void {
    const headers = mergeHeaders(this.#host.headers, userHeaders, request.headers)
    if (request.type !== undefined && !hasHeader(headers, 'content-type')) headers.push('Content-Type', request.type)
    this.#hop(
      { request, headers, method: request.method, url: request.url, body: request.body, hops: 0 },
      resolve,
      reject,
    )
  }

  #hop(hop: Hop, resolve: (answer: Answer) => void, reject: (error: Error) => void): void {
    const { request, url } = hop
    const { book, name } = request
    const since = hop.hops === 0 ? request.since : readClock()
    book?.begin()
    const cookie = this.cookies.headerFor(url.origin.origin, url.path)
    const headers = cookie === '' || hasHeader(hop.headers, 'cookie') ? hop.headers : [...hop.headers, 'Cookie', cookie]
    const exchange = new HopExchange(hop, headers, readClock() + request.timeout, {
      answered: (status, captured) => {
        this.#host.underWay.delete(exchange)
        const now = readClock()
        this.cookies.keep(captured.rawHeaders, url.origin.origin, url.path)
        const next = request.follow ? this.#follow(hop, status, captured) : undefined
        const { expectStatus, check } = next ? NOTHING_EXPECTED : request
        book?.answered(name, { status, since, now, expectStatus, check, answer: captured })
        if (next instanceof Error) return reject(next)
        if (next) return this.#hop(next, resolve, reject)
        const whole = `${url.origin.origin}${url.path}`
        const title = `${hop.method} ${whole}`
        resolve(new Answer(captured, { status, url: whole, latency: now - since, request: title }))
      },
      failed: ({ kind, message }) => {
        this.#host.underWay.delete(exchange)
        book?.failed(name, kind, message, since, readClock())
        reject(new RequestError(`${hop.method} ${url.origin.origin}${url.path}`, kind, message))
      },
    })
    this.#host.underWay.add(exchange)
    this.transportTo(url.origin).send(exchange)
  }

  /** The request that an answer leads to. */
  #follow(hop: Hop, status: number, { headers }: CapturedAnswer): Hop | Error | undefined {
    const { location } = headers
    if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return undefined
    const from = `${hop.url.origin.origin}${hop.url.path}`
    if (hop.hops === MOST_REDIRECTS) {
      return new Error(
        `${hop.request.name} was redirected more than ${MOST_REDIRECTS} times, at last from ${from} to ${location}`,
      )
    }
    if (!URL.canParse(location, from) || !/^https?:$/.test(new URL(location, from).protocol)) {
      return new Error(
        `${hop.request.name} was redirected from ${from} to ${location}, which is no URL of http or https`,
      )
    }
    const to = new URL(location, from)
    const origin = this.#host.originOf(to)
    // As browsers do: a 303 is fetched with GET, a POST that is answered 301 or 302 as well.
    const toGet = (status === 303 && hop.method !== 'HEAD') || (status < 303 && hop.method === 'POST')
    const dropped = new Set([
      ...(toGet ? ['content-type'] : []),
      ...(origin === hop.url.origin ? [] : ['authorization', 'cookie', 'host']),
    ])
    return {
      request: hop.request,
      headers: dropped.size === 0 ? hop.headers : without(hop.headers, dropped),
      method: toGet ? 'GET' : hop.method,
      url: { origin, path: `${to.pathname}${to.search}` },
      body: toGet ? undefined : hop.body,
      hops: hop.hops + 1,
    }
  }

  /** Closes every connection at once; what is under way hears nothing more. Idempotent. */
  close(): void {
    for (const transport of this.#transports.values()) transport.close()
    this.#transports.clear()
  }
}

/** One request of a chain of redirects. */
interface Hop {
  readonly request: UserRequest
  readonly headers: readonly string[]
  readonly method: string
  readonly url: ResolvedUrl
  readonly body: Uint8Array | undefined
  /** How many came before it. */
  readonly hops: number
}

class HopExchange implements Exchange {
  readonly needsBody = true
  readonly isHead: boolean
  readonly origin: Origin
  readonly method: string
  readonly path: string
  readonly headers: readonly string[]
  readonly body: Uint8Array | undefined
  readonly timeout: number
  readonly deadline: number
  cancel: (() => void) | undefined
  readonly answered: (status: number, answer: CapturedAnswer) => void
  readonly failed: (failure: Failure) => void

  constructor(hop: Hop, headers: readonly string[], deadline: number, on: Pick<Exchange, 'answered' | 'failed'>) {
    this.isHead = hop.method === 'HEAD'
    this.origin = hop.url.origin
    this.method = hop.method
    this.path = hop.url.path
    this.headers = headers
    this.body = hop.body
    this.timeout = hop.request.timeout
    this.deadline = deadline
    this.answered = on.answered
    this.failed = on.failed
  }

  get bytes(): Uint8Array {
    const { method, path, headers, body } = this
    return encodeHttp1({ method, path, authority: this.origin.authority, headers, body })
  }
}

function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  return headers.filter((_, index) => !names.has((headers[index - (index % 2)] as string).toLowerCase()))
}
