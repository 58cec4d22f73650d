import type { PortInUseError, ServerExitedError, HealthAttempt, ServerStartError } from '../errors.ts'
import type { MemorySnapshot } from '../results/memory-result.ts'
import type { TlsOptions } from '../tls.ts'
import type { HealthCheckOptions, HealthCheckResult } from './health.ts'

/** An end of a server that neither `stop()` nor `restart()` caused. */
export type ServerEnd = ServerExitedError | ServerStartError | PortInUseError

/** A server under test: started and healthy. */
export interface PerfServer {
  /** URL of the address that answered, so that `fetch` works with any hosts table. Without a trailing slash. */
  readonly url: string
  /** The port it listens on. */
  readonly port: number
  /** The address that answered, without brackets. */
  readonly host: string
  /** Of the process that was started; `undefined` for a server that already ran (`url`). */
  readonly pid: number | undefined
  /** The end of what it printed to stdout and stderr, at most 64 KB. */
  readonly output: string
  /** Aborts when the server is gone: with `failure` as its reason when it died by itself. */
  readonly signal: AbortSignal
  /** The error of a server that died by itself, or whose restart failed. */
  readonly failure: ServerEnd | undefined
  /** How the certificate of an HTTPS server is checked; loads on it inherit this. `undefined` for plain HTTP. */
  readonly tls: TlsOptions | undefined
  /** Asks the server for its health now; never throws for a server that is not healthy. */
  health(options?: HealthCheckOptions | AbortSignal): Promise<HealthCheckResult>
  /** The memory of the server now. */
  memory(): Promise<MemorySnapshot>
  /**
   * Ends the server and starts it again with the same options on the same port; resolves when it is healthy. If that
   * fails, the server is gone: it rejects, and the test fails even if nothing awaits it.
   */
  restart(): Promise<void>
  /** Ends the server and everything it started. Idempotent; takes at most `shutdown.timeout` and a second. */
  stop(): Promise<void>
  /** Calls `stop()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What happened to a server, for reports. */
export interface ServerEvent {
  readonly event: 'ready' | 'failed' | 'exited' | 'stopped'
  /** The command line, module file or URL. */
  readonly source: string
  readonly url?: string
  readonly pid?: number
  /** Milliseconds from spawn to healthy. */
  readonly readyAfter?: number
  readonly exitCode?: number | null
  readonly exitSignal?: string | null
  /** The end of its output: with every event but 'ready'. */
  readonly output?: string
  /** The line of `output` that names the fault; with 'failed' and 'exited', where one does. */
  readonly fault?: string
  /** The last look at a server that was not ready; with 'failed'. */
  readonly lastAttempt?: HealthAttempt
  /** Milliseconds that its process lived; with 'failed' and 'exited'. */
  readonly lifetime?: number
  readonly error?: string
}

/** What the memory probe brings into the server's process. */
export interface Instrument {
  /** Added to the environment of the server. */
  readonly env: Record<string, string>
  /** Appended to its `NODE_OPTIONS`. */
  readonly nodeOptions: string
  /** Its files. The watchdog removes them if `close()` is never called. */
  readonly files?: readonly string[]
  close(): Promise<void>
}
