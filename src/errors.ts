import { URL } from 'node:url'

/** The stable `code` of every error this package throws. */
export type PerfErrorCode =
  /** An option, a variable or a threshold is wrong. Nothing was started. */
  | 'PERF_INVALID_OPTIONS'
  /** The test timed out, the run was cancelled, or a `signal` was aborted. `partial` has what was measured. */
  | 'PERF_ABORTED'
  /** A server could not be spawned, exited while it started, or was not healthy in time. */
  | 'PERF_SERVER_START'
  /** A server that was healthy died while a test used it. */
  | 'PERF_SERVER_EXITED'
  /** Another program listens on the fixed `port`. */
  | 'PERF_PORT_IN_USE'
  /** Nothing answered, a threshold of the load failed, `onProgress` threw, or the load process was lost. */
  | 'PERF_LOAD'
  /** The watched process cannot be read or is gone. */
  | 'PERF_MEMORY'
  /** A measurement still ran when the test's body had ended: `await` it. */
  | 'PERF_NOT_AWAITED'
  /** The base could not be made, or there is too little time for a comparison. */
  | 'PERF_COMPARE'

/** The folder of this package's own modules, as a URL and as a path: both stand in stacks. */
const OWN_URL = new URL('.', import.meta.url).href
const OWN_PATH = decodeURIComponent(new URL('.', import.meta.url).pathname)

/** Whether a line of a stack is a frame of this package's own code. */
export function isOwnFrame(line: string): boolean {
  return line.includes(OWN_URL) || line.includes(OWN_PATH)
}

/** The lines of a stack that are frames, without our own. `NODE_DEBUG=vitest-perf` keeps ours. */
export function frameLines({ stack = '' }: Error): string[] {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  return process.env['NODE_DEBUG']?.includes('vitest-perf') ? frames : frames.filter((line) => !isOwnFrame(line))
}

/** Replaces the frames of an error's stack. */
export function withFrames(error: Error, frames: readonly string[]): void {
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n')
}

/** Base class of every error this package throws. `code` is stable between releases, `message` is not. */
export class PerfError extends Error {
  /** Stable between releases. */
  readonly code: PerfErrorCode

  constructor(code: PerfErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    // Nobody who writes a test can do anything with frames of ours.
    withFrames(this, frameLines(this))
  }

  static {
    this.prototype.name = 'PerfError'
  }
}

/** One bad option: where it stands, what it held and what was expected there. */
export interface OptionIssue {
  /** Dotted path, such as `health.timeout` or `stages[1].duration`. */
  readonly option: string
  /** What the option takes. */
  readonly expected: string
  /** What it got. */
  readonly received: unknown
  /** The whole sentence, as it stands in the error's message. */
  readonly message: string
}

/** Bad options: all of them, found before anything was started. The first line of its message names the first of them. */
export class PerfOptionsError extends PerfError {
  /** All mistakes, in the order of the options. */
  readonly issues: readonly OptionIssue[]

  constructor(subject: string, issues: readonly OptionIssue[]) {
    super('PERF_INVALID_OPTIONS', issuesMessage(subject, issues))
    this.issues = issues
  }

  static {
    this.prototype.name = 'PerfOptionsError'
  }
}

function issuesMessage(subject: string, [first, ...others]: readonly OptionIssue[]): string {
  const [line = '', ...below] = (first?.message ?? '').split('\n')
  const more = others.length > 0 ? ` (and ${others.length} more)` : ''
  return [`Invalid ${subject}: ${line}${more}`, ...below, ...others.map(({ message }) => `  - ${message}`)].join('\n')
}

/** Kept out of what prints an error with all that can be listed: a result is kilobytes of figures, which the report shows better. */
function attach(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true })
}

/**
 * A measurement that was ended from outside: the test timed out, the run was cancelled, or a signal of the user's own
 * was aborted. `cause` is the signal's reason; `partial` is what had been measured by then.
 */
export class PerfAbortError<Partial = unknown> extends PerfError {
  /** What had been measured: a `LoadResult`, `MemoryResult`, `Capacity` or `Comparison`. Not enumerable. */
  declare readonly partial: Partial

  constructor(message: string, options: { cause?: unknown; partial: Partial }) {
    super('PERF_ABORTED', message, { cause: options.cause })
    attach(this, 'partial', options.partial)
  }

  static {
    // The name that the platform gives to aborted work, so that `error.name === 'AbortError'` holds for ours as well.
    this.prototype.name = 'AbortError'
  }
}

