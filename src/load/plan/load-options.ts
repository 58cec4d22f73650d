import type { TlsOptions } from '../../tls.ts'
import type { Thresholds } from '../../results/threshold.ts'
import type { Duration } from '../../units.ts'
import type { AnswerCheck } from './answer-check.ts'
import type { EngineName } from './engine-choice.ts'
import type { LocustEngine } from './locust-options.ts'

/** A status, or the first and the last of a range: `200`, `[200, 399]`. */
export type ExpectedStatus = number | readonly [from: number, to: number]

/** Headers by name; a list is sent as several of one name. */
export type LoadHeaders = Readonly<Record<string, string | number | readonly string[]>>

/** A body: text or bytes as they are, anything else as JSON (with `content-type: application/json` unless set). */
export type LoadBody = string | Uint8Array | readonly unknown[] | { readonly [key: string]: unknown }

/** One request of a list. What it leaves out comes from the load's own `method`, `headers`, `body`, `expectStatus`. */
export interface LoadRequest {
  /** What its figures are found by in `byName`. Default: method and path as written, such as `GET /orders`. */
  name?: string
  /** On the load's server, such as `/orders?page=2`. Default: the path of the load's `url`. */
  path?: string
  /** Default: the load's `method`. */
  method?: string
  /** Over the load's `headers`. */
  headers?: LoadHeaders
  /** Default: the load's `body`. */
  body?: LoadBody
  /** Default: the load's `expectStatus`. */
  expectStatus?: ExpectedStatus
  /** What the answer must be. Counts in `checks` under the request's name; an answer that fails it is an error of kind `check`. */
  check?: AnswerCheck
}

/** What a load speaks. */
export type LoadProtocol = 'http/1.1' | 'h2'

/** How the connections of a load share its list of requests. */
export type LoadOrder = 'shared' | 'perConnection'

/** A part of a load: ramps linearly from the targets of the part before to its own. */
export interface LoadStage {
  /** Length of this part. */
  duration: Duration
  /** Connections at its end. */
  connections?: number
  /** Arrivals per second at its end (open model); of a scenario, iterations. */
  rate?: number
  /** Virtual users at its end, of a scenario. */
  virtualUsers?: number
}

/** A part before the measured one. */
export interface LoadWarmup {
  /** Its length. */
  duration: Duration
  /** Default: as many as the load starts with. */
  connections?: number
}

/** How a load checks the certificate of its target. Default: as the test's server has it. */
export type LoadTls = TlsOptions

/** What `generateLoad` takes. Times are milliseconds, or text such as `'10s'`; rates are per second. */
export interface LoadOptions {
  /** Absolute, or a path on the test's `server`. Default: the test's `server`. */
  url?: string
  /** Connections that are kept open (default 10): in the closed model each sends its next request when it has its answer. */
  connections?: number
  /** Length of the measured part (default 10 000). */
  duration?: Duration
  /** Ends after so many requests; or at `duration`, where that is given too. */
  amount?: number
  /** Open model: so many arrivals per second, whatever the server does; latency counts from when a request was due. */
  rate?: number
  /** Parts that ramp to their targets, in place of `duration`. */
  stages?: readonly LoadStage[]
  /** Requests under way on one connection (default 1; closed model only). */
  pipelining?: number
  /** A part before the measured one, kept out of the result. */
  warmup?: LoadWarmup
  /** Time after which one request has failed (default 10 000). */
  timeout?: Duration
  /** Default `'GET'`. */
  method?: string
  /** Sent with each request. */
  headers?: LoadHeaders
  /** Sent with each request. Default: none. */
  body?: LoadBody
  /** A list of requests, sent over and over in its order. */
  requests?: readonly LoadRequest[]
  /**
   * How connections share `requests`. Default `'shared'`.
   * - `'shared'`: the load sends the list once, over all connections, and then again: request `k` of the load is element `k mod n`.
   * - `'perConnection'`: each connection sends the whole list in its order, as a session needs.
   */
  order?: LoadOrder
  /** Statuses that count as success. Default: all below 400. */
  expectStatus?: ExpectedStatus
  /** Conditions the result must meet, such as `{ 'latency.p99': '<50' }`; `generateLoad` rejects where it does not. */
  thresholds?: Thresholds
  /** Ends the load as soon as a threshold cannot hold any more. */
  abortOnFail?: boolean
  /**
   * Time between two calls of `onProgress`, and the length of a row of `samples`. Default: a twentieth of the load, between 100 and
   * 1 000 ms.
   */
  progressInterval?: Duration
  /** Ends the load; `generateLoad` then rejects with what was measured. */
  signal?: AbortSignal
  /** Name of the load in reports. */
  title?: string
  /**
   * Load processes on this machine that share the load (default 1); `'auto'`: one less than it has cores. It stays one load with one
   * result: arrivals evenly spaced, `amount` exact, latencies merged from histograms, thresholds judged on the whole.
   */
  processes?: number | 'auto'
  /**
   * Who generates the load. `VITEST_PERF_ENGINE` wins over it.
   * - `'built-in'` (default).
   * - `'autocannon'`: autocannon's own client, for figures that must compare with those collected before. Closed model and
   *   `requests` only; the result's `remarks` say what its latencies cannot be trusted for.
   * - `{ use: 'locust', workers: 2 }`: workers on other machines, which a Locust master finds, watches and stops; all options work.
   */
  engine?: EngineName | LocustEngine
  /** How the certificate of an `https:` target is checked. Default: as the test's server has it. */
  tls?: LoadTls
  /** `'h2'`: HTTP/2, on `https:` by ALPN and on `http:` by prior knowledge. Default `'http/1.1'`. */
  protocol?: LoadProtocol
  /**
   * Profiles the server under load: CPU, event loops and calls out of the server; see `LoadResult.profile`.
   * - `'on-failure'` (default): repeats a load that missed a threshold for at most 5 s with the profiler, if the test started
   *   the server and has the time.
   * - `true`: records while the load itself runs, whose figures are then those of a profiled server.
   * - `false`: never.
   */
  profile?: boolean | 'on-failure'
  /**
   * A module whose functions virtual users run, in place of `requests`: a path from Vitest's root, or a file URL, such as
   * `new URL('./shop.scenario.ts', import.meta.url)`.
   */
  scenario?: string | URL
  /** Weights of the module's exports, such as `{ browse: 9, buy: 1 }`. Default: the default export alone. */
  mix?: Readonly<Record<string, number>>
  /** What the scenario finds in `user.data`. It is copied to the load process. */
  data?: unknown
  /** Virtual users (default 10), each of which begins its next iteration when the one before has ended; with `rate`, when one is due. */
  virtualUsers?: number
  /** Of all chance in the scenario (default 1): the same seed gives the same choices. */
  seed?: number
}
