import { swallow } from '../lifecycle/debug.ts'
import { PerfAbortError, PortInUseError, ServerStartError } from '../errors.ts'
import { abortReason, raceSignal } from '../lifecycle/abort.ts'
import { timeLeft, type Lifetime } from '../lifecycle/attempt.ts'
import type { MemorySnapshot } from '../results/memory-result.ts'
import { formatDuration } from '../units.ts'
import { adviseOnExit, afterLifetime, describeExit, formatFailure } from './failure-report.ts'
import type { Instrument, PerfServer, ServerEvent } from './perf-server.ts'
import { findFreePort, isPortFree, portInUse } from './port.ts'
import { probeServer, saysPortTaken, waitUntilReady, type Readiness } from './readiness.ts'
import { waitForResources } from './resource-wait.ts'
import { resolveServerOptions, type ResolvedServerOptions, type ServerOptions } from './server-options.ts'
import { ServerProcess } from './server-process.ts'
import { folderOf, nameOfSource, planSpawn } from './spawn-plan.ts'
import { StartedServer, type ServerAddress } from './started-server.ts'
import { dialHost, hostInUrl } from '../server-url.ts'
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
  /** What `cwd` and `module` are relative to. Default: the working directory. */
  readonly baseDirectory?: string | undefined
}

/** How often a server gets another port because somebody was faster. */
const PORT_ATTEMPTS = 5
/** Kept free before a test's timeout, so that the error tells the server's story and not only that time ran out. */
const DEADLINE_MARGIN = 750
/** A server that failed to start gets this long to end by itself. */
const FAILED_GRACE = 500

/** One start with all that belongs to it. */
interface Launch {
  readonly options: ResolvedServerOptions
  readonly context: ServerContext
  readonly cwd: string
  readonly signal: AbortSignal
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
    return options.source.kind === 'url'
      ? await useRunning(options, options.source.url, context, signal)
      : await launchServer(options, context, signal)
  } catch (error) {
    if (!signal.aborted || error instanceof PerfAbortError) {
      reportFailure(options, context, error)
      throw error
    }
    const message = `The start of the server (${nameOfSource(options.source)}) was aborted: ${abortReason(signal).message}`
    throw new PerfAbortError(message, { cause: signal.reason, partial: undefined })
  }
}

