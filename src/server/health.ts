import * as v from 'valibot'
import { onAbort } from '../lifecycle/abort.ts'
import { rejectIssues } from '../option-issues.ts'
import { abortSignal, findOptionIssues, timerDuration } from '../options.ts'
import { formatDuration, milliseconds, type Duration } from '../units.ts'
import { addressesOf, probeHttp, probeTcp, type ProbeOptions, type ProbeOutcome } from './health-probe.ts'
import { healthPath, healthStatus } from './server-option-issues.ts'
import { resolveStatus, SERVER_DEFAULTS, type HealthStatus } from './server-options.ts'
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

/** One sentence on a probe. `range` is absent for a probe of the port alone. */
function describeOutcome(what: string, outcome: ProbeOutcome, timeout: number, range?: readonly [number, number]) {
  switch (outcome.kind) {
    case 'open':
      return `${what} accepted a connection in ${formatDuration(outcome.latency)}`
    case 'answer': {
      const expected = range?.[0] === range?.[1] ? `${range?.[0]}` : `${range?.[0]} to ${range?.[1]}`
      const answer = `${what} answered ${outcome.status} in ${formatDuration(outcome.latency)}`
      return isHealthy(outcome, range) ? answer : `${answer}, expected ${expected}`
    }
    case 'timeout':
      return `${what} did not answer within ${formatDuration(timeout)}`
    case 'aborted':
      return `${what} was aborted before it was answered`
    case 'failure':
      return `${what} ${FAILURES[outcome.code] ?? `failed: ${outcome.message}`} (${outcome.code})`
  }
}

function isHealthy(outcome: ProbeOutcome, range: readonly [number, number] | undefined): boolean {
  if (outcome.kind === 'open') return true
  if (outcome.kind !== 'answer') return false
  return range === undefined || (outcome.status >= range[0] && outcome.status <= range[1])
}

const USEFULNESS = ['answer', 'timeout', 'aborted', 'failure']

/** Asks all addresses at once; the first healthy answer wins and aborts the others. */
async function probeAll(
  addresses: readonly (string | undefined)[],
  probe: (address: string | undefined, signal: AbortSignal) => Promise<ProbeOutcome>,
  healthy: (outcome: ProbeOutcome) => boolean,
  signal: AbortSignal | undefined,
): Promise<ProbeOutcome> {
  const losers = new AbortController()
  if (signal?.aborted) return { kind: 'aborted' }
  const unlisten = signal && onAbort(signal, () => losers.abort())
  const outcomes = await Promise.all(
    addresses.map(async (address) => {
      const outcome = await probe(address, losers.signal)
      if (healthy(outcome)) losers.abort()
      return outcome
    }),
  )
  unlisten?.()
  const best = outcomes.find(healthy) ?? outcomes.toSorted((a, b) => rank(a) - rank(b))[0]
  return best ?? { kind: 'aborted' }
}

function rank(outcome: ProbeOutcome): number {
  return USEFULNESS.indexOf(outcome.kind)
}

/** One health check by GET, with everything resolved. */
export async function checkHttp(
  target: URL,
  status: readonly [number, number],
  options: ProbeOptions,
): Promise<HealthCheckResult> {
  const healthy = (outcome: ProbeOutcome) => isHealthy(outcome, status)
  const { timeout, signal } = options
  const probe = (address: string | undefined, own: AbortSignal) => probeHttp(target, address, { timeout, signal: own })
  const outcome = await probeAll(addressesOf(target.hostname), probe, healthy, signal)
  return {
    healthy: healthy(outcome),
    message: describeOutcome(`GET ${target.href}`, outcome, timeout, status),
    url: target.href,
    ...(outcome.kind === 'answer' && { latency: outcome.latency, status: outcome.status }),
  }
}

/** One check that a port accepts connections. */
export async function checkTcp(host: string, port: number, options: ProbeOptions): Promise<HealthCheckResult> {
  const healthy = (outcome: ProbeOutcome) => isHealthy(outcome, undefined)
  const probe = (address: string | undefined, own: AbortSignal) =>
    probeTcp(address ?? host, port, { timeout: options.timeout, signal: own })
  const outcome = await probeAll(addressesOf(host), probe, healthy, options.signal)
  const url = `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`
  return {
    healthy: healthy(outcome),
    message: describeOutcome(`connecting to ${url}`, outcome, options.timeout),
    url,
    ...(outcome.kind === 'open' && { latency: outcome.latency }),
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
 */
export async function checkServerHealth(
  url?: string,
  options: HealthCheckOptions | AbortSignal = {},
): Promise<HealthCheckResult> {
  const given: HealthCheckOptions = isSignal(options) ? { signal: options } : options
  rejectIssues('health check options', findOptionIssues(schema, given))
  const target = healthUrl(resolveServerUrl(url), given.path ?? SERVER_DEFAULTS.path)
  const timeout = milliseconds(given.timeout ?? CHECK_TIMEOUT)
  return checkHttp(target, resolveStatus(given.status), { timeout, signal: given.signal })
}
