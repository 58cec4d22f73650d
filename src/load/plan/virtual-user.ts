import type { CookieJar } from 'tough-cookie'
import type { AnswerCheck } from './answer-check.ts'
import type { Duration } from '../../units.ts'
import type { ExpectedStatus, LoadHeaders } from './load-options.ts'

/** Values of a query or a form. A list is sent as several values of one name; `undefined` and `null` are left out. */
export type UserParameters = Readonly<
  Record<
    string,
    string | number | boolean | bigint | null | undefined | readonly (string | number | boolean | bigint)[]
  >
>

/** What a virtual user's request takes. At most one of `json`, `form` and `body`. */
export interface UserRequestOptions {
  /** What its figures are found by in `byName`. Default: method and path as written, such as `GET /orders`. */
  name?: string
  /** Over the load's `headers` and `user.headers`, by name in any case. `undefined` leaves a header out. */
  headers?: Readonly<Record<string, LoadHeaders[string] | undefined>>
  /** Put behind the path. */
  query?: UserParameters | URLSearchParams
  /** Sent as JSON. */
  json?: unknown
  /** Sent as `application/x-www-form-urlencoded`. */
  form?: UserParameters | URLSearchParams
  /** Text (as `text/plain`), bytes, a `FormData` (as `multipart/form-data`) or a `Blob` (as its own type). */
  body?: string | Uint8Array | ArrayBuffer | FormData | Blob | URLSearchParams
  /** Statuses that count as success. Default: all below 400. Another one counts as an error, and the request resolves all the same. */
  expectStatus?: ExpectedStatus
  /** What the answer must be. Counts in `checks` under the request's name; an answer that fails it counts as an error of kind `check`. */
  check?: AnswerCheck
  /** Time after which the request has failed. Default: the load's `timeout`. */
  timeout?: Duration
  /** `'follow'` (default) follows at most 10 redirects, each a request of its own under the name of the first. */
  redirect?: 'follow' | 'manual'
}

/** An answer, read to its end. */
export interface UserAnswer {
  /** The HTTP status. */
  readonly status: number
  /** Names in lower case; values of one name are joined by `', '`. */
  readonly headers: Readonly<Record<string, string>>
  /** The URL that answered, after redirects. */
  readonly url: string
  /** Milliseconds until the answer was complete; of the last hop, where redirects were followed. */
  readonly latency: number
  /** The body as UTF-8, without its content coding. */
  text(): string
  /**
   * The body, parsed.
   *
   * @throws an error that names the request, the status and the first characters of a body that is no JSON.
   */
  json<T = unknown>(): T
  /** The body as bytes, without its content coding. */
  bytes(): Uint8Array
}

/** One event of a stream of Server-sent events. */
export interface UserEvent {
  /** Its type; `message` if the server named none. */
  readonly event: string
  /** Its data; several lines are joined by line feeds. */
  readonly data: string
  /** The last id that the stream has named; `''` if none. */
  readonly id: string
}

/** A stream of Server-sent events. It ends with the server's end, with `close()`, and with the loop that reads it. */
export interface UserEventStream extends AsyncIterable<UserEvent> {
  /** Closes the stream. Idempotent. */
  close(): void
}

/** A WebSocket of a virtual user. Iterating it yields messages: text as text, binary messages as bytes. */
export interface UserWebSocket extends AsyncIterable<string | Uint8Array> {
  /** Sends a message. The time until the next message arrives counts as a round trip. */
  send(data: string | Uint8Array): void
  /** Resolves with the next message; `undefined` when the socket has closed. */
  receive(): Promise<string | Uint8Array | undefined>
  /** Closes the socket. Idempotent. */
  close(code?: number, reason?: string): void
}

/** Options of `user.events` and `user.webSocket`. */
export type UserStreamOptions = Pick<UserRequestOptions, 'name' | 'headers' | 'query' | 'timeout'> & {
  /** Subprotocols of a WebSocket. */
  protocols?: readonly string[]
}

