import { URL } from 'node:url'
import { swallow } from '../lifecycle/debug.ts'
import { PerfAbortError, PortInUseError, ServerStartError } from '../errors.ts'
import { abortReason, raceSignal } from '../lifecycle/abort.ts'
import { timeLeft, type Lifetime } from '../lifecycle/attempt.ts'
import { isTreeAlive } from '../lifecycle/process-tree.ts'
import type { MemorySnapshot } from '../results/memory-result.ts'
import { connectionFaultOf, type HealthLook } from './health.ts'
import type { Instrument, PerfServer, ServerEvent } from './perf-server.ts'
import { findFreePort, isPortFree, portInUse } from './port.ts'
import {
  hostFor,
  isRefusal,
  listenersElsewhere,
  lookAtServer,
  urlOf,
  waitUntilReady,
  type Readiness,
  type Target,
} from './readiness.ts'
import { failureEvent, startError } from './start-error.ts'
import type { StartMemory } from './start-memory.ts'
import { waitForResources } from './resource-wait.ts'
import { resolveServerOptions, type ResolvedServerOptions, type ServerOptions } from './server-options.ts'
import { ServerProcess } from './server-process.ts'
import { folderOf, nameOfSource, planSpawn } from './spawn-plan.ts'
import { StartedServer, type ServerAddress } from './started-server.ts'
import { bareHost, dialHost, hostInUrl } from '../server-url.ts'
import { readClock, setTimeout } from '../lifecycle/real-timers.ts'

export type { Instrument, PerfServer, ServerEvent } from './perf-server.ts'

/** What a server is started in: all of it optional, so that `startServer` works outside a test too. */
export interface ServerContext {
  /** The server does not outlive it; an abort during the start rejects with a `PerfAbortError`. */
  readonly lifetime?: Lifetime | undefined
  /** Is told what happens to the server. */
  readonly observe?: ((event: ServerEvent) => void) | undefined
  /** Makes the memory probe that is loaded into the server's process. */
  readonly instrument?: (() => Promise<Instrument>) | undefined
  /** Reads the memory of the server. */
  readonly snapshot?: ((server: PerfServer) => Promise<MemorySnapshot>) | undefined
  /** Remembers starts that cannot succeed, so that the next test does not wait for them again. */
  readonly memory?: Pick<StartMemory, 'recall' | 'note'> | undefined
  /** What `cwd` and `module` are relative to. Default: the working directory. */
  readonly baseDirectory?: string | undefined
}

/** How often a server gets another port, because another program took the last one. */
const PORT_ATTEMPTS = 5
/** Milliseconds kept free before the test's timeout, so that the error says what the server did, and not only that time ran out. */
const DEADLINE_MARGIN = 750
/** Milliseconds that a server which failed to start has to end after the signal. */
const FAILED_GRACE = 500

/** One start with all that belongs to it. */
interface Launch {
  readonly options: ResolvedServerOptions
  readonly context: ServerContext
  readonly cwd: string
  readonly signal: AbortSignal
  /** It ran before: this is a restart. */
  readonly again?: boolean
}

interface Launched {
  readonly process: ServerProcess
  readonly address: ServerAddress
}

const NEVER = new AbortController().signal

/**
 * Starts a server and waits until it is healthy. It never outlives `context.lifetime`, this worker or Vitest's main
 * process.
 *
 * @throws {PerfOptionsError} for mistakes in the options, before anything is started.
 * @throws {PortInUseError} for a fixed port that somebody listens on.
 * @throws {ServerStartError} when it cannot be spawned, exits or is not healthy in time.
 * @throws {PerfAbortError} when the lifetime ends first.
 */
