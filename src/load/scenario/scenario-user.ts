import type { Clock } from '../../lifecycle/clock.ts'
import { swallow } from '../../lifecycle/debug.ts'
import type { Duration } from '../../units.ts'
import type { CookieJar } from 'tough-cookie'
import type { PlannedRequest } from '../plan/load-plan.ts'
import type {
  UserAnswer,
  UserEventStream,
  UserRequestOptions,
  UserStreamOptions,
  UserWebSocket,
  VirtualUser,
} from '../plan/virtual-user.ts'
import { Chance, type MixPart } from './chance.ts'
import { encodeBody, type EncodedBody } from './request-body.ts'
import { LoadEndedError } from './request-error.ts'
import {
  checkedStatusRange,
  checkOf,
  checkRequestOptions,
  checkStreamOptions,
  methodOf,
  thinkRange,
  timeoutOf,
  withQuery,
} from './request-options.ts'
import { locationOf } from './source-location.ts'
import { EventStream } from './event-stream.ts'
import type { OpenStream, StreamRequest } from './stream.ts'
import { UserSocket } from './user-web-socket.ts'
import { WaitingList, type Waiting } from './waiting-list.ts'
import { UserClient, type Asker, type UserRequest } from './user-client.ts'
import type { UserHost } from './user-host.ts'

/** What a user does at the moment. `ended`: its load is over, and whatever it asks for is refused. */
type UserState = 'starting' | 'idle' | 'iterating' | 'stopping' | 'ended'

/** Numbers of the random streams of one user and iteration. */
const OF_MIX = 1
const OF_USER = 2

/** A virtual user: what a scenario's functions get. */
export class ScenarioUser implements VirtualUser {
  readonly id: number
  iteration = -1
  readonly headers: VirtualUser['headers'] = {}
  readonly state: Record<string, unknown> = {}
  readonly client: UserClient
  /** Set by the user pool: it begins no more iterations. */
  retired = false
  /** Set by the user pool: it waits for its next iteration. */
  idle = false
  readonly #host: UserHost
  #doing: UserState = 'starting'
  /** Created when the scenario first asks for the signal. */
  #abort: AbortController | undefined
  /** Of the current iteration; created when it is first needed. */
  #chance: Chance | undefined
  #uniques = 0
  #sent = 0
  /** What it has waited for since the iteration began, and got. */
  #settled = 0
  /** From when the first request of the iteration counts, if not from its call. */
  #due: number | undefined
  readonly #waits = new WaitingList()

  constructor(id: number, host: UserHost) {
    this.id = id
    this.#host = host
    this.client = new UserClient(host)
  }

  #chanceOf(stream: number): Chance {
    return new Chance(this.#host.seed, this.id, this.iteration, stream)
  }

  // For the user pool --------------------------------------------------------------------------------------------------

  /** Begins the next iteration; its first request counts from `due`, if given. Returns the name of what `mix` chooses. */
  begin(mix: readonly MixPart[], due: number | undefined): string {
    this.iteration += 1
    this.#doing = 'iterating'
    this.#sent = 0
    this.#settled = 0
    this.#due = due
    this.#chance = undefined
    return mix.length === 1 ? (mix[0] as MixPart)[0] : this.#chanceOf(OF_MIX).choose(mix)
  }

