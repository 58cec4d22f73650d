import * as v from 'valibot'
import { LONGEST_TIMER } from '../../option-issues.ts'
import {
  findOptionIssues,
  abortSignal,
  flag,
  positiveInteger,
  positiveNumber,
  text,
  timerDuration,
} from '../../options.ts'
import type { TlsOptions } from '../../tls.ts'
import type { OptionIssue } from '../../errors.ts'
import { parseThresholds, type Thresholds } from '../../results/threshold.ts'
import { answerCheck, findCheckIssues, type AnswerCheck } from './answer-check.ts'
import { plannedNames } from './request-name.ts'
import { milliseconds, type Duration } from '../../units.ts'
import type { KnownNames } from '../../results/figures.ts'
import { engineOption, type LocustEngine } from './locust-options.ts'
import { findContradictions } from './contradictions.ts'
import { findEngineContradictions, type EngineName } from './engine-choice.ts'
import { findScenarioIssues } from './scenario-options.ts'
import {
  findBodyIssues,
  findHeaderIssues,
  findPathIssues,
  findUrlIssues,
  holdsCertificates,
  isBody,
  isPlainRecord,
} from './request-issues.ts'

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

/** Each stage has figures of its own in every progress, so their number is bounded. */
const MOST_STAGES = 100

const status = v.pipe(
  v.number('a status of 100 to 599, or [from, to]'),
  v.integer('a status of 100 to 599, or [from, to]'),
  v.minValue(100, 'a status of 100 to 599, or [from, to]'),
  v.maxValue(599, 'a status of 100 to 599, or [from, to]'),
)
const expectStatus = v.union(
  [
    status,
    v.pipe(
      v.strictTuple([status, status], '[from, to]'),
      v.check(([from, to]) => from <= to, '[from, to] with from <= to'),
    ),
  ],
  'a status of 100 to 599, or [from, to]',
)
const methodMessage = 'an HTTP method such as GET or POST'
const method = v.pipe(
  v.string(methodMessage),
  v.regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, methodMessage),
  v.check((name) => name.toUpperCase() !== 'CONNECT', 'a method other than CONNECT, which opens a tunnel'),
)
const body = v.custom<LoadBody>(
  isBody,
  'a string, bytes (Uint8Array), or a value to send as JSON (a plain object, an array, or what has a toJSON)',
)
const headers = v.custom<LoadHeaders>(isPlainRecord, 'a plain object of header names and values')
const rate = v.pipe(positiveNumber, v.maxValue(1_000_000, 'a positive number up to 1000000'))
const connections = v.pipe(positiveInteger, v.maxValue(65_535, 'an integer from 1 to 65535'))
const virtualUsers = v.pipe(positiveInteger, v.maxValue(100_000, 'an integer from 1 to 100000'))
const seedMessage = 'a whole number of 0 or more'
const seed = v.pipe(
  v.number(seedMessage),
  v.check((value) => Number.isSafeInteger(value) && value >= 0, seedMessage),
)
const scenario = v.custom<string | URL>(
  (value) => (typeof value === 'string' && value !== '') || isFileUrl(value),
  "the path of a module, from Vitest's root, or a file URL",
)
const weight = v.pipe(
  v.number('a weight of 0 or more'),
  v.finite('a weight of 0 or more'),
  v.minValue(0, 'a weight of 0 or more'),
)
const mix = v.record(v.string(), weight, 'an object of exports and their weights, such as { browse: 9, buy: 1 }')
const processesMessage = "an integer from 1 to 256, or 'auto'"
const processes = v.union(
  [
    v.literal('auto'),
    v.pipe(
      v.number(processesMessage),
      v.integer(processesMessage),
      v.minValue(1, processesMessage),
      v.maxValue(256, processesMessage),
    ),
  ],
  processesMessage,
)
const stageRate = v.pipe(
  v.number('a number of 0 or more'),
  v.finite('a number of 0 or more'),
  v.minValue(0, 'a number of 0 or more'),
  v.maxValue(1_000_000, 'a number up to 1000000'),
)
const stage = v.strictObject(
  {
    duration: timerDuration,
    connections: v.optional(connections),
    rate: v.optional(stageRate),
    virtualUsers: v.optional(virtualUsers),
  },
  'an object { duration, connections?, rate?, virtualUsers? }',
)
const request = v.strictObject(
  {
    name: v.optional(text),
    path: v.optional(text),
    method: v.optional(method),
    headers: v.optional(headers),
    body: v.optional(body),
    expectStatus: v.optional(expectStatus),
    check: v.optional(answerCheck),
  },
  'an object { name?, path?, method?, headers?, body?, expectStatus?, check? }',
)
const warmup = v.strictObject(
  { duration: timerDuration, connections: v.optional(connections) },
  'an object { duration, connections? }',
)
const certificates = v.pipe(text, v.check(holdsCertificates, 'certificates in PEM'))
const tls = v.strictObject(
  { ca: v.optional(certificates), rejectUnauthorized: v.optional(flag), servername: v.optional(text) },
  'an object { ca?, rejectUnauthorized?, servername? }',
)
const progressMessage = `a number of milliseconds from 20 to ${LONGEST_TIMER}, or a text such as '500ms'`
const stagesMessage = `a list of 1 to ${MOST_STAGES} stages`

