import { lookup } from 'node:dns/promises'
import { onAbort, sleep, withDeadline } from '../lifecycle/abort.ts'
import { readClock } from '../lifecycle/real-timers.ts'
import { hostInUrl } from '../server-url.ts'
import type { TlsOptions } from '../tls.ts'
import { healthUrl, lookByHttp, lookByTcp, type HealthLook } from './health.ts'
import { addressesOf } from './health-attempt.ts'
import { findListeners, findOwnership, reachedBy, type Listener, type PortOwner } from './listeners.ts'
import { OtherPort, type OtherPortFinding } from './other-port.ts'
import type { LineReader } from './output.ts'
import type { HealthCheck } from './server-options.ts'
import type { Exit, ServerProcess } from './server-process.ts'
import { findSpokenProtocol } from './spoken-protocol.ts'
import { SteadyAnswer } from './steady-answer.ts'

type Protocol = 'http' | 'https'

/** Where a server is reached. */
export interface Target {
  readonly protocol: Protocol
  /** The host as clients dial it. */
  readonly host: string
  readonly port: number
}

export interface ReadinessPlan {
  readonly check: HealthCheck
  readonly target: Target
  readonly tls: TlsOptions
  /** The server may turn out to speak HTTPS. */
  readonly mayBeHttps: boolean
  readonly interval: number
  /** Milliseconds from now. */
  readonly timeout: number
  /** The user chose the timeout: a server that answers on another port may still need the time. */
  readonly isPatient: boolean
  readonly signal: AbortSignal
}

/** How the wait for a server ended. `look` is the last one, if there was any. */
export type Readiness =
  | { readonly kind: 'ready'; readonly target: Target }
  | { readonly kind: 'exited'; readonly exit: Exit; readonly look: HealthLook | undefined }
  | { readonly kind: 'timeout'; readonly look: HealthLook | undefined }
  /** The server that was started gives the same wrong answer, and will not give another. */
  | { readonly kind: 'steady'; readonly look: HealthLook; readonly after: number }
  /** The server that was started is up on another port, and refuses connections where it is expected. */
  | { readonly kind: 'elsewhere'; readonly look: HealthLook; readonly finding: OtherPortFinding }
  | { readonly kind: 'foreign'; readonly owner: PortOwner }
  | { readonly kind: 'port-taken' }
  | { readonly kind: 'aborted' }

/** The first attempt's limit; each next one that is cut off has twice as long, so that a slow server is not asked for ever. */
const FIRST_PROBE_TIMEOUT = 1_000

const MEANINGFUL_PROBE = 100
const MIN_PAUSE = 2

/** A port that refuses (or a log that says nothing yet) within so many milliseconds asks nothing of the server… */
const SHUT_DOOR = 10
/** …and is tried again this soon; `interval` is for a server that answers. */
const KNOCK_INTERVAL = 15

/** How long a server that cannot have its port may take to exit. */
const EXIT_NOTICE = 150

/** How long a server that is ready is looked at for its address, where the check did not tell. */
const LOOK_TIMEOUT = 250
/** …and for its protocol: 500 ms for a handshake on a busy machine. A server without TLS refuses it at once. */
const PROTOCOL_TIMEOUT = 1_500

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

/** The URL of a server, without a slash at its end. */
export function urlOf({ protocol, host, port }: Target): string {
  return `${protocol}://${hostInUrl(host)}:${port}`
}