  /** Ends an iteration, or `start`; returns how many requests it sent. */
  rest(): number {
    if (this.#doing !== 'ended') this.#doing = 'idle'
    return this.#sent
  }

  /** Whether the iteration sent requests and ended before anything came of them: the scenario does not await them. */
  get hasLeftRequests(): boolean {
    return this.#sent > 0 && this.#settled === 0
  }

  /** Ends what it waits for. Requests after that are refused, except between `letStop` and the next `end`. */
  end(error = new LoadEndedError()): void {
    if (this.#doing === 'ended') return
    this.#doing = 'ended'
    this.#abort?.abort(error)
    this.#waits.endAll(error)
    this.client.close()
  }

  /** Lets it send the requests of its `stop`, which are in no figures. */
  letStop(): void {
    this.#abort = undefined
    this.#doing = 'stopping'
  }

  #settle(waiting: Waiting): void {
    this.#settled += 1
    this.#waits.remove(waiting)
  }

  /** Opens its connection, so that no request pays for that. */
  async connect(): Promise<void> {
    await this.client.transportTo(this.#host.resolve('/').origin).open?.()
  }

  /** Sends a request of a list, as it stands there. Resolves when it is answered. */
  sendPlanned({ name, method, path, headers, body, expectStatus, check }: PlannedRequest): Promise<void> {
    const own: Record<string, string | string[]> = {}
    for (const [key, value] of headers) {
      if (/^connection$/i.test(key)) continue
      const known = own[key]
      own[key] = known === undefined ? value : [...[known].flat(), value]
    }
    const request: UserRequest = {
      name,
      method,
      url: { origin: this.#host.resolve('/').origin, path },
      headers: own,
      body,
      type: undefined,
      expectStatus,
      check,
      timeout: this.#host.timeout,
      follow: false,
      since: this.#due ?? this.#host.clock.now(),
      book: this.#host.book(),
    }
    this.#due = undefined
    return this.#ask(request, {}, undefined).then(() => {})
  }

  // For the scenario ---------------------------------------------------------------------------------------------------

  get data(): unknown {
    return this.#host.data
  }

  get cookies(): CookieJar {
    return this.client.cookies.jar
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController()
      if (this.#doing === 'ended') this.#abort.abort(new LoadEndedError())
    }
    return this.#abort.signal
  }

  /** Whether its requests are in no figures (`start`, `stop`). A failure must then be an error, since no count shows it. */
  get #uncounted(): boolean {
    return this.#doing === 'starting' || this.#doing === 'stopping'
  }

  request(method: string, path: string, options: UserRequestOptions = {}): Promise<UserAnswer> {
    if (this.#doing === 'ended') return refuse(this.#host.clock)
    try {
      const verb = methodOf(method)
      checkRequestOptions(options)
      const encoded = encodeBody(options)
      if (encoded && (verb === 'GET' || verb === 'HEAD')) throw new TypeError(`A ${verb} request takes no body`)
      if (encoded instanceof Promise) return encoded.then((body) => this.#send(verb, path, options, body))
      return this.#send(verb, path, options, encoded)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  #send(method: string, path: string, options: UserRequestOptions, body: EncodedBody | undefined): Promise<UserAnswer> {
    if (this.#doing === 'ended') return refuse(this.#host.clock)
    const { query, expectStatus, check, headers, redirect, timeout = this.#host.timeout } = options
    const url = this.#host.resolve(withQuery(path, query))
    const request: UserRequest = {
      name: options.name ?? `${method} ${path}`,
      method,
      url,
      headers,
      body: body?.content,
      type: body?.type,
      expectStatus: expectStatus === undefined ? this.#host.expectStatus : checkedStatusRange(expectStatus),
      check: check === undefined ? undefined : checkOf(check),
      timeout: timeoutOf(timeout),
      follow: redirect !== 'manual',
      since: this.#due ?? this.#host.clock.now(),
      book: this.#uncounted ? undefined : this.#host.book(),
    }
    this.#due = undefined
    return this.#ask(request, this.headers, this.#uncounted ? method : undefined)
  }

  /** `uncounted` is the method of a request whose unexpected status is in no figures. */
  #ask(request: UserRequest, headers: VirtualUser['headers'], uncounted: string | undefined): Promise<UserAnswer> {
    this.#sent += 1
    return new Promise<UserAnswer>((resolve, reject) => {
      const waiting: Waiting & Asker = {
        end: reject,
        onFailure: (error) => {
          this.#settle(waiting)
          reject(error)
        },
        onAnswer: (answer) => {
          this.#settle(waiting)
          const wrong = uncounted === undefined ? undefined : unexpected(answer.status, request.expectStatus)
          if (wrong === undefined) resolve(answer)
          else reject(new Error(`${uncounted} ${answer.url} answered ${answer.status}${wrong}`))
        },
      }
      this.#waits.add(waiting)
      this.client.send(request, headers, waiting)
    })
  }

  get(path: string, options?: UserRequestOptions): Promise<UserAnswer> {
    return this.request('GET', path, options)
  }

  post(path: string, options?: UserRequestOptions): Promise<UserAnswer> {
    return this.request('POST', path, options)
  }

  put(path: string, options?: UserRequestOptions): Promise<UserAnswer> {
    return this.request('PUT', path, options)
  }

  patch(path: string, options?: UserRequestOptions): Promise<UserAnswer> {
    return this.request('PATCH', path, options)
  }

  delete(path: string, options?: UserRequestOptions): Promise<UserAnswer> {
    return this.request('DELETE', path, options)
  }

  head(path: string, options?: UserRequestOptions): Promise<UserAnswer> {
    return this.request('HEAD', path, options)
  }

  events(path: string, options: UserStreamOptions = {}): Promise<UserEventStream> {
    return this.#openStream('GET', path, options, EventStream.open)
  }

  webSocket(path: string, options: UserStreamOptions = {}): Promise<UserWebSocket> {
    return this.#openStream('WS', path, options, UserSocket.open)
  }

  #openStream<Stream extends OpenStream>(
    verb: string,
    path: string,
    options: UserStreamOptions,
    open: (request: StreamRequest, onClosed: () => void) => { stream: Stream; opened: Promise<Stream> },
  ): Promise<Stream> {
    if (this.#doing === 'ended') return refuse(this.#host.clock)
    try {
      checkStreamOptions(options)
      const { query, name = `${verb} ${path}`, headers = {}, protocols = [], timeout = this.#host.timeout } = options
      const url = this.#host.resolve(withQuery(path, query))
      const request: StreamRequest = {
        name,
        url,
        headers: this.client.headersFor(url, this.headers, headers),
        timeout: timeoutOf(timeout),
        protocols,
        since: this.#due ?? this.#host.clock.now(),
        book: this.#uncounted ? undefined : this.#host.book(),
        events: this.#host.transportEvents,
      }
      this.#due = undefined
      this.#sent += 1
      const waiting: Waiting = { end: (error) => stream.abort(error) }
      const { stream, opened } = open(request, () => this.#waits.remove(waiting))
      this.#waits.add(waiting)
      const settle = () => void (this.#settled += 1)
      opened.then(settle, settle)
      return opened
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  think(shortest: Duration, longest = shortest): Promise<void> {
    if (this.#doing === 'ended') return refuse(this.#host.clock)
    const [min, max] = thinkRange(shortest, longest)
    const time = max === min ? min : min + this.random() * (max - min)
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        end: (error) => {
          cancel()
          reject(error)
        },
      }
      const cancel = this.#host.clock.after(time, () => {
        this.#settle(waiting)
        resolve()
      })
      this.#waits.add(waiting)
    })
  }

  check(name: string, condition: unknown): boolean {
    if (typeof (condition as PromiseLike<unknown> | undefined | null)?.then === 'function') {
      void Promise.resolve(condition).catch(swallow('promise given to user.check'))
      throw new TypeError(`user.check(${JSON.stringify(name)}, …) got a promise: await its condition`)
    }
    const passed = Boolean(condition)
    if (!this.#uncounted) this.#host.book()?.check(name, passed, () => locationOf(new Error(name), this.#host.root))
    else if (!passed) throw new Error(`The check ${JSON.stringify(name)} failed`)
    return passed
  }

  fail(message: string): never {
    throw new Error(message)
  }

  get #ownChance(): Chance {
    return (this.#chance ??= this.#chanceOf(OF_USER))
  }

  random(): number {
    return this.#ownChance.random()
  }

  integer(from: number, to: number): number {
    return this.#ownChance.integer(from, to)
  }

  pick<T>(list: readonly T[]): T {
    return this.#ownChance.pick(list)
  }

  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
    return this.#ownChance.weighted(weights)
  }

  unique(): string {
    this.#uniques += 1
    const { seed, round } = this.#host
    return `${seed.toString(36)}-${this.id.toString(36)}-${this.#uniques.toString(36)}${round}`
  }

  take(name: string): never {
    return this.#host.take(name) as never
  }
}

/** Rejects in a later turn: a scenario that asks again and again must not block the event loop, or it could not be ended. */
function refuse<T>(clock: Clock): Promise<T> {
  return new Promise((_resolve, reject) => {
    clock.soon(() => reject(new LoadEndedError()))
  })
}

/** What was expected in place of `status`, in words; `undefined` if that is fine. */
function unexpected(status: number, expected: readonly [number, number] | undefined): string | undefined {
  if (!expected) return status < 400 ? undefined : ''
  if (status >= expected[0] && status <= expected[1]) return undefined
  return `, expected ${expected[0] === expected[1] ? expected[0] : `${expected[0]} to ${expected[1]}`}`
}