export async function startServer(input: ServerOptions, context: ServerContext = {}): Promise<PerfServer> {
  const options = resolveServerOptions(input)
  const signal = context.lifetime?.signal ?? NEVER
  try {
    signal.throwIfAborted()
    context.memory?.recall(input)
    return options.source.kind === 'url'
      ? await useRunning(options, options.source.url, context, signal)
      : await launchServer(options, context, signal)
  } catch (error) {
    if (!signal.aborted || error instanceof PerfAbortError) {
      context.memory?.note(input, error)
      context.observe?.(failureEvent(options, error))
      throw error
    }
    const message = `The start of the server (${nameOfSource(options.source)}) was aborted: ${abortReason(signal).message}`
    throw new PerfAbortError(message, { cause: signal.reason, partial: undefined })
  }
}

/** What is left of the health timeout and of the test's own, whichever is less. */
function timeToBeReady({ options, context }: Pick<Launch, 'options' | 'context'>): {
  timeout: number
  ofTest: boolean
} {
  const left = context.lifetime ? timeLeft(context.lifetime) - DEADLINE_MARGIN : Infinity
  const ofTest = left < options.health.timeout
  return { timeout: Math.max(1, ofTest ? left : options.health.timeout), ofTest }
}

async function useRunning(
  options: ResolvedServerOptions,
  url: string,
  context: ServerContext,
  signal: AbortSignal,
): Promise<PerfServer> {
  const given = new URL(url)
  const protocol = given.protocol === 'https:' ? 'https' : 'http'
  const port = given.port ? Number(given.port) : protocol === 'https' ? 443 : 80
  const target: Target = { protocol, host: bareHost(given.hostname), port }
  const { check } = options.health
  let shown = url
  if (check.kind !== 'none') {
    const { timeout } = timeToBeReady({ options, context })
    const look = await lookAtServer({ check, target, tls: options.tls, base: url }, timeout, signal)
    signal.throwIfAborted()
    if (!look.result.healthy) throw notHealthy(url, look)
    const host = await hostFor(protocol, target.host, look.address)
    // Only the host: what the user wrote of a path stays.
    if (host !== target.host) shown = url.replace(given.hostname, hostInUrl(host))
  }
  const observe = context.observe ?? (() => {})
  observe({ event: 'ready', source: url, url: shown })
  return new StartedServer({
    options,
    address: { ...target, url: shown },
    cwd: '',
    process: undefined,
    instrument: undefined,
    lifetime: signal,
    observe,
    snapshot: context.snapshot,
    startAgain: () => Promise.reject(new Error('unreachable: a running server is not restarted')),
  })
}

function notHealthy(url: string, { result, outcome, attempt, speaks }: HealthLook): ServerStartError {
  const advice =
    speaks === 'https'
      ? `Write ${url.replace(/^http:/i, 'https:')}.`
      : connectionFaultOf(outcome) === 'plain HTTP'
        ? `Write ${url.replace(/^https:/i, 'http:')}.`
        : 'Start it first, or set `health` to what it answers.'
  const body = attempt.body === undefined ? '' : `\n  its body: ${JSON.stringify(attempt.body)}`
  const message = `The running server ${url} is not healthy. ${advice}\n  last health check: ${result.message}${body}`
  return new ServerStartError(message, { server: { url, output: '', lastAttempt: attempt } })
}

async function launchServer(
  options: ResolvedServerOptions,
  context: ServerContext,
  signal: AbortSignal,
): Promise<PerfServer> {
  const launch: Launch = { options, context, signal, cwd: folderOf(options, context.baseDirectory ?? process.cwd()) }
  await assertFixedPortFree(options)
  await waitForResources(options.waitOn, { ...timeToBeReady(launch), signal, cwd: launch.cwd })
  const instrument = context.instrument && (await makeInstrument(context.instrument(), signal))
  try {
    const { process, address } = await launchOnSomePort(launch, instrument)
    return new StartedServer({
      options,
      address,
      cwd: launch.cwd,
      process,
      instrument,
      lifetime: signal,
      observe: context.observe ?? (() => {}),
      snapshot: context.snapshot,
      startAgain: async (same, until) => {
        if (!(await waitForPort(options.host, address.port))) throw portInUse(options.host, address.port)
        const { process } = await launchOnPort({ ...launch, signal: until, again: true }, address, same)
        return process
      },
    })
  } catch (error) {
    await instrument?.close().catch(swallow('probe channel'))
    throw error
  }
}