const schema = v.strictObject(
  {
    url: v.optional(text),
    connections: v.optional(connections),
    duration: v.optional(timerDuration),
    amount: v.optional(positiveInteger),
    rate: v.optional(rate),
    stages: v.optional(
      v.pipe(
        v.array(stage, stagesMessage),
        v.minLength(1, stagesMessage),
        v.maxLength(MOST_STAGES, stagesMessage),
        v.check(
          (stages) => stages.reduce((sum, { duration }) => sum + milliseconds(duration), 0) <= LONGEST_TIMER,
          `stages of at most ${LONGEST_TIMER} ms together`,
        ),
      ),
    ),
    pipelining: v.optional(v.pipe(positiveInteger, v.maxValue(1_000, 'an integer from 1 to 1000'))),
    warmup: v.optional(warmup),
    timeout: v.optional(timerDuration),
    method: v.optional(method),
    headers: v.optional(headers),
    body: v.optional(body),
    requests: v.optional(
      v.pipe(v.array(request, 'a list of requests'), v.minLength(1, 'a list of at least one request')),
    ),
    order: v.optional(v.picklist(['shared', 'perConnection'], "'shared' or 'perConnection'")),
    expectStatus: v.optional(expectStatus),
    thresholds: v.optional(v.custom<Thresholds>(isPlainRecord, 'an object of metrics and conditions')),
    abortOnFail: v.optional(flag),
    progressInterval: v.optional(
      v.custom<Duration>((value) => {
        const interval = milliseconds(value as Duration)
        return interval >= 20 && interval <= LONGEST_TIMER
      }, progressMessage),
    ),
    signal: v.optional(abortSignal),
    title: v.optional(text),
    processes: v.optional(processes),
    engine: v.optional(engineOption),
    tls: v.optional(tls),
    protocol: v.optional(v.picklist(['http/1.1', 'h2'], "'http/1.1' or 'h2'")),
    profile: v.optional(v.union([flag, v.literal('on-failure')], "true, false or 'on-failure'")),
    scenario: v.optional(scenario),
    mix: v.optional(mix),
    data: v.optional(v.unknown()),
    virtualUsers: v.optional(virtualUsers),
    seed: v.optional(seed),
  },
  'an object',
)

/** All load options, in the order in which they are documented. */
export const loadOptionNames: readonly string[] = Object.keys(schema.entries)

/** Looks at the value's fields, not its class: in the vm pools a `URL` may be of another realm. */
function isFileUrl(value: unknown): boolean {
  const { protocol, href } = (value ?? {}) as { protocol?: unknown; href?: unknown }
  return protocol === 'file:' && typeof href === 'string'
}

function findThresholdIssues(thresholds: unknown, prefix: string, names: KnownNames): OptionIssue[] {
  if (!isPlainRecord(thresholds)) return []
  return parseThresholds(thresholds, { kind: 'load', names }).issues.map(({ metric, expression, message }) => ({
    option: `${prefix === '' ? '' : `${prefix}.`}thresholds.${metric}`,
    expected: "a figure of the load, an operator (< <= > >= ==) and a number, such as { 'latency.p99': '<50' }",
    received: expression,
    message,
  }))
}

/** How options are checked. */
export interface LoadOptionRule {
  /** The options are defaults, which a call completes: mistakes that only a missing option makes are not told. */
  defaults?: boolean
  /** `url` needs protocol and host: there is no server that a path could stand on. */
  absoluteUrl?: boolean
}

/** Returns the first issue of each option. */
function oneEach(issues: readonly OptionIssue[]): OptionIssue[] {
  const first = new Map<string, OptionIssue>()
  for (const found of issues) if (!first.has(found.option)) first.set(found.option, found)
  return [...first.values()]
}

/** Returns every mistake in load options, also in options that exclude each other. Throws nothing. */
export function findLoadOptionIssues(input: unknown, prefix = '', rule: LoadOptionRule = {}): OptionIssue[] {
  const issues = oneEach(findOptionIssues(schema, input, prefix))
  if (!isPlainRecord(input)) return issues
  const options = input as LoadOptions
  const wrong = new Set(issues.map(({ option }) => option))
  const add = (more: OptionIssue[]) => issues.push(...more.filter(({ option }) => !wrong.has(option)))
  const at = (name: string) => (prefix === '' ? name : `${prefix}.${name}`)
  add(findUrlIssues(at('url'), options.url, rule.absoluteUrl ? 'absolute' : 'any'))
  add(findHeaderIssues(at('headers'), options.headers))
  if (!options.requests) add(findBodyIssues(at('body'), options.method ?? 'GET', options.body))
  const requests: unknown = options.requests
  for (const [index, entry] of Array.isArray(requests) ? (requests as unknown[]).entries() : []) {
    if (!isPlainRecord(entry)) continue
    const part = entry as LoadRequest
    add(findPathIssues(at(`requests[${index}].path`), part.path))
    add(findHeaderIssues(at(`requests[${index}].headers`), part.headers))
    add(findCheckIssues(at(`requests[${index}].check`), part.check, part.method ?? options.method))
    add(
      findBodyIssues(at(`requests[${index}].body`), part.method ?? options.method ?? 'GET', part.body ?? options.body),
    )
  }
  add(findContradictions(options, prefix, rule.defaults ?? false))
  add(findEngineContradictions(options, prefix))
  add(findScenarioIssues(options, prefix, rule.defaults ?? false))
  // The names of requests are known here unless a call completes these options, or a scenario names its requests itself.
  const names = rule.defaults || options.scenario !== undefined || issues.length > 0 ? {} : plannedNames(options)
  add(findThresholdIssues(options.thresholds, prefix, names))
  return issues
}