/** One look at a server, as its `health` options want it. `base` is its URL, where that is more than its address. */
export function lookAtServer(
  { check, target, tls, base = urlOf(target) }: Pick<ReadinessPlan, 'check' | 'target' | 'tls'> & { base?: string },
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<HealthLook> {
  return check.kind === 'http'
    ? lookByHttp(healthUrl(base, check.path), check.status, { timeout, signal, tls })
    : lookByTcp(target.host, target.port, { timeout, signal })
}

/** Whether a line that came in since the last look matches. */
function lookAtOutput(pattern: RegExp, lines: LineReader): HealthLook {
  // Neither flag means anything for the question whether there is a match, and both keep a position from line to line.
  const expression = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  const healthy = lines.next().some((line) => expression.test(line))
  const answered = `${healthy ? 'matched' : 'has not matched'} ${String(pattern)}`
  return {
    result: { healthy, message: `the output ${answered}`, url: '' },
    outcome: { kind: 'failure', code: 'NO_MATCH', message: answered },
    attempt: { asked: 'the output', answered },
  }
}

/** Whether a server does not listen where it was expected. */
export function isRefusal({ outcome }: HealthLook): boolean {
  return outcome.kind === 'failure' && outcome.code === 'ECONNREFUSED'
}

/** Where the processes of a server listen, other than at its target. */
export function listenersElsewhere({ tree }: ServerProcess, { host, port }: Target): Listener[] {
  return findListeners(tree).filter((listener) => reachedBy([listener], host, port).length === 0)
}

/** The address by which a listener is reached. */
function dialled({ address }: Listener): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  return /^[0:]+$/.test(address) ? '::1' : address
}

/** Asks a server that refuses connections where it is expected for its health wherever else it listens. */
async function askElsewhere(
  server: ServerProcess,
  plan: ReadinessPlan,
  { otherPort, running }: { otherPort: OtherPort; running: AbortSignal },
): Promise<OtherPortFinding | undefined> {
  const listeners = listenersElsewhere(server, plan.target)
  const looks = await Promise.all(
    listeners.map((listener) => {
      const target = { ...plan.target, host: dialled(listener), port: listener.port }
      return lookAtServer({ ...plan, target }, LOOK_TIMEOUT, running)
    }),
  )
  return otherPort.settle({ listeners, looks, printed: server.output.size }, readClock())
}

/** A signal that also follows the child's end, so that no attempt outlives it. */
function whileRunning(server: ServerProcess, signal: AbortSignal) {
  const controller = new AbortController()
  const abort = () => controller.abort()
  void server.exited.then(abort)
  if (signal.aborted) abort()
  return { signal: controller.signal, release: onAbort(signal, abort) }
}

/**
 * Waits until a server is ready: one attempt at a time, each bounded, all of them cut off by the child's end, the deadline
 * and the signal. A healthy answer counts only when it came from the server's own process tree.
 */
export async function waitUntilReady(server: ServerProcess, plan: ReadinessPlan): Promise<Readiness> {
  const running = whileRunning(server, plan.signal)
  const lines = server.output.readLines()
  try {
    return await checkUntilReady(server, plan, { running: running.signal, lines })
  } finally {
    running.release()
    server.output.release(lines)
  }
}

async function checkUntilReady(
  server: ServerProcess,
  plan: ReadinessPlan,
  { running, lines }: { running: AbortSignal; lines: LineReader },
): Promise<Readiness> {
  const { check, interval, signal } = plan
  const begin = readClock()
  const end = begin + plan.timeout
  const steady = new SteadyAnswer()
  const otherPort = new OtherPort(begin, plan.isPatient)
  let { target } = plan
  let last: HealthLook | undefined
  let limit = FIRST_PROBE_TIMEOUT
  let seen = 0
  // Spawning fails in the next tick at the earliest: without a health check this is all there is to see.
  await sleep(0)
  for (;;) {
    if (server.exit) return { kind: 'exited', exit: server.exit, look: last }
    if (signal.aborted) return { kind: 'aborted' }
    if (check.kind === 'none') return { kind: 'ready', target }
    const left = end - readClock()
    if (left <= 0) return { kind: 'timeout', look: last }
    const started = readClock()
    const timeout = Math.min(limit, left)
    const look =
      check.kind === 'log'
        ? lookAtOutput(check.pattern, lines)
        : await lookAtServer({ ...plan, target }, timeout, running)
    const took = readClock() - started
    if (look.result.healthy) return judgeAnswer(server, { ...plan, target }, look)
    if (look.speaks === 'https' && plan.mayBeHttps && target.protocol === 'http') {
      target = { ...target, protocol: 'https' }
      continue
    }
    // One that had next to no time before the deadline says less than the one before.
    if (!running.aborted && !(left < MEANINGFUL_PROBE && last)) last = look
    if (took >= limit) limit *= 2
    if (!running.aborted && steady.isSteady(look, readClock())) {
      const ended = await judgeSteady(server, target, look, readClock() - begin)
      if (ended) return ended
    }
    if (isRefusal(look) && otherPort.isDue(readClock())) {
      const finding = await askElsewhere(server, { ...plan, target }, { otherPort, running })
      if (finding && !running.aborted) return { kind: 'elsewhere', look, finding }
    }
    const { size } = server.output
    if (size !== seen && saysPortTaken(server.output.tail, target.port, { named: true })) {
      return (await exitsNow(server)) ?? { kind: 'port-taken' }
    }
    seen = size
    // From start to start: a slow refusal does not slow the rhythm.
    const shut = look.outcome.kind === 'failure' && took < SHUT_DOOR
    const pause = Math.max((shut ? Math.min(interval, KNOCK_INTERVAL) : interval) - took, MIN_PAUSE)
    await sleep(Math.min(pause, Math.max(0, end - readClock())), running)
  }
}

