import { URL } from 'node:url'
import { Buffer } from 'node:buffer'
import type { OptionIssue } from '../../errors.ts'
import { optionIssue as issue, rejectIssues } from '../../option-issues.ts'
import type { Lifetime } from '../../lifecycle/attempt.ts'
import { parseThresholds, type Threshold } from '../../results/threshold.ts'
import { baseUrlOf } from '../../server-url.ts'
import { parseSettings } from '../../settings.ts'
import { tlsFor, type TlsOptions } from '../../tls.ts'
import { planCheck, type AnswerCheck, type PlannedCheck } from './answer-check.ts'
import { CONTRADICTIONS } from './contradictions.ts'
import { LOAD_DEFAULTS } from './load-defaults.ts'
import { findLoadOptionIssues } from './load-option-issues.ts'
import type { LoadBody, LoadHeaders, LoadOptions, LoadOrder, LoadProtocol, LoadStage, LoadTls } from './load-options.ts'
import { findUrlIssues, isBytes } from './request-issues.ts'
import { milliseconds } from '../../units.ts'
import { findAutocannonIssues, type EngineName } from './engine-choice.ts'
import { findLocustIssues, planEngine, urlOnTarget, type PlannedLocust } from './locust-options.ts'
import { findShareIssues, type Share } from './share.ts'
import { statusRange } from './status-range.ts'
import { SCENARIO_OPTIONS } from './scenario-options.ts'
import type { PlannedScenario } from './scenario-plan.ts'
import { findTimeIssues, planTime, spareTime, planVirtualUsers, type LoadTime } from './load-time.ts'
import { nameOfRequest } from './request-name.ts'

/** A request as the load process sends it. */
export interface PlannedRequest {
  /** Its name in `byName`. */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: Uint8Array
  readonly expectStatus?: readonly [from: number, to: number]
  /** Whether the load process keeps the headers, or the body, of each answer: it costs time, so only where something reads them. */
  readonly needsHeaders?: boolean
  readonly needsBody?: boolean
  /** What each answer must be. Set together with `needsHeaders`, and with `needsBody` if it has a rule for the body. */
  readonly check?: PlannedCheck
}

/** A load with every default in place: plain data, as the load process gets it. */
export interface LoadPlan extends LoadTime {
  readonly title?: string
  readonly url: string
  /** Empty where there is a `scenario`. */
  readonly requests: readonly PlannedRequest[]
  readonly scenario?: PlannedScenario
  readonly protocol: LoadProtocol
  readonly order: LoadOrder
  readonly pipelining: number
  readonly timeout: number
  readonly thresholds: readonly Threshold[]
  readonly abortOnFail: boolean
  readonly progressInterval: number
  readonly tls: LoadTls
  readonly engine: EngineName | PlannedLocust
  /** Load processes on this machine; `'auto'`: one less than it has cores. */
  readonly processes: number | 'auto'
  /** Of one of several processes; absent where one runs the whole load. */
  readonly share?: Share
  /** Patterns of `--allow`: the load process opens no other connection. Only a worker sets them. */
  readonly allowedTargets?: readonly string[]
}

export interface ResolveLoadContext {
  defaults?: Partial<LoadOptions>
  /** URL of the server under test, which paths are on (`VITEST_PERF_SERVER_URL` wins over it). */
  baseUrl?: string | undefined
  /** How the certificate of the test's server at a URL is checked, if it is one. */
  tlsOf?: (url: string) => TlsOptions | undefined
  /** Makes an absolute URL of the option `url`. Replaces `baseUrl` and the environment. */
  resolveUrl?: (url: string | undefined) => string
  env?: Readonly<Record<string, string | undefined>>
  /** The lifetime of the test. A load that cannot end before it is a mistake. */
  lifetime?: Lifetime
  /** Mistakes found elsewhere, to be reported with those of the options. */
  issues?: readonly OptionIssue[]
}

/** If one of these is a mistake, the length of the load is not known. */
const OF_TIME = /^(options|duration|amount|rate|stages|warmup|connections|VITEST_PERF_LOAD_DURATION)/