/** Names of the lists in the data of a load. */
export type ListNames<Data> = {
  [Name in keyof Data]-?: Data[Name] extends readonly unknown[] ? Name : never
}[keyof Data] &
  string

/** An element of one of those lists. */
export type ListElement<List> = List extends readonly (infer Element)[] ? Element : never

/**
 * A virtual user, as a scenario's functions get it. Times are in milliseconds.
 *
 * What it draws by chance (`random`, `integer`, `pick`, `weighted`, `think(min, max)` and which function of `mix` an iteration runs) depends on
 * the load's `seed`, on `id` and on `iteration` alone: the same load draws the same again.
 */
export interface VirtualUser<Data = unknown> {
  /** 0, 1, … within the load. */
  readonly id: number
  /** 0, 1, … of this user; -1 in `start`. */
  readonly iteration: number
  /** The load's `data`: one copy for all users of the load. */
  readonly data: Data
  /** Sent with each of its requests, over the load's `headers`. */
  readonly headers: Record<string, string | number | readonly string[] | undefined>
  /** Its own jar, kept as browsers keep theirs. */
  readonly cookies: CookieJar
  /** Its own object, kept from iteration to iteration. */
  readonly state: Record<string, unknown>
  /** Aborts when the load ends. */
  readonly signal: AbortSignal

  /**
   * Sends a request and resolves with its answer, whatever its status. `path` is on the load's `url`, or a URL of its own.
   * Up to 6 connections are used at once.
   *
   * @throws where there is no answer in time, or its connection fails: that counts as an error of the request, and the iteration fails unless it
   * catches it.
   */
  request(method: string, path: string, options?: UserRequestOptions): Promise<UserAnswer>
  /** `request` with method GET. */
  get(path: string, options?: UserRequestOptions): Promise<UserAnswer>
  /** `request` with method POST. */
  post(path: string, options?: UserRequestOptions): Promise<UserAnswer>
  /** `request` with method PUT. */
  put(path: string, options?: UserRequestOptions): Promise<UserAnswer>
  /** `request` with method PATCH. */
  patch(path: string, options?: UserRequestOptions): Promise<UserAnswer>
  /** `request` with method DELETE. */
  delete(path: string, options?: UserRequestOptions): Promise<UserAnswer>
  /** `request` with method HEAD. */
  head(path: string, options?: UserRequestOptions): Promise<UserAnswer>
  /**
   * Opens a stream of Server-sent events. Its row in `byName` (`GET /feed`) has the time to open and the `messages`; a row of its own
   * (`GET /feed (first message)`) the time from the call to the first message.
   */
  events(path: string, options?: UserStreamOptions): Promise<UserEventStream>
  /**
   * Opens a WebSocket. Its row in `byName` (`WS /chat`) has the time to open and the `messages`; rows of their own (`WS /chat (first message)`,
   * `WS /chat (round trip)`) the time to the first message, and from a `send` to the next message.
   */
  webSocket(path: string, options?: UserStreamOptions): Promise<UserWebSocket>

  /** Waits for so long, or between `min` and `max`: milliseconds, or text such as `'2s'`. It is in no latency. */
  think(min: Duration, max?: Duration): Promise<void>
  /** Counts a check in `checks`; returns whether it passed. */
  check(name: string, condition: unknown): boolean
  /** Fails this iteration. */
  fail(message: string): never

  /** From 0 up to, but not including, 1. */
  random(): number
  /** From `from` to `to`, both included. */
  integer(from: number, to: number): number
  /** An element of a list, each as likely as the others. */
  pick<T>(list: readonly T[]): T
  /** A key, by its weight: `weighted({ a: 9, b: 1 })` is `'a'` nine times in ten. */
  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key
  /**
   * A text that no other call of this load gets, nor one of another step of the same search (`findCapacity`). The same load gets the
   * same texts again: a second load on the same server needs another `seed`.
   */
  unique(): string
  /**
   * The next element of a list in `data`; no other call of this load gets it.
   *
   * @throws when all are taken.
   */
  take<Name extends ListNames<Data>>(name: Name): ListElement<Data[Name]>
}
