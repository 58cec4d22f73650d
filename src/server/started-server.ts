import { swallow } from '../lifecycle/debug.ts'
import { MemoryError, ServerExitedError, ServerStartError } from '../errors.ts'
import { onAbort, withDeadline } from '../lifecycle/abort.ts'
import type { MemorySnapshot } from '../results/memory-result.ts'
import { adviseOnExit, afterLifetime, describeExit, formatFailure } from './failure-report.ts'
import { checkServerHealth, type HealthCheckOptions, type HealthCheckResult } from './health.ts'
import type { Instrument, PerfServer, ServerEvent } from './perf-server.ts'
import { addressesOf, probeTcp } from './health-probe.ts'
import { probeServer } from './readiness.ts'
import type { ResolvedServerOptions } from './server-options.ts'
import type { Exit, ServerProcess } from './server-process.ts'
import { nameOfSource } from './spawn-plan.ts'
import { dialHost } from '../server-url.ts'
import { milliseconds } from '../units.ts'

const HEALTH_TIMEOUT = 5_000
const INSTRUMENT_TIMEOUT = 500
/** How long the wrapper of a dead server may take to end. */
const WRAPPER_EXIT = 1_000
const LOOK_TIMEOUT = 250

/** Where a server is reached. */
export interface ServerAddress {
  readonly url: string
  readonly port: number
  readonly host: string
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

function isSignal(value: HealthCheckOptions | AbortSignal): value is AbortSignal {
  return 'aborted' in value
}

/** Whether nobody listens. One that does not answer the knock may be blocked, or stopped, but it is there. */
async function isRefused(host: string, port: number): Promise<boolean> {
  const looks = addressesOf(host).map((address) => probeTcp(address ?? host, port, { timeout: LOOK_TIMEOUT }))
  return (await Promise.all(looks)).every((found) => found.kind === 'failure' && found.code === 'ECONNREFUSED')
}

/** The server of a test. It knows whether its end was asked for; any other end is a failure. */
export class StartedServer implements PerfServer {
  failure: ServerExitedError | undefined
  #parts: ServerParts
  #pid: number | undefined
  readonly #gone = new AbortController()
  /** Ends a restart that is under way when the server is stopped. */
  readonly #cancel = new AbortController()
  readonly #leaveLifetime: () => void
  #process: ServerProcess | undefined
  /** The process whose end was asked for. */
  #endingProcess: ServerProcess | undefined
  #stopping: Promise<void> | undefined
  #restarting: Promise<void> | undefined
  #lastOutput = ''

  constructor(parts: ServerParts) {
    this.#parts = parts
    this.#adopt(parts.process)
    this.#leaveLifetime = onAbort(parts.lifetime, () => void this.stop())
  }

  get url(): string {
    return this.#parts.address.url
  }

  get port(): number {
    return this.#parts.address.port
  }

  get host(): string {
    return this.#parts.address.host
  }

  get pid(): number | undefined {
    return this.#pid
  }

  get output(): string {
    return this.#process?.output.tail ?? this.#lastOutput
  }

  get signal(): AbortSignal {
    return this.#gone.signal
  }