/** Merges the call's options over the defaults. Drops a default that an option of the call excludes. */
export function mergeLoadOptions(options: LoadOptions, defaults: Partial<LoadOptions> = {}): LoadOptions {
  const kept: Partial<LoadOptions> = { ...defaults }
  for (const [one, other] of CONTRADICTIONS) {
    if (options[one] !== undefined) delete kept[other]
    if (options[other] !== undefined) delete kept[one]
  }
  if (options.method !== undefined && options.body === undefined) delete kept.body
  if (hasRates(options)) delete kept.pipelining
  if (options.pipelining !== undefined && hasRates(kept)) delete kept.stages
  if (options.amount !== undefined) delete kept.duration
  // Without the scenario its own options have no meaning.
  if (kept.scenario === undefined && options.scenario === undefined)
    for (const name of SCENARIO_OPTIONS) delete kept[name]
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const headers = kept.headers && options.headers ? mergeHeaders(kept.headers, options.headers) : undefined
  return { ...kept, ...given, ...(headers ? { headers } : {}) }
}

/** Takes unchecked options too. */
function hasRates({ stages }: Partial<LoadOptions>): boolean {
  return Array.isArray(stages) && stages.some((stage: Partial<LoadStage> | null) => stage?.rate !== undefined)
}

/** Merges headers by name, in any case; `over` wins. */
function mergeHeaders(base: LoadHeaders = {}, over: LoadHeaders = {}): LoadHeaders {
  const replaced = new Set(Object.keys(over).map((name) => name.toLowerCase()))
  return { ...Object.fromEntries(Object.entries(base).filter(([name]) => !replaced.has(name.toLowerCase()))), ...over }
}

/**
 * Checks and completes load options, in the order call, defaults, `LOAD_DEFAULTS`. `VITEST_PERF_LOAD_DURATION` wins
 * over `duration`, caps an `amount`, and scales `stages` as a whole.
 *
 * @throws {PerfOptionsError} one, with every mistake.
 */
export function resolveLoadOptions(input: LoadOptions, context: ResolveLoadContext = {}): LoadPlan {
  const { defaults, resolveUrl, env = process.env, lifetime } = context
  const fromEnvironment = parseSettings(env)
  const { serverUrl = context.baseUrl, loadDuration } = fromEnvironment.settings
  const base = serverUrl && baseUrlOf(serverUrl)
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    rejectIssues('load options', [...findLoadOptionIssues(input), ...fromEnvironment.issues, ...(context.issues ?? [])])
  }
  const { engine } = fromEnvironment.settings
  const fromCall = mergeLoadOptions(input, defaults)
  const merged = engine === undefined ? fromCall : { ...fromCall, engine: engine as LoadOptions['engine'] & {} }
  const issues = [
    ...findLoadOptionIssues(merged, '', { absoluteUrl: resolveUrl === undefined && base === undefined }),
    ...fromEnvironment.issues,
    ...(context.issues ?? []),
  ]
  if (resolveUrl === undefined && base === undefined && merged.url === undefined) {
    issues.push(issue('url', 'a URL with http:// or https://, such as http://127.0.0.1:3000/orders', merged.url))
  }
  const time = issues.some(({ option }) => OF_TIME.test(option)) ? undefined : planTime(merged, loadDuration)
  if (lifetime && time) issues.push(...findTimeIssues(time, lifetime))
  rejectIssues('load options', issues)
  const text = resolveUrl ? resolveUrl(merged.url) : absoluteUrl(merged.url, base)
  rejectIssues('load options', findUrlIssues('url', text, 'absolute'))
  const parts = {
    time: time as LoadTime,
    inherited: context.tlsOf?.(text),
    longestWait: lifetime ? spareTime(time as LoadTime, lifetime) : Infinity,
  }
  const plan = completePlan(merged, new URL(text), parts)
  rejectIssues('load options', [...findShareIssues(plan), ...findAutocannonIssues(plan), ...findLocustIssues(plan)])
  return plan
}

/** Appends a path to the URL of the server under test, which may have a path of its own. */
function absoluteUrl(url: string | undefined, base: string | undefined): string {
  if (base === undefined || (url !== undefined && !url.startsWith('/'))) return url as string
  return `${base}${url ?? '/'}`
}

interface PlanParts {
  readonly time: LoadTime
  readonly inherited: TlsOptions | undefined
  readonly longestWait: number
}

