import { onAbort, sleep, withDeadline } from '../lifecycle/abort.ts'
import { checkHttp, checkTcp, healthUrl, type HealthCheckResult } from './health.ts'
import { findOwnership, type PortOwner } from './listeners.ts'
import type { Exit, ServerProcess } from './server-process.ts'
import type { HealthCheck } from './server-options.ts'
import { readClock } from '../lifecycle/real-timers.ts'

export interface ReadinessPlan {
  readonly check: HealthCheck
  readonly url: string
  readonly host: string
  readonly port: number
  readonly interval: number
  /** Milliseconds from now. */
  readonly timeout: number
  readonly signal: AbortSignal
}

/** How the wait for a server ended. */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'exited'; readonly exit: Exit; readonly lastProbe: string | undefined }
  | { readonly kind: 'timeout'; readonly lastProbe: string | undefined }
  | { readonly kind: 'foreign'; readonly owner: PortOwner }
  | { readonly kind: 'port-taken' }
  | { readonly kind: 'aborted' }

/** The first probe's limit; each next one that is cut off has twice as long, so that a slow server is not asked for ever. */
const FIRST_PROBE_TIMEOUT = 1_000

const MEANINGFUL_PROBE = 100
const MIN_PAUSE = 2

/** A port that refuses (or a log that says nothing yet) within so many milliseconds asks nothing of the server… */
const SHUT_DOOR = 10
/** …and is tried again this soon; `interval` is for a server that answers. */
const KNOCK_INTERVAL = 15

/** How long a server that cannot have its port may take to exit. */
const EXIT_NOTICE = 150

/** Whether the server says that somebody else has the port. A message that names ports must name this one. */
export function saysPortTaken(output: string, port: number, { named = false } = {}): boolean {
  return output
    .split('\n')
    .filter((line) => /EADDRINUSE|address (is )?already in use/i.test(line))
    .some((line) => {
      const ports = (line.match(/(?<=:)\d+\b|\b\d{4,5}\b/g) ?? []).map(Number)
      return ports.length > 0 ? ports.includes(port) : !named
    })
}

/** One look at a server, as its `health` options want it. */
export function probeServer(
  { check, url, host, port }: Pick<ReadinessPlan, 'check' | 'url' | 'host' | 'port'>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<HealthCheckResult> {
  return check.kind === 'http'
    ? checkHttp(healthUrl(url, check.path), check.status, { timeout, signal })
    : checkTcp(host, port, { timeout, signal })
}

function matchesOutput(pattern: RegExp, server: ServerProcess): HealthCheckResult {
  const healthy = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(server.output.text)
  const message = `the output ${healthy ? 'matched' : 'has not matched'} ${String(pattern)}`
  return { healthy, message, url: '' }
}

/** A signal that also follows the child's end, so that no probe outlives it. */
function whileRunning(server: ServerProcess, signal: AbortSignal) {
  const controller = new AbortController()
  const abort = () => controller.abort()
  void server.exited.then(abort)
  if (signal.aborted) abort()
  return { signal: controller.signal, release: onAbort(signal, abort) }
}

/**
 * Waits until a server is ready: one probe at a time, each bounded, all of them cut off by the child's end, the deadline
 * and the signal. A healthy answer counts only when it came from the server's own process tree.
 */
export async function waitUntilReady(server: ServerProcess, plan: ReadinessPlan): Promise<Readiness> {
  const running = whileRunning(server, plan.signal)
  try {
    return await probeUntilReady(server, plan, running.signal)
  } finally {
    running.release()
  }
}

async function probeUntilReady(server: ServerProcess, plan: ReadinessPlan, running: AbortSignal): Promise<Readiness> {
  const { check, interval, signal } = plan
  const end = readClock() + plan.timeout
  let lastProbe: string | undefined
  let limit = FIRST_PROBE_TIMEOUT
  let seen = 0
  // Spawning fails in the next tick at the earliest: without a health check this is all there is to see.
  await sleep(0)
  for (;;) {
    if (server.exit) return { kind: 'exited', exit: server.exit, lastProbe }
    if (signal.aborted) return { kind: 'aborted' }
    if (check.kind === 'none') return { kind: 'ready' }
    const left = end - readClock()
    if (left <= 0) return { kind: 'timeout', lastProbe }
    const started = readClock()
    const found = await lookAt(server, plan, Math.min(limit, left), running)
    const took = readClock() - started
    if (found.healthy) return judgeAnswer(server, plan, lastProbe)
    // One that had next to no time before the deadline says less than the one before.
    if (!running.aborted && !(left < MEANINGFUL_PROBE && lastProbe)) lastProbe = found.message
    if (took >= limit) limit *= 2
    const { size } = server.output
    if (size !== seen && saysPortTaken(server.output.tail, plan.port, { named: true })) {
      return (await exitsNow(server)) ?? { kind: 'port-taken' }
    }
    seen = size
    // From start to start: a slow refusal does not slow the rhythm.
    const shut = found.latency === undefined && took < SHUT_DOOR
    const pause = Math.max((shut ? Math.min(interval, KNOCK_INTERVAL) : interval) - took, MIN_PAUSE)
    await sleep(Math.min(pause, Math.max(0, end - readClock())), running)
  }
}

function lookAt(server: ServerProcess, plan: ReadinessPlan, timeout: number, signal: AbortSignal) {
  return plan.check.kind === 'log'
    ? Promise.resolve(matchesOutput(plan.check.pattern, server))
    : probeServer(plan, timeout, signal)
}

/** A healthy answer counts only when it came from the server that was started, and that is still there. */
async function judgeAnswer(
  server: ServerProcess,
  { host, port }: ReadinessPlan,
  lastProbe: string | undefined,
): Promise<Readiness> {
  const ownership = findOwnership(host, port, server.tree)
  if (ownership.kind === 'foreign') {
    return (await exitsNow(server)) ?? { kind: 'foreign', owner: ownership.owner }
  }
  return server.exit ? { kind: 'exited', exit: server.exit, lastProbe } : { kind: 'ready' }
}

/** A server whose port is taken mostly exits, and its exit code says more. */
async function exitsNow(server: ServerProcess): Promise<Readiness | undefined> {
  const exit = await withDeadline(server.exited, EXIT_NOTICE)
  return exit === 'timeout' ? undefined : { kind: 'exited', exit, lastProbe: undefined }
}