  async health(options: HealthCheckOptions | AbortSignal = {}): Promise<HealthCheckResult> {
    if (this.failure) return { healthy: false, message: this.failure.message, url: this.url }
    const given: HealthCheckOptions = isSignal(options) ? { signal: options } : options
    const { check } = this.#parts.options.health
    if (check.kind === 'http') {
      return checkServerHealth(this.url, { path: check.path, status: [...check.status], ...given })
    }
    if (given.path !== undefined || given.status !== undefined) return checkServerHealth(this.url, given)
    return probeServer({ check, ...this.#parts.address }, milliseconds(given.timeout ?? HEALTH_TIMEOUT), given.signal)
  }

  memory(): Promise<MemorySnapshot> {
    const { snapshot } = this.#parts
    if (this.failure) return Promise.reject(this.failure)
    if (this.#gone.signal.aborted) {
      return Promise.reject(new MemoryError(`The memory of ${this.url} cannot be read: the server was stopped.`))
    }
    if (snapshot) return snapshot(this)
    return Promise.reject(
      new MemoryError('The memory of this server cannot be read: it was started without a memory probe.'),
    )
  }

  restart(): Promise<void> {
    if (this.#restarting) return this.#restarting
    const restarting = this.#restart().finally(() => {
      this.#restarting = undefined
    })
    // A test that ends without having awaited it has no use for its failure.
    restarting.catch(swallow('restart'))
    this.#restarting = restarting
    return restarting
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Learns of an end of which nobody has told us yet; `failure` is set then. For a server that goes on to another test. */
  async notice(): Promise<void> {
    const process = this.#process
    if (!process || process === this.#endingProcess || this.#restarting) return
    if (await this.#isDead(process)) {
      const exit = await process.exited
      if (process !== this.#endingProcess) this.#stopping ??= this.#die(process, exit)
    }
    await this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #adopt(process: ServerProcess | undefined): void {
    this.#process = process
    this.#pid = process?.pid
    void process?.exited.then((exit) => {
      // A `stop()` that is under way finds out by itself.
      if (process !== this.#endingProcess) this.#stopping ??= this.#die(process, exit)
    })
  }

  async #restart(): Promise<void> {
    const { options, address } = this.#parts
    if (this.failure) throw this.failure
    const server = { command: nameOfSource(options.source), url: address.url, output: this.output }
    if (this.#stopping) throw new ServerStartError('A server that was stopped cannot be restarted.', { server })
    if (!this.#process) {
      const message = `The server ${address.url} was not started by this test, so it cannot be restarted.`
      throw new ServerStartError(message, { server })
    }
    await this.#end(this.#process)
    try {
      this.#adopt(await this.#parts.startAgain(this.#parts.instrument, this.#cancel.signal))
    } catch (error) {
      await this.#close(error)
      if (!this.#cancel.signal.aborted) throw error
      const message = 'The restart was ended: the server was stopped while it started again.'
      throw new ServerStartError(message, { server, cause: error })
    }
    // `stop()` came while it started: it has nothing to end but this.
    if (this.#stopping && this.#process) await this.#end(this.#process)
  }

  async #stop(): Promise<void> {
    this.#cancel.abort(new Error('The server was stopped'))
    await this.#restarting?.catch(() => {})
    const process = this.#process
    if (process && process !== this.#endingProcess && (await this.#isDead(process))) {
      await this.#die(process, await process.exited)
      return
    }
    await this.#close(new Error('The server was stopped'))
    const { pid, output } = this
    this.#report({ event: 'stopped', ...(pid !== undefined && { pid }), ...(process && { output }) })
    this.#letGo()
  }

  /**
   * Whether it died without our having been told: that is no stop, but a failure. The thread may have been busy; or the
   * server is dead and the shell or npm around it has not ended yet, which shows in a port that nobody listens on.
   */
  async #isDead(process: ServerProcess): Promise<boolean> {
    if (await process.hasExited()) return true
    const { kind } = this.#parts.options.health.check
    if (kind !== 'http' && kind !== 'tcp') return false
    const { host, port } = this.#parts.address
    if (!(await isRefused(dialHost(host), port))) return false
    return (await withDeadline(process.exited, WRAPPER_EXIT)) !== 'timeout'
  }

  /** Ends everything, once; `reason` becomes the reason of `signal`. */
  async #close(reason: unknown): Promise<void> {
    this.#leaveLifetime()
    this.#gone.abort(reason)
    if (this.#process) await this.#end(this.#process)
    if (this.#parts.instrument)
      await withDeadline(this.#parts.instrument.close(), INSTRUMENT_TIMEOUT).catch(swallow('probe channel'))
  }

  async #end(process: ServerProcess): Promise<void> {
    this.#endingProcess = process
    await process.end(this.#parts.options.shutdown)
    this.#lastOutput = process.output.tail
  }

  async #die(process: ServerProcess, exit: Exit): Promise<void> {
    const { options, cwd, address } = this.#parts
    const output = process.output.tail
    const what = `The server ${describeExit(exit.code, exit.signal)}${afterLifetime(exit.lifetime)} while a test used it.`
    const server = {
      command: nameOfSource(options.source),
      cwd,
      url: address.url,
      ...(process.pid !== undefined && { pid: process.pid }),
      exitCode: exit.code,
      exitSignal: exit.signal,
      lifetime: exit.lifetime,
      output,
    }
    const message = formatFailure({ what, advice: adviseOnExit(exit.code, exit.signal, output), server })
    this.failure = new ServerExitedError(message, { server })
    this.#report({
      event: 'exited',
      ...(process.pid !== undefined && { pid: process.pid }),
      exitCode: exit.code,
      exitSignal: exit.signal,
      output,
      error: message,
    })
    this.#endingProcess = process
    await this.#close(this.failure)
    this.#letGo()
  }

  /** Vitest keeps the fixtures of every test until its file is over, so nothing heavy may hang on a server that is gone. */
  #letGo(): void {
    const { options, address, cwd } = this.#parts
    this.#process = undefined
    this.#endingProcess = undefined
    this.#parts = {
      options,
      address,
      cwd,
      process: undefined,
      instrument: undefined,
      lifetime: this.#gone.signal,
      observe: () => {},
      snapshot: undefined,
      startAgain: () => Promise.reject(new Error('unreachable: a server that is gone is not restarted')),
    }
  }

  #report(event: Omit<ServerEvent, 'source' | 'url'>): void {
    this.#parts.observe({ ...event, source: nameOfSource(this.#parts.options.source), url: this.url })
  }
}
