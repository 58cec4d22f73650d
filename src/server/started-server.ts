import { MemoryError, ServerExitedError, ServerStartError } from '../errors.ts'
import { onAbort, withDeadline } from '../lifecycle/abort.ts'
import { swallow } from '../lifecycle/debug.ts'
import { isTreeAlive } from '../lifecycle/process-tree.ts'
import type { MemorySnapshot } from '../results/memory-result.ts'
import { dialHost } from '../server-url.ts'
import { tlsFor, type TlsOptions } from '../tls.ts'
import { milliseconds } from '../units.ts'
import { exitErrorOf } from './exit-error.ts'
import { checkServerHealth, type HealthCheckOptions, type HealthCheckResult } from './health.ts'
import { addressesOf, tryTcp } from './health-attempt.ts'
import type { Instrument, PerfServer, ServerEvent, ServerEnd } from './perf-server.ts'
import { lookAtServer, type Target } from './readiness.ts'
import type { ResolvedServerOptions } from './server-options.ts'
import type { Exit, ServerProcess } from './server-process.ts'
import { nameOfSource } from './spawn-plan.ts'
import { failureEvent } from './start-error.ts'

const HEALTH_TIMEOUT = 5_000
const INSTRUMENT_TIMEOUT = 500
/** How long the wrapper of a dead server may take to end. */
const WRAPPER_EXIT = 1_000
const LOOK_TIMEOUT = 250

/** Where a server is reached: its URL, which may have a path of its own, and what it is made of. */
export interface ServerAddress extends Target {
  readonly url: string
}

/** All that a started server is made of. */
export interface ServerParts {
  readonly options: ResolvedServerOptions
  readonly address: ServerAddress
  readonly cwd: string
  /** `undefined` for a server that already ran. */
  readonly process: ServerProcess | undefined
  readonly instrument: Instrument | undefined
  /** The signal of the lifetime that the server must not outlive. */
  readonly lifetime: AbortSignal
  readonly observe: (event: ServerEvent) => void
  readonly snapshot: ((server: PerfServer) => Promise<MemorySnapshot>) | undefined
  /** Starts the server again on its port, until `signal` aborts. */
  readonly startAgain: (instrument: Instrument | undefined, signal: AbortSignal) => Promise<ServerProcess>
}

/** What is needed as long as there is something to end. Vitest keeps a test's fixtures until its file is over, so it is dropped then. */
type Live = Pick<ServerParts, 'instrument' | 'lifetime' | 'observe' | 'snapshot' | 'startAgain'>

/**
 * The life of a server. `up` leads to `restarting` and back; every other state is an end, or leads to one.
 */
type State =
  | { readonly kind: 'up'; readonly live: Live; readonly process: ServerProcess | undefined }
  | {
      readonly kind: 'restarting'
      readonly live: Live
      readonly process: ServerProcess
      /** Resolves when the restart has come to an end, good or bad. */
      readonly settled: Promise<void>
      readonly cancel: AbortController
    }
  | { readonly kind: 'stopping'; readonly process: ServerProcess | undefined; readonly done: Promise<void> }
  | { readonly kind: 'stopped'; readonly last: LastWords }
  | {
      readonly kind: 'died'
      readonly failure: ServerEnd
      readonly last: LastWords
      /** Ends what is left of it, once. */
      readonly bury: () => Promise<void>
    }

interface LastWords {
  readonly pid: number | undefined
  readonly output: string
}

function lastWordsOf(process: ServerProcess | undefined): LastWords {
  return { pid: process?.pid, output: process?.output.tail ?? '' }
}

function isSignal(value: HealthCheckOptions | AbortSignal): value is AbortSignal {
  return 'aborted' in value
}

/** Whether nothing listens. A server that does not answer may be blocked or stopped, but it is there. */
async function isRefused(host: string, port: number): Promise<boolean> {
  const looks = addressesOf(host).map((address) => tryTcp(address ?? host, port, { timeout: LOOK_TIMEOUT }))
  return (await Promise.all(looks)).every((found) => found.kind === 'failure' && found.code === 'ECONNREFUSED')
}

/** The server of a test. It knows whether its end was asked for; any other end is a failure. */
export class StartedServer implements PerfServer {
  readonly #options: ResolvedServerOptions
  readonly #address: ServerAddress
  readonly #cwd: string
  readonly #gone = new AbortController()
  readonly #leaveLifetime: () => void
  #state: State
  #snapshot: Promise<MemorySnapshot> | undefined

  constructor({ options, address, cwd, process, ...live }: ServerParts) {
    this.#options = options
    this.#address = address
    this.#cwd = cwd
    this.#state = { kind: 'up', live, process }
    if (process) this.#follow(process)
    this.#leaveLifetime = onAbort(live.lifetime, () => void this.stop())
  }

  get url(): string {
    return this.#address.url
  }

  get port(): number {
    return this.#address.port
  }

