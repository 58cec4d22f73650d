import { URL } from 'node:url'
import * as v from 'valibot'
import type { HealthAttempt } from '../errors.ts'
import { onAbort } from '../lifecycle/abort.ts'
import { readClock } from '../lifecycle/real-timers.ts'
import { rejectIssues } from '../option-issues.ts'
import { abortSignal, findOptionIssues, timerDuration } from '../options.ts'
import { bareHost, hostInUrl } from '../server-url.ts'
import { tlsFaultOf, type TlsFault, type TlsOptions } from '../tls.ts'
import { formatDuration, milliseconds, type Duration } from '../units.ts'
import { addressesOf, tryHttp, tryTcp, type AttemptOptions, type AttemptOutcome } from './health-attempt.ts'
import { healthPath, healthStatus } from './server-option-issues.ts'
import { resolveStatus, SERVER_DEFAULTS, type HealthStatus } from './server-options.ts'
import { findSpokenProtocol, type SpokenProtocol } from './spoken-protocol.ts'
import { resolveServerUrl } from './url.ts'

/** Options of `checkServerHealth`. */
export interface HealthCheckOptions {
  /** Time for the whole check. Default 5 000 (ms). */
  timeout?: Duration
  /** Path below the URL that is asked with GET. Default `'/health'`. */
  path?: string
  /** Statuses that count as healthy. Default `[200, 399]`. */
  status?: HealthStatus
  /** Ends the check, and really aborts its request. */
  signal?: AbortSignal
}

/** What a health check found. */
export interface HealthCheckResult {
  /** Whether it answered in time with an allowed status. */
  healthy: boolean
  /** One sentence on what was found. */
  message: string
  /** Milliseconds from the request to the answer's status; absent where there was no answer. */
  latency?: number
  /** The answer's HTTP status; absent where there was none. */
  status?: number
  /** What was asked. */
  url: string
}

const CHECK_TIMEOUT = 5_000

const schema = v.strictObject(
  {
    timeout: v.optional(timerDuration),
    path: v.optional(healthPath),
    status: v.optional(healthStatus),
    signal: v.optional(abortSignal),
  },
  'an object with `timeout`, `path`, `status` or `signal`, or an AbortSignal',
)

function isSignal(value: unknown): value is AbortSignal {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value
}

const FAILURES: Record<string, string> = {
  ECONNREFUSED: 'refused the connection: nothing listens there',
  ECONNRESET: 'closed the connection without an answer',
  ENOTFOUND: 'has a host name that does not resolve',
  EAI_AGAIN: 'has a host name that does not resolve',
  EHOSTUNREACH: 'is not reachable',
  ENETUNREACH: 'is not reachable',
}

/** What a port that speaks another protocol than it was asked in has to say. */
const OTHER_PROTOCOL: Record<SpokenProtocol, string> = {
  https: 'met TLS where plain HTTP was asked: does it speak HTTPS?',
  'http/2 over TLS': 'met a server that speaks HTTP/2 only, and health is asked over HTTP/1.1',
  'http/2 without TLS': 'met a server that speaks HTTP/2 only (without TLS), and health is asked over HTTP/1.1',
}

const TLS_FAULTS: Record<TlsFault, (code: string) => string> = {
  'plain HTTP': () => 'met a server that does not speak TLS: is it plain HTTP?',
  'untrusted certificate': (code) =>
    `met a certificate that is not trusted (${code}): give its authority in \`tls.ca\`, or accept any with \`tls: { rejectUnauthorized: false }\``,
  'client certificate': () => 'met a server that wants a certificate of its client, and health is asked without one',
}

const TLS_FAILURE = /^(EPROTO|ERR_SSL_|ERR_TLS_)/

/** One look at a server: the verdict, and what it rests on. */
export interface HealthLook {
  readonly result: HealthCheckResult
  readonly outcome: AttemptOutcome
  readonly attempt: HealthAttempt
  /** What the port speaks, where it did not answer HTTP/1.1 as it was asked. */
  readonly speaks?: SpokenProtocol
  /** The address that answered, where a host has several. */
  readonly address?: string
}

/** The end of a sentence on an attempt. `range` is absent for an attempt on the port alone. */
function describeOutcome(outcome: AttemptOutcome, timeout: number, range?: readonly [number, number]): string {
  switch (outcome.kind) {
    case 'open':
      return `accepted a connection in ${formatDuration(outcome.latency)}`
    case 'answer': {
      const expected = range?.[0] === range?.[1] ? `${range?.[0]}` : `${range?.[0]} to ${range?.[1]}`
      const answer = `answered ${outcome.status} in ${formatDuration(outcome.latency)}`
      return isHealthy(outcome, range) ? answer : `${answer}, expected ${expected}`
    }
    case 'timeout':
      return `did not answer within ${formatDuration(timeout)}`
    case 'aborted':
      return 'was aborted before it was answered'
    case 'failure': {
      const { code, message } = outcome
      if (FAILURES[code]) return `${FAILURES[code]} (${code})`
      const fault = tlsFaultOf(code, message)
      if (fault) return TLS_FAULTS[fault](code)
      if (code.startsWith('HPE_')) return `met a server that does not speak HTTP: ${message} (${code})`
      return `failed: ${message} (${code})`
    }
  }
}

/** What a look found that is not HTTP over the connection that was asked for. */
export function connectionFaultOf(outcome: AttemptOutcome): TlsFault | 'no HTTP' | undefined {
  if (outcome.kind !== 'failure') return undefined
  return outcome.code.startsWith('HPE_') ? 'no HTTP' : tlsFaultOf(outcome.code, outcome.message)
}

function isHealthy(outcome: AttemptOutcome, range: readonly [number, number] | undefined): boolean {
  if (outcome.kind === 'open') return true
  if (outcome.kind !== 'answer') return false
  return range === undefined || (outcome.status >= range[0] && outcome.status <= range[1])
}