function reportFailure(options: ResolvedServerOptions, { observe }: ServerContext, error: unknown): void {
  const failed = error instanceof ServerStartError ? error.server : undefined
  observe?.({
    event: 'failed',
    source: nameOfSource(options.source),
    error: error instanceof Error ? error.message : String(error),
    ...(failed && { output: failed.output, exitCode: failed.exitCode ?? null, exitSignal: failed.exitSignal ?? null }),
    ...(failed?.url !== undefined && { url: failed.url }),
    ...(failed?.pid !== undefined && { pid: failed.pid }),
  })
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
  const { protocol, port, hostname } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const address = { url, host, port: port ? Number(port) : protocol === 'https:' ? 443 : 80 }
  const { check } = options.health
  if (check.kind !== 'none') {
    const health = await probeServer({ check, ...address }, timeToBeReady({ options, context }).timeout, signal)
    signal.throwIfAborted()
    if (!health.healthy) {
      const what = `The running server ${url} is not healthy.`
      const advice = 'Start it first, or set `health` to what it answers.'
      const server = { url, output: '' }
      throw new ServerStartError(`${what} ${advice}\n  last probe: ${health.message}`, { server })
    }
  }
  const observe = context.observe ?? (() => {})
  observe({ event: 'ready', source: url, url })
  return new StartedServer({
    options,
    address,
    cwd: '',
    process: undefined,
    instrument: undefined,
    lifetime: signal,
    observe,
    snapshot: context.snapshot,
    startAgain: () => Promise.reject(new Error('unreachable: a running server is not restarted')),
  })
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
        return launchOnPort({ ...launch, signal: until }, address, same)
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

function addressOf(host: string, port: number): ServerAddress {
  const dialled = dialHost(host)
  return { host, port, url: `http://${hostInUrl(dialled)}:${port}` }
}

/** On the fixed port; or on a free one, and on another when somebody else was faster. */
async function launchOnSomePort(launch: Launch, instrument: Instrument | undefined) {
  const { host, port: fixed } = launch.options
  for (let attempt = 1; ; attempt += 1) {
    const address = addressOf(host, fixed ?? (await findFreePort()))
    try {
      return { address, process: await launchOnPort(launch, address, instrument) }
    } catch (error) {
      const again = fixed === undefined && attempt < PORT_ATTEMPTS && error instanceof PortInUseError
      if (!again || launch.signal.aborted) throw error
    }
  }
}

async function launchOnPort(
  launch: Launch,
  address: ServerAddress,
  instrument: Instrument | undefined,
): Promise<ServerProcess> {
  const { options, signal, cwd, context } = launch
  const limit = timeToBeReady(launch)
  signal.throwIfAborted()
  const process = new ServerProcess(planSpawn(options, address.port, cwd, instrument))
  const { check, interval } = options.health
  const dialled = { ...address, host: dialHost(address.host) }
  const readiness = await waitUntilReady(process, { ...dialled, check, interval, signal, timeout: limit.timeout })
  if (readiness.kind === 'ready') {
    const readyAfter = readClock() - process.spawnedAt
    const pid = process.pid === undefined ? {} : { pid: process.pid }
    context.observe?.({ event: 'ready', source: nameOfSource(options.source), url: address.url, readyAfter, ...pid })
    return process
  }
  const output = process.output.tail
  const grace =
    readiness.kind === 'aborted' ? options.shutdown.timeout : Math.min(FAILED_GRACE, options.shutdown.timeout)
  await process.end({ signal: options.shutdown.signal, timeout: grace })
  signal.throwIfAborted()
  throw startError(launch, address, process, readiness, { output, ...limit })
}

function startError(
  { options, cwd, context }: Launch,
  address: ServerAddress,
  process: ServerProcess,
  readiness: Exclude<Readiness, { kind: 'ready' }>,
  { output, timeout, ofTest }: { output: string; timeout: number; ofTest: boolean },
): Error {
  const { port, host, url } = address
  const exit = process.exit
  const server = {
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
  }
  if (readiness.kind === 'foreign') return portInUse(host, port, readiness.owner)
  if (readiness.kind === 'port-taken') return portInUse(host, port)
  if (readiness.kind === 'exited') {
    const { code, signal, lifetime, spawnError } = readiness.exit
    if (saysPortTaken(output, port)) return portInUse(host, port)
    const what = spawnError
      ? `The server could not be started: ${spawnError.message}.`
      : `The server ${describeExit(code, signal)}${afterLifetime(lifetime)}, before it was ready.`
    const advice = spawnError ? undefined : adviseOnExit(code, signal, output)
    const message = formatFailure({ what, advice, server, lastProbe: readiness.lastProbe })
    return new ServerStartError(message, { server, cause: spawnError })
  }
  const lastProbe = readiness.kind === 'timeout' ? readiness.lastProbe : undefined
  const within = ofTest
    ? `${formatDuration(timeout)}, which is all that the test's timeout of ${formatDuration(context.lifetime?.timeout)} leaves`
    : formatDuration(timeout)
  const message = formatFailure({
    what: `The server was not ready within ${within}.`,
    advice: adviseOnProbe(options, lastProbe),
    server,
    lastProbe,
  })
  return new ServerStartError(message, { server, cause: exit?.spawnError })
}

function adviseOnProbe({ health, host }: ResolvedServerOptions, lastProbe: string | undefined): string | undefined {
  if (health.check.kind === 'log')
    return 'Set `health.log` to what it prints when it is ready, or raise `health.timeout`.'
  if (lastProbe?.includes('answered')) return 'Set `health.path` and `health.status` to what a healthy server answers.'
  if (lastProbe?.includes('refused')) {
    return `It has to listen on the port in the variable PORT (or \`{port}\` in the command) of ${host}; or raise \`health.timeout\`.`
  }
  return 'Raise `health.timeout` if it needs longer.'
}