/** A healthy answer counts only when it came from the server that was started, and that is still there. */
async function judgeAnswer(server: ServerProcess, plan: ReadinessPlan, look: HealthLook): Promise<Readiness> {
  const { host, port } = plan.target
  const ownership = findOwnership(host, port, server.tree)
  if (ownership.kind === 'foreign') {
    return (await exitsNow(server)) ?? { kind: 'foreign', owner: ownership.owner }
  }
  const target = await settleTarget(plan, look)
  // A shell that put its server into the background ends about now.
  return (await server.hasExited()) ? { kind: 'exited', exit: server.exit as Exit, look } : { kind: 'ready', target }
}

/** The address that answered in place of a name that stands for several, and the protocol, where the check did not tell. */
async function settleTarget({ check, target, mayBeHttps, signal }: ReadinessPlan, look: HealthLook): Promise<Target> {
  const options = { timeout: LOOK_TIMEOUT, signal }
  const isName = addressesOf(target.host)[0] !== undefined
  const answer = !isName || look.address ? look : await lookByTcp(target.host, target.port, options)
  const address = answer.result.healthy ? answer.address : undefined
  const speaks =
    check.kind === 'http' || !mayBeHttps
      ? undefined
      : await findSpokenProtocol(address ?? target.host, target.port, { timeout: PROTOCOL_TIMEOUT, signal })
  const protocol = speaks === 'https' || speaks === 'http/2 over TLS' ? 'https' : target.protocol
  return { ...target, protocol, host: await hostFor(protocol, target.host, address) }
}

/**
 * The host that stands in a server's URL: the address that answered, since a hosts table may know `localhost` by another
 * family. A certificate is for a name, so a name that does lead there stays.
 */
export async function hostFor(protocol: Protocol, name: string, address: string | undefined): Promise<string> {
  if (address === undefined) return name
  if (protocol === 'http') return address
  const known = await lookup(name, { all: true }).catch(() => [])
  return known.some((entry) => entry.address === address) ? name : address
}

/** An answer that stays the same is final where it is the server's own. */
async function judgeSteady(
  server: ServerProcess,
  { host, port }: Target,
  look: HealthLook,
  after: number,
): Promise<Readiness | undefined> {
  const ownership = findOwnership(host, port, server.tree)
  if (ownership.kind === 'unknown') return undefined
  if (ownership.kind === 'own') return { kind: 'steady', look, after }
  return (await exitsNow(server)) ?? { kind: 'foreign', owner: ownership.owner }
}

/** A server whose port is taken mostly exits, and its exit code says more. */
async function exitsNow(server: ServerProcess): Promise<Readiness | undefined> {
  const exit = await withDeadline(server.exited, EXIT_NOTICE)
  return exit === 'timeout' ? undefined : { kind: 'exited', exit, look: undefined }
}