  get host(): string {
    return this.#options.source.kind === 'url' ? this.#address.host : this.#options.host
  }

  get tls(): TlsOptions | undefined {
    return this.#address.protocol === 'https' ? tlsFor(this.#address.host, this.#options.tls) : undefined
  }

  get pid(): number | undefined {
    return 'last' in this.#state ? this.#state.last.pid : this.#state.process?.pid
  }

  get output(): string {
    return 'last' in this.#state ? this.#state.last.output : (this.#state.process?.output.tail ?? '')
  }

  get signal(): AbortSignal {
    return this.#gone.signal
  }

  get failure(): ServerEnd | undefined {
    return this.#state.kind === 'died' ? this.#state.failure : undefined
  }

  /** Resolves when the `restart()` that is under way has ended, well or not; `undefined` where none is. */
  get restarted(): Promise<void> | undefined {
    return this.#state.kind === 'restarting' ? this.#state.settled : undefined
  }

  async health(options: HealthCheckOptions | AbortSignal = {}): Promise<HealthCheckResult> {
    if (this.failure) return { healthy: false, message: this.failure.message, url: this.url }
    const given: HealthCheckOptions = isSignal(options) ? { signal: options } : options
    const { check } = this.#options.health
    const tls = this.#options.tls
    if (check.kind === 'http') {
      return checkServerHealth(this.url, { path: check.path, status: [...check.status], ...given }, tls)
    }
    if (given.path !== undefined || given.status !== undefined) return checkServerHealth(this.url, given, tls)
    const timeout = milliseconds(given.timeout ?? HEALTH_TIMEOUT)
    return (await lookAtServer({ check, target: this.#address, tls }, timeout, given.signal)).result
  }

  memory(): Promise<MemorySnapshot> {
    const state = this.#state
    if (state.kind !== 'up' && state.kind !== 'restarting') return Promise.reject(this.#memoryEnd(state))
    const { snapshot } = state.live
    if (!snapshot) {
      const message = 'The memory of this server cannot be read: it was started without a memory probe.'
      return Promise.reject(new MemoryError(message))
    }
    // One question at a time: a server that stands still must not find a pile of them when it goes on.
    this.#snapshot ??= snapshot(this)
      .catch((error: unknown) => {
        const { kind } = this.#state
        throw kind === 'up' || kind === 'restarting' ? error : this.#memoryEnd(this.#state)
      })
      .finally(() => (this.#snapshot = undefined))
    return this.#snapshot
  }

  /** Why a server that is no more, or soon, says nothing of its memory. */
  #memoryEnd(state: State): Error {
    if (state.kind === 'died') return state.failure
    return new MemoryError(`The memory of ${this.url} cannot be read: the server was stopped.`)
  }

  restart(): Promise<void> {
    const state = this.#state
    if (state.kind === 'died') return Promise.reject(state.failure)
    if (state.kind !== 'up' && state.kind !== 'restarting') {
      return Promise.reject(this.#refusal('A server that was stopped cannot be restarted.'))
    }
    if (!state.process) {
      const message = `The server ${this.url} was not started by this test, so it cannot be restarted.`
      return Promise.reject(this.#refusal(message))
    }
    const { live, process } = state
    const cancel = new AbortController()
    const settled = state.kind === 'restarting' ? state.settled : this.#startAgain(live, process, cancel.signal)
    if (state.kind === 'up') this.#state = { kind: 'restarting', live, process, settled, cancel }
    const restarted = this.#awaitRestart(settled)
    // Its failure fails the test in any case.
    restarted.catch(swallow('restart'))
    return restarted
  }

  stop(): Promise<void> {
    const state = this.#state
    if (state.kind === 'stopped') return Promise.resolve()
    if (state.kind === 'died') return state.bury()
    if (state.kind === 'stopping') return state.done
    const done = state.kind === 'up' ? this.#stop(state) : this.#stopRestart(state)
    // A death that was noticed in the same turn has gone first.
    if (this.#state === state) this.#state = { kind: 'stopping', process: state.process, done }
    return done
  }

  /** Notices an end whose event has not come yet, and sets `failure`. For a server that the next test uses. */
  async notice(): Promise<void> {
    const state = this.#state
    if (state.kind === 'up' && state.process) await this.#noticeDeath(state, state.process)
    if (this.#state.kind === 'died') await this.#state.bury()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #follow(process: ServerProcess): void {
    void process.exited.then((exit) => {
      // Any other state has asked for that end, or finds out by itself.
      const state = this.#state
      if (state.kind === 'up' && state.process === process)
        this.#die(state.live, process, this.#exitError(process, exit))
    })
  }

  /** Ends the process and starts it anew. Whether that went well is seen in the state that it leaves. */
  async #startAgain(live: Live, process: ServerProcess, cancelled: AbortSignal): Promise<void> {
    // If it has died unnoticed there is nothing to restart: the server has failed.
    if (await this.#isDead(process)) {
      this.#die(live, process, this.#exitError(process, await process.exited))
      return
    }
    await process.end(this.#options.shutdown)
    try {
      const again = await live.startAgain(live.instrument, cancelled)
      // A stop that came meanwhile ends this one as well.
      if (this.#state.kind === 'restarting') this.#state = { kind: 'up', live, process: again }
      else await again.end(this.#options.shutdown)
      this.#follow(again)
    } catch (error) {
      if (cancelled.aborted || live.lifetime.aborted) return
      const failure = error as ServerEnd
      live.observe(failureEvent(this.#options, failure))
      this.#die(live, process, failure)
    }
  }

  async #awaitRestart(settled: Promise<void>): Promise<void> {
    await settled
    const { kind } = this.#state
    if (this.#state.kind === 'died') throw this.#state.failure
    if (kind !== 'up') throw this.#refusal('The restart was ended: the server was stopped while it started again.')
  }

  async #stop({ live, process }: Extract<State, { kind: 'up' }>): Promise<void> {
    if (process && (await this.#isDead(process))) {
      const exit = await process.exited
      this.#die(live, process, this.#exitError(process, exit))
    } else await this.#finish(live, process)
    if (this.#state.kind === 'died') await this.#state.bury()
  }

  async #stopRestart({ live, process, settled, cancel }: Extract<State, { kind: 'restarting' }>): Promise<void> {
    cancel.abort(new Error('The server was stopped'))
    await settled
    if (this.#state.kind === 'died') await this.#state.bury()
    else await this.#finish(live, process)
  }

  /** The end that was asked for. */
  async #finish(live: Live, process: ServerProcess | undefined): Promise<void> {
    await this.#release(live, process, new Error('The server was stopped'))
    const last = lastWordsOf(process)
    this.#state = { kind: 'stopped', last }
    const { pid, output } = last
    live.observe({ ...this.#event('stopped'), ...(pid !== undefined && { pid }), ...(process && { output }) })
  }

  /**
   * The end that nobody asked for. A server that its shell has left behind in the background still serves, and is ended with
   * its test alone: Node's `fetch` hangs for ever when its very first connection breaks while it compiles its parser.
   */
  #die(live: Live, process: ServerProcess, failure: ServerEnd): void {
    const last = lastWordsOf(process)
    let burial: Promise<void> | undefined
    const bury = () => (burial ??= this.#release(live, process, failure))
    this.#state = { kind: 'died', failure, last, bury }
    this.#gone.abort(failure)
    if (!isTreeAlive(process.tree)) void bury()
    if (failure instanceof ServerExitedError) {
      const { exitCode = null, exitSignal = null, fault, lifetime } = failure.server
      live.observe({
        ...this.#event('exited'),
        ...(last.pid !== undefined && { pid: last.pid }),
        exitCode,
        exitSignal,
        output: last.output,
        error: failure.message,
        ...(fault !== undefined && { fault }),
        ...(lifetime !== undefined && { lifetime }),
      })
    }
  }

  /** Gives everything back, once; `reason` becomes the reason of `signal`. */
  async #release(live: Live, process: ServerProcess | undefined, reason: unknown): Promise<void> {
    this.#leaveLifetime()
    this.#gone.abort(reason)
    await process?.end(this.#options.shutdown)
    if (live.instrument) await withDeadline(live.instrument.close(), INSTRUMENT_TIMEOUT).catch(swallow('probe channel'))
  }

  async #noticeDeath(state: Extract<State, { kind: 'up' }>, process: ServerProcess): Promise<void> {
    if (!(await this.#isDead(process))) return
    const exit = await process.exited
    if (this.#state === state) this.#die(state.live, process, this.#exitError(process, exit))
  }

  /**
   * Whether it died without our having been told: that is no stop, but a failure. The thread may have been busy; or the
   * server is dead and the shell or npm around it has not ended yet, which shows in a port that nobody listens on.
   */
  async #isDead(process: ServerProcess): Promise<boolean> {
    await process.settle()
    if (await process.hasExited()) return true
    const { kind } = this.#options.health.check
    if (kind !== 'http' && kind !== 'tcp') return false
    const { host, port } = this.#address
    if (!(await isRefused(dialHost(host), port))) return false
    return (await withDeadline(process.exited, WRAPPER_EXIT)) !== 'timeout'
  }

  #exitError(process: ServerProcess, exit: Exit): ServerExitedError {
    return exitErrorOf({ source: this.#options.source, cwd: this.#cwd, url: this.url }, process, exit)
  }

  #refusal(message: string): ServerStartError {
    const server = { command: nameOfSource(this.#options.source), url: this.url, output: this.output }
    return new ServerStartError(message, { server })
  }

  #event(event: ServerEvent['event']): ServerEvent {
    return { event, source: nameOfSource(this.#options.source), url: this.url }
  }
}