function completePlan(options: LoadOptions, localUrl: URL, parts: PlanParts): LoadPlan {
  const { time, inherited, longestWait } = parts
  const url = urlOnTarget(localUrl, options.engine)
  return {
    ...(options.title === undefined ? {} : { title: options.title }),
    url: withoutSecrets(url),
    requests: options.scenario === undefined ? planRequests(options, url) : [],
    order: options.order ?? LOAD_DEFAULTS.order,
    protocol: options.protocol ?? LOAD_DEFAULTS.protocol,
    ...time,
    pipelining: options.pipelining ?? LOAD_DEFAULTS.pipelining,
    timeout: milliseconds(options.timeout ?? LOAD_DEFAULTS.timeout),
    thresholds: parseThresholds(options.thresholds ?? {}).conditions,
    abortOnFail: options.abortOnFail ?? false,
    progressInterval: planInterval(options, time),
    tls: url.protocol === 'https:' ? tlsFor(url.hostname, { ...inherited, ...options.tls }) : (options.tls ?? {}),
    processes: options.processes ?? LOAD_DEFAULTS.processes,
    engine: planEngine(options.engine, { localUrl: withoutSecrets(localUrl), longestWait }),
    ...(options.scenario === undefined ? {} : { scenario: planScenario(options, url, time) }),
  }
}

/** Plans a scenario without its module, which is bundled only if all options are valid. */
function planScenario(options: LoadOptions, url: URL, time: LoadTime): PlannedScenario {
  const { scenario = '', mix = {}, data, seed = LOAD_DEFAULTS.seed, expectStatus } = options
  return {
    name: String(scenario),
    file: '',
    root: '',
    code: '',
    mix: Object.entries(mix),
    data,
    seed,
    headers: mergeHeaders(authorization(url), options.headers),
    ...(expectStatus === undefined ? {} : { expectStatus: statusRange(expectStatus) }),
    virtualUsers: planVirtualUsers(options, time),
    share: { first: 0, step: 1 },
  }
}

/** The header for name and password of a URL. */
function authorization({ username, password }: URL): { authorization?: string } {
  if (username === '') return {}
  const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(secret).toString('base64')}` }
}

/** Returns the milliseconds of a row. Short loads get short rows: a plot needs about twenty. */
function planInterval({ progressInterval }: LoadOptions, { duration = Infinity }: LoadTime): number {
  const { longest, shortest, rows } = LOAD_DEFAULTS.progressInterval
  return progressInterval === undefined
    ? Math.max(shortest, Math.min(longest, duration / rows))
    : milliseconds(progressInterval)
}

function withoutSecrets(url: URL): string {
  const shown = new URL(url)
  shown.username = ''
  shown.password = ''
  shown.hash = ''
  return shown.href
}

function planRequests(options: LoadOptions, url: URL): PlannedRequest[] {
  const own = { path: `${url.pathname}${url.search}` }
  return (options.requests ?? [{}]).map((request) => {
    const method = (request.method ?? options.method ?? LOAD_DEFAULTS.method).toUpperCase()
    const { bytes, json } = encodeBody(request.body ?? options.body)
    const expectStatus = request.expectStatus ?? options.expectStatus
    return {
      name: nameOfRequest(request, options),
      method,
      path: encodePath(request.path ?? own.path),
      headers: planHeaders(url, mergeHeaders(options.headers, request.headers), json),
      ...(bytes ? { body: bytes } : {}),
      ...(expectStatus === undefined ? {} : { expectStatus: statusRange(expectStatus) }),
      ...planAnswerCheck(request.check),
    }
  })
}

function planAnswerCheck(check: AnswerCheck | undefined): Pick<PlannedRequest, 'check' | 'needsHeaders' | 'needsBody'> {
  if (check === undefined) return {}
  return { check: planCheck(check), needsHeaders: true, ...(check.body === undefined ? {} : { needsBody: true }) }
}

/** Percent-encodes characters that a request line cannot hold, and drops the fragment. Keeps all else, also `%2e` and `..`. */
function encodePath(path: string): string {
  return (path.split('#', 1)[0] as string).replace(/[^!-~]+|["<>`{}|\\^]+/g, encodeURIComponent)
}

function encodeBody(body: LoadBody | undefined): { bytes?: Uint8Array; json: boolean } {
  if (body === undefined) return { json: false }
  if (typeof body === 'string') return { bytes: Buffer.from(body), json: false }
  if (isBytes(body)) return { bytes: body, json: false }
  return { bytes: Buffer.from(JSON.stringify(body)), json: true }
}

function planHeaders(url: URL, headers: LoadHeaders, json: boolean): [string, string][] {
  const planned: [string, string][] = []
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  if (!names.has('host')) planned.push(['Host', url.host])
  if (!names.has('connection')) planned.push(['Connection', 'keep-alive'])
  if (json && !names.has('content-type')) planned.push(['Content-Type', 'application/json'])
  const { authorization: ownAuthorization } = authorization(url)
  if (ownAuthorization !== undefined && !names.has('authorization')) planned.push(['Authorization', ownAuthorization])
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [String(value)]) planned.push([name, one])
  }
  return planned
}
