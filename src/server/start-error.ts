import { URL } from 'node:url'
import { ServerExitedError, ServerStartError, type ServerFailure } from '../errors.ts'
import { bareHost, hostInUrl } from '../server-url.ts'
import { formatDuration } from '../units.ts'
import { adviseOnExit } from '../results/exit-advice.ts'
import { afterLifetime, describeExit, formatFailure } from './failure-report.ts'
import { faultLine } from '../results/fault-line.ts'
import { connectionFaultOf, type HealthLook } from './health.ts'
import type { Listener } from './listeners.ts'
import type { ServerEvent } from './perf-server.ts'
import { portInUse } from './port.ts'
import { saysPortTaken, type Readiness } from './readiness.ts'
import type { ResolvedServerOptions } from './server-options.ts'
import type { ServerProcess } from './server-process.ts'
import { nameOfSource } from './spawn-plan.ts'
import type { SpokenProtocol } from './spoken-protocol.ts'

/** All that is known of a start that failed. */
export interface FailedStart {
  readonly options: ResolvedServerOptions
  readonly cwd: string
  /** Where it was looked for. */
  readonly url: string
  readonly port: number
  readonly process: ServerProcess
  readonly readiness: Exclude<Readiness, { kind: 'ready' }>
  readonly output: string
  /** Where its processes listen, if not where it was looked for. */
  readonly elsewhere: readonly Listener[]
  /** Processes of it still run, although the one that was started has ended. */
  readonly isInBackground: boolean
  /** It ran before: this was a restart. */
  readonly again: boolean | undefined
  readonly limit: { readonly timeout: number; readonly ofTest: boolean }
  readonly testTimeout: number | undefined
}

/** The error of a start that failed, with the whole story. */
export function startError(failed: FailedStart): Error {
  const { options, port, process, readiness, output, again } = failed
  const subject = again ? 'The restarted server' : 'The server'
  if (readiness.kind === 'foreign') return portInUse(options.host, port, readiness.owner)
  if (readiness.kind === 'port-taken') return portInUse(options.host, port)
  const look = 'look' in readiness ? readiness.look : undefined
  const server = factsOf(failed, look)
  const story = (what: string, advice?: string) => formatFailure({ what: `${subject} ${what}`, advice, server })
  if (readiness.kind === 'exited') {
    const { code, signal, lifetime, spawnError } = readiness.exit
    if (saysPortTaken(output, port)) return portInUse(options.host, port)
    if (spawnError) {
      return new ServerStartError(story(`could not be started: ${spawnError.message}.`), { server, cause: spawnError })
    }
    const what = `${describeExit(code, signal)}${afterLifetime(lifetime)}, before it was ready.`
    const { isInBackground } = failed
    const hadNoInput = options.stdin === 'ignore'
    const advice = adviseOnExit({ code, signal, output, isInBackground, hadNoInput })
    return new ServerStartError(story(what, advice), { server })
  }
  if (readiness.kind === 'steady') {
    const { attempt } = readiness.look
    const answer = attempt.status === undefined ? attempt.answered : `answered ${attempt.status} for 3 s`
    const what = `is up, but ${attempt.asked} ${answer}${answer.endsWith('?') ? '' : '.'}`
    const message = story(what, adviseOnLook(failed, readiness.look))
    return new ServerStartError(message, { server, isFinal: true })
  }
  if (readiness.kind === 'elsewhere') {
    return new ServerStartError(story('is up on another port.', adviseOnLook(failed, look)), { server, isFinal: true })
  }
  const { timeout, ofTest } = failed.limit
  const within = ofTest
    ? `${formatDuration(timeout)}, which is all that the test's timeout of ${formatDuration(failed.testTimeout)} leaves`
    : formatDuration(timeout)
  const message = story(`was not ready within ${within}.`, adviseOnLook(failed, look))
  return new ServerStartError(message, {
    server,
    cause: process.exit?.spawnError,
    isFinal: failed.elsewhere.length > 0,
  })
}

function factsOf({ options, cwd, url, process, readiness, output }: FailedStart, look: HealthLook | undefined) {
  const fault = faultLine(output)
  const server: ServerFailure = {
    command: nameOfSource(options.source),
    cwd,
    url,
    output,
    ...(process.pid !== undefined && { pid: process.pid }),
    ...(readiness.kind === 'exited' && {
      exitCode: readiness.exit.code,
      exitSignal: readiness.exit.signal,
      lifetime: readiness.exit.lifetime,
    }),
    ...(fault !== undefined && readiness.kind === 'exited' && { fault }),
    ...(look && { lastAttempt: look.attempt }),
  }
  return server
}