/** The instrument; one that comes after the abort is closed at once. */
async function makeInstrument(making: Promise<Instrument>, signal: AbortSignal): Promise<Instrument> {
  try {
    return await raceSignal(making, signal)
  } catch (error) {
    making.then((late) => late.close()).catch(swallow('probe channel'))
    throw error
  }
}

async function assertFixedPortFree({ port, host }: ResolvedServerOptions): Promise<void> {
  if (port !== undefined && (await isPortFree(host, port)) === false) throw portInUse(host, port)
}

/** A port that was ours a moment ago may be held for an instant by what is being torn down. */
async function waitForPort(host: string, port: number): Promise<boolean> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if ((await isPortFree(host, port)) !== false) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

function targetOf({ host, protocol = 'http' }: ResolvedServerOptions, port: number): Target {
  return { protocol, host: dialHost(host), port }
}

/** Launches on the fixed port; else on a free one, and on another if a program took that first. */
async function launchOnSomePort(launch: Launch, instrument: Instrument | undefined): Promise<Launched> {
  const { port: fixed } = launch.options
  for (let attempt = 1; ; attempt += 1) {
    const target = targetOf(launch.options, fixed ?? (await findFreePort()))
    try {
      return await launchOnPort(launch, target, instrument)
    } catch (error) {
      const again = fixed === undefined && attempt < PORT_ATTEMPTS && error instanceof PortInUseError
      if (!again || launch.signal.aborted) throw error
    }
  }
}

async function launchOnPort(launch: Launch, wanted: Target, instrument: Instrument | undefined): Promise<Launched> {
  const { options, signal, cwd, context } = launch
  const limit = timeToBeReady(launch)
  signal.throwIfAborted()
  const process = new ServerProcess(planSpawn(options, wanted.port, cwd, instrument))
  const readiness = await waitUntilReady(process, {
    check: options.health.check,
    interval: options.health.interval,
    target: wanted,
    tls: options.tls,
    mayBeHttps: options.source.kind === 'module' && options.protocol === undefined,
    signal,
    timeout: limit.timeout,
    isPatient: options.health.isTimeoutChosen,
  })
  if (readiness.kind === 'ready') {
    const { target } = readiness
    const address: ServerAddress = { ...target, url: urlOf(target) }
    const readyAfter = readClock() - process.spawnedAt
    const pid = process.pid === undefined ? {} : { pid: process.pid }
    context.observe?.({ event: 'ready', source: nameOfSource(options.source), url: address.url, readyAfter, ...pid })
    return { process, address }
  }
  const seen = {
    output: process.output.tail,
    // Asked now: its processes are about to end.
    elsewhere: mayBeElsewhere(readiness) ? listenersElsewhere(process, wanted) : [],
    isInBackground: readiness.kind === 'exited' && isTreeAlive(process.tree),
  }
  const grace =
    readiness.kind === 'aborted' ? options.shutdown.timeout : Math.min(FAILED_GRACE, options.shutdown.timeout)
  await process.end({ signal: options.shutdown.signal, timeout: grace })
  signal.throwIfAborted()
  const url = urlOf(wanted)
  throw startError({
    options,
    cwd,
    url,
    port: wanted.port,
    process,
    readiness,
    again: launch.again,
    limit,
    ...seen,
    testTimeout: context.lifetime?.timeout,
  })
}

function mayBeElsewhere(readiness: Readiness): boolean {
  if (readiness.kind === 'elsewhere') return true
  // A line that never came may be printed by a server on another port, too.
  const { look } = readiness.kind === 'timeout' ? readiness : {}
  return (
    look !== undefined && (isRefusal(look) || (look.outcome.kind === 'failure' && look.outcome.code === 'NO_MATCH'))
  )
}