const USEFULNESS = ['answer', 'timeout', 'aborted', 'failure']

interface Found {
  readonly outcome: AttemptOutcome
  readonly address: string | undefined
}

/** Asks all addresses at once; the first healthy answer wins and aborts the others. */
async function tryAll(
  addresses: readonly (string | undefined)[],
  attempt: (address: string | undefined, signal: AbortSignal) => Promise<AttemptOutcome>,
  healthy: (outcome: AttemptOutcome) => boolean,
  signal: AbortSignal | undefined,
): Promise<Found> {
  const nothing: Found = { outcome: { kind: 'aborted' }, address: undefined }
  const losers = new AbortController()
  if (signal?.aborted) return nothing
  const unlisten = signal && onAbort(signal, () => losers.abort())
  const found = await Promise.all(
    addresses.map(async (address) => {
      const outcome = await attempt(address, losers.signal)
      if (healthy(outcome)) losers.abort()
      return { outcome, address }
    }),
  )
  unlisten?.()
  const rank = ({ outcome }: Found) => USEFULNESS.indexOf(outcome.kind)
  return found.find(({ outcome }) => healthy(outcome)) ?? found.toSorted((a, b) => rank(a) - rank(b))[0] ?? nothing
}

/** Whether an outcome is what a server of another protocol answers to HTTP/1.1. */
function isStrange(outcome: AttemptOutcome): boolean {
  // Node's HTTP/2 server tells a client without ALPN so, over HTTP/1.1.
  if (outcome.kind === 'answer') return outcome.status === 400 || /\bALPN\b|HTTP\/2/i.test(outcome.body)
  return outcome.kind === 'failure' && (/^(ECONNRESET$|HPE_)/.test(outcome.code) || TLS_FAILURE.test(outcome.code))
}

async function spokenBy(target: URL, { outcome, address }: Found, { timeout, signal }: AttemptOptions) {
  if (!isStrange(outcome) || timeout < 1) return undefined
  const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
  const spoken = await findSpokenProtocol(address ?? bareHost(target.hostname), port, { timeout, signal })
  return spoken === 'https' && target.protocol === 'https:' ? undefined : spoken
}

/** One look by GET, with everything resolved. */
export async function lookByHttp(
  target: URL,
  status: readonly [number, number],
  options: AttemptOptions,
): Promise<HealthLook> {
  const { timeout, signal, tls } = options
  const healthy = (outcome: AttemptOutcome) => isHealthy(outcome, status)
  const attempt = (address: string | undefined, own: AbortSignal) =>
    tryHttp(target, address, { timeout, signal: own, tls })
  const started = readClock()
  const found = await tryAll(addressesOf(target.hostname), attempt, healthy, signal)
  const { outcome, address } = found
  const left = timeout - (readClock() - started)
  const speaks = healthy(outcome) ? undefined : await spokenBy(target, found, { timeout: left, signal })
  const asked = `GET ${target.href}`
  const answered = speaks ? OTHER_PROTOCOL[speaks] : describeOutcome(outcome, timeout, status)
  const answer = outcome.kind === 'answer' && !speaks ? outcome : undefined
  return {
    outcome,
    result: {
      healthy: healthy(outcome),
      message: `${asked} ${answered}`,
      url: target.href,
      ...(answer && { latency: answer.latency, status: answer.status }),
    },
    attempt: {
      asked,
      answered,
      ...(answer && { status: answer.status }),
      ...(answer?.body && !healthy(answer) && { body: answer.body }),
    },
    ...(speaks && { speaks }),
    ...(address !== undefined && { address }),
  }
}

/** One look whether a port accepts connections. */
export async function lookByTcp(host: string, port: number, options: AttemptOptions): Promise<HealthLook> {
  const healthy = (outcome: AttemptOutcome) => isHealthy(outcome, undefined)
  const attempt = (address: string | undefined, own: AbortSignal) =>
    tryTcp(address ?? host, port, { timeout: options.timeout, signal: own })
  const { outcome, address } = await tryAll(addressesOf(host), attempt, healthy, options.signal)
  const url = `tcp://${hostInUrl(host)}:${port}`
  const answered = describeOutcome(outcome, options.timeout)
  return {
    outcome,
    result: {
      healthy: healthy(outcome),
      message: `connecting to ${url} ${answered}`,
      url,
      ...(outcome.kind === 'open' && { latency: outcome.latency }),
    },
    attempt: { asked: `connecting to ${url}`, answered },
    ...(address !== undefined && { address }),
  }
}

/** `path` below `url`. */
export function healthUrl(url: string, path: string): URL {
  return new URL(`${url}${path}`)
}

/**
 * Asks a server once whether it is well: GET, no redirect followed, no proxy, both families for `localhost`, bounded by
 * `timeout`. A server that is not healthy is a result, never an exception; bad options are a `PerfOptionsError`.
 *
 * @param url as `resolveServerUrl` takes it.
 * @param options or an `AbortSignal` alone.
 * @param tls how the certificate of an `https` URL is checked.
 */
export async function checkServerHealth(
  url?: string,
  options: HealthCheckOptions | AbortSignal = {},
  tls?: TlsOptions,
): Promise<HealthCheckResult> {
  const given: HealthCheckOptions = isSignal(options) ? { signal: options } : options
  rejectIssues('health check options', findOptionIssues(schema, given))
  const target = healthUrl(resolveServerUrl(url), given.path ?? SERVER_DEFAULTS.path)
  const timeout = milliseconds(given.timeout ?? CHECK_TIMEOUT)
  const look = await lookByHttp(target, resolveStatus(given.status), { timeout, signal: given.signal, tls })
  return look.result
}