/** The last look at a server that did not become healthy. */
export interface HealthAttempt {
  /** What was asked, such as `GET http://127.0.0.1:4100/health`. */
  readonly asked: string
  /** What came back, as the end of a sentence: `answered 404 in 1.20 ms`, `refused the connection: nothing listens there`. */
  readonly answered: string
  /** The HTTP status; absent where there was no answer. */
  readonly status?: number
  /** The beginning of the answer's body (of an HTML page its words), at most 200 characters; absent for a healthy answer or an empty body. */
  readonly body?: string
}

/** What is known of a server process that failed. Sizes and times in bytes and milliseconds. */
export interface ServerFailure {
  /** What was run, as the user wrote it. */
  readonly command?: string
  /** Its working directory. */
  readonly cwd?: string
  /** Where it was asked. */
  readonly url?: string
  /** Its process. */
  readonly pid?: number
  /** `null` where a signal ended it. */
  readonly exitCode?: number | null
  /** `null` where it exited by itself. */
  readonly exitSignal?: string | null
  /** How long the process lived, in milliseconds. */
  readonly lifetime?: number
  /** The last lines of stdout and stderr. */
  readonly output: string
  /** The line of `output` that names the fault, such as `TypeError: db.connect is not a function`; absent where none does. */
  readonly fault?: string
  /** The last look at a server that was not ready. */
  readonly lastAttempt?: HealthAttempt
}

/** A server that could not be spawned, exited during start-up or did not become healthy in time. */
export class ServerStartError extends PerfError {
  /** What is known of the server. */
  readonly server: ServerFailure
  /** Another start with the same options would fail in the same way. */
  declare readonly isFinal: boolean

  constructor(message: string, options: { cause?: unknown; server: ServerFailure; isFinal?: boolean }) {
    super('PERF_SERVER_START', message, { cause: options.cause })
    this.server = options.server
    attach(this, 'isFinal', options.isFinal ?? false)
  }

  static {
    this.prototype.name = 'ServerStartError'
  }
}

/** A server that was healthy and died while a test used it. */
export class ServerExitedError extends PerfError {
  /** What is known of the server. */
  readonly server: ServerFailure

  constructor(message: string, options: { cause?: unknown; server: ServerFailure }) {
    super('PERF_SERVER_EXITED', message, { cause: options.cause })
    this.server = options.server
  }

  static {
    this.prototype.name = 'ServerExitedError'
  }
}

/** A fixed port that somebody else listens on. */
export class PortInUseError extends PerfError {
  /** The port that is taken. */
  readonly port: number
  /** The address it is taken on. */
  readonly host: string

  constructor(message: string, options: { cause?: unknown; port: number; host: string }) {
    super('PERF_PORT_IN_USE', message, { cause: options.cause })
    this.port = options.port
    this.host = options.host
  }

  static {
    this.prototype.name = 'PortInUseError'
  }
}

/** A load that could not run or was lost; `partial` is what had been measured by then, if anything. */
export class LoadError<Partial = unknown> extends PerfError {
  /** A `LoadResult` (of `findCapacity` a `Capacity`) of all so far. Not enumerable. */
  declare readonly partial: Partial | undefined
  /** Outcome of each threshold, where the load ran and missed one. */
  declare readonly thresholds: readonly object[] | undefined

  constructor(message: string, options: { cause?: unknown; partial?: Partial; thresholds?: readonly object[] } = {}) {
    super('PERF_LOAD', message, { cause: options.cause })
    attach(this, 'partial', options.partial)
    attach(this, 'thresholds', options.thresholds)
  }

  static {
    this.prototype.name = 'LoadError'
  }
}

/** A memory watch that could not run or lost its target; `partial` is what had been sampled by then, if anything. */
export class MemoryError<Partial = unknown> extends PerfError {
  /** A `MemoryResult` of all so far. Not enumerable. */
  declare readonly partial: Partial | undefined

  constructor(message: string, options: { cause?: unknown; partial?: Partial } = {}) {
    super('PERF_MEMORY', message, { cause: options.cause })
    attach(this, 'partial', options.partial)
  }

  static {
    this.prototype.name = 'MemoryError'
  }
}

/** A comparison of two servers that could not be made: its base cannot be built, or it has too little time. */
export class ComparisonError extends PerfError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('PERF_COMPARE', message, options)
  }

  static {
    this.prototype.name = 'ComparisonError'
  }
}