/** Where a server listens in place of where it was expected, and the ways out. */
function adviseOnPlace({ elsewhere, port, options: { host }, readiness }: FailedStart): string {
  // A URL writes IPv6 as people do: `[::1]`.
  const named = elsewhere.map((listener) => ({
    port: listener.port,
    host: new URL(`http://${hostInUrl(listener.address)}`).hostname,
  }))
  const places = [...new Set(named.map((place) => (place.port === port ? `${place.host}:${port}` : `${place.port}`)))]
  const [first] = named
  const isOne = places.length === 1
  const option =
    first?.port === port && isOne
      ? `\`host: '${bareHost(first.host)}'\``
      : `\`port${isOne ? `: ${first?.port}\`` : '` to its own'}`
  const ways = [
    'have it listen on the port in the variable PORT and the host in HOST (or `{port}` and `{host}` in the command)',
    `set ${option}`,
  ]
  if (readiness.kind === 'elsewhere' && readiness.finding === 'answers') {
    ways.push('set `health.timeout` if it opens that port later')
  }
  const choice = `${ways.slice(0, -1).join(', ')}, or ${ways.at(-1)}`
  return `Its process listens on ${places.join(', ')}, not on ${host}:${port}: ${choice}.`
}

const HTTP2_ONLY = [
  'It speaks HTTP/2 only.',
  'Have it answer HTTP/1.1 too (`allowHTTP1: true`), or set `health: { tcp: true }`.',
] as const

/** What a look at a server found that time does not change, and what to do about it. */
const FAULTS: Record<
  SpokenProtocol | NonNullable<ReturnType<typeof connectionFaultOf>>,
  readonly [finding: string, remedy: string]
> = {
  https: ['Does it speak HTTPS?', "Set `protocol: 'https'`."],
  'http/2 over TLS': HTTP2_ONLY,
  'http/2 without TLS': HTTP2_ONLY,
  'plain HTTP': ['It does not speak TLS.', "Set `protocol: 'http'`, or have it serve HTTPS."],
  'untrusted certificate': [
    'Its certificate is not trusted: give its authority in `tls.ca`, or set `tls: { rejectUnauthorized: false }`.',
    '',
  ],
  'client certificate': ['It wants a certificate of its client.', 'Have it take clients without one in tests.'],
  'no HTTP': [
    'It does not speak HTTP.',
    'Set `health: { tcp: true }`, or `health.log` to what it prints when it is ready.',
  ],
}

/** What gives a start more time: the health check's, or where that has more than the test leaves, the test's. */
function moreTime({ limit }: FailedStart): string {
  return limit.ofTest ? "the test's `timeout`" : '`health.timeout`'
}

function adviseOnLook(failed: FailedStart, look: HealthLook | undefined): string | undefined {
  const { health, host } = failed.options
  const more = moreTime(failed)
  if (failed.elsewhere.length > 0) return adviseOnPlace(failed)
  if (health.check.kind === 'log') {
    return `Set \`health.log\` to what it prints when it is ready, or raise ${more}.`
  }
  const fault = look && (look.speaks ?? connectionFaultOf(look.outcome))
  if (fault) {
    const [finding, remedy] = FAULTS[fault]
    // A steady answer says what was found itself.
    return failed.readiness.kind === 'steady' ? remedy : `${finding} ${remedy}`.trimEnd()
  }
  const outcome = look?.outcome
  if (outcome?.kind === 'answer') {
    if (outcome.status === 503) return `It is up, but not ready. See what it waits for, or raise ${more}.`
    return 'Set `health.path` to a route that exists and `health.status` to what it answers, or `health: { tcp: true }`.'
  }
  if (outcome?.kind === 'failure' && outcome.code === 'ECONNREFUSED') {
    return `It has to listen on the port in the variable PORT (or \`{port}\` in the command) of ${host}; or raise ${more}.`
  }
  return `Raise ${more} if it needs longer.`
}

/** A start (or a restart) that failed, for reports. */
export function failureEvent(options: ResolvedServerOptions, error: unknown): ServerEvent {
  const failed = error instanceof ServerStartError || error instanceof ServerExitedError ? error.server : undefined
  return {
    event: 'failed',
    source: nameOfSource(options.source),
    error: error instanceof Error ? error.message : String(error),
    ...(failed && { output: failed.output, exitCode: failed.exitCode ?? null, exitSignal: failed.exitSignal ?? null }),
    ...(failed?.url !== undefined && { url: failed.url }),
    ...(failed?.pid !== undefined && { pid: failed.pid }),
    ...(failed?.lifetime !== undefined && { lifetime: failed.lifetime }),
    ...(failed?.fault !== undefined && { fault: failed.fault }),
    ...(failed?.lastAttempt && { lastAttempt: failed.lastAttempt }),
  }
}
