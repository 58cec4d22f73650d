import { rejectIssues } from '../option-issues.ts'
import { findServerOptionIssues } from './server-option-issues.ts'
import { baseUrlOf, bareHost } from '../server-url.ts'
import { milliseconds, type Duration } from '../units.ts'
import { readSettings, type Settings } from '../settings.ts'
import type { TlsOptions } from '../tls.ts'

export { findServerOptionIssues, serverOptionNames } from './server-option-issues.ts'

/** Statuses that count as healthy: one, or a range with both ends in it. */
export type HealthStatus = number | [from: number, to: number]

/** How a server is known to be ready. At most one of `path` (with `status`), `log` and `tcp` makes sense. */
export interface HealthOptions {
  /** Path that is asked with GET. Default `'/health'`. */
  path?: string
  /** Time until a server that is not ready has failed. Default 30 000 (ms). A server that is up on another port fails sooner. */
  timeout?: Duration
  /** Time between two health checks. Default 50 (ms). (A port that still refuses is tried every 15 ms: that costs the server nothing.) */
  interval?: Duration
  /** Statuses that count as healthy. Default `[200, 399]`. */
  status?: HealthStatus
  /** Ready when this matches a line that the server has printed (escape codes removed), instead of a GET. */
  log?: RegExp
  /** Ready when its port accepts a connection, instead of a GET. */
  tcp?: boolean
}

/** How a server is ended. */
export interface ShutdownOptions {
  /** Default `'SIGTERM'`. */
  signal?: NodeJS.Signals
  /** Time after that signal until the whole process tree is killed. Default 5 000 (ms). */
  timeout?: Duration
}

/** The server under test: exactly one of `command`, `module` and `url`. */
export interface ServerOptions {
  /** A shell command line; `{port}` and `{host}` are replaced, `PORT` and `HOST` are in its environment. */
  command?: string
  /**
   * A file whose default export is a request listener, an `http.Server`, an application (Express, Fastify, Koa),
   * `{ fetch }` (Hono), or a function `({ port, host, signal })` that starts one. It runs in a process of its own.
   */
  module?: string
  /** A server that already runs: nothing is started or stopped. */
  url?: string
  /** Default: a free port. */
  port?: number
  /** Default `'127.0.0.1'`. */
  host?: string
  /** Working directory of the server. Default: the folder that Vitest runs in. */
  cwd?: string
  /** Variables on top of a clean environment. `undefined` removes one. */
  env?: Record<string, string | undefined>
  /**
   * A file (or files) of variables in dotenv form, relative to `cwd`. They win over the inherited environment; `env`, and our
   * own `PORT` and `HOST`, win over them. A later file wins over an earlier one.
   */
  envFile?: string | string[]
  /** What the server speaks. Default `'http'`; a `module` that starts an HTTPS server is noticed. */
  protocol?: 'http' | 'https'
  /** How the certificate of an HTTPS server is checked, by health checks and by loads on the server. */
  tls?: TlsOptions
  /** `'open'`: its standard input stays open, for programs that end when their input does. Default `'ignore'`. */
  stdin?: 'ignore' | 'open'
  /** How the server is known to be ready; `false` takes it as ready as soon as it is started. */
  health?: HealthOptions | false
  /** wait-on resources that the server itself needs, such as `'tcp:127.0.0.1:5432'`, awaited before it is started. */
  waitOn?: string | string[]
  /** How the server is ended with its test. */
  shutdown?: ShutdownOptions
  /** Whether each test has a server of its own, or the tests of a file or a worker share one. Default `'test'`. */
  scope?: 'test' | 'file' | 'worker'
}

export type HealthCheck =
  | { readonly kind: 'http'; readonly path: string; readonly status: readonly [number, number] }
  | { readonly kind: 'log'; readonly pattern: RegExp }
  | { readonly kind: 'tcp' }
  | { readonly kind: 'none' }

export interface ResolvedHealth {
  readonly check: HealthCheck
  readonly timeout: number
  /** The timeout is not the default. */
  readonly isTimeoutChosen: boolean
  readonly interval: number
}

export type ServerSource =
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'module'; readonly module: string }
  | { readonly kind: 'url'; readonly url: string }

/** Options with every default in place. */
export interface ResolvedServerOptions {
  readonly source: ServerSource
  /** Absent: a free port. */
  readonly port: number | undefined
  readonly host: string
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly envFiles: readonly string[]
  /** Absent: HTTP, unless a module turns out to speak HTTPS. */
  readonly protocol: 'http' | 'https' | undefined
  readonly tls: TlsOptions
  readonly stdin: 'ignore' | 'open'
  readonly health: ResolvedHealth
  readonly waitOn: readonly string[]
  readonly shutdown: { readonly signal: NodeJS.Signals; readonly timeout: number }
  readonly scope: 'test' | 'file' | 'worker'
}

/** The one table of defaults. */
export const SERVER_DEFAULTS = {
  host: '127.0.0.1',
  path: '/health',
  status: [200, 399],
  healthTimeout: 30_000,
  interval: 50,
  shutdownSignal: 'SIGTERM',
  shutdownTimeout: 5_000,
} as const

function resolveCheck(health: HealthOptions | false | undefined): HealthCheck {
  if (health === false) return { kind: 'none' }
  if (health?.log) return { kind: 'log', pattern: health.log }
  if (health?.tcp) return { kind: 'tcp' }
  return { kind: 'http', path: health?.path ?? SERVER_DEFAULTS.path, status: resolveStatus(health?.status) }
}

/** A status rule as a range. */
export function resolveStatus(status: HealthStatus | undefined): readonly [number, number] {
  if (status === undefined) return SERVER_DEFAULTS.status
  return typeof status === 'number' ? [status, status] : status
}

function resolveSource(options: ServerOptions): ServerSource {
  if (options.url !== undefined) return { kind: 'url', url: baseUrlOf(options.url) }
  if (options.module !== undefined) return { kind: 'module', module: options.module }
  return { kind: 'command', command: options.command ?? '' }
}

/** `VITEST_PERF_SERVER_URL` takes the place of all that starts a server; how its health is known stays. */
function withEnvironmentUrl(options: ServerOptions, { serverUrl: url }: Settings): ServerOptions {
  if (url === undefined) return options
  const { health, scope, tls } = options
  const running: ServerOptions = { url }
  if (tls !== undefined && url.startsWith('https:')) running.tls = tls
  if (scope !== undefined) running.scope = scope
  // Its output is not ours to read, and an open port is the nearest that can be seen.
  if (health && health.log) running.health = { tcp: true, ...(health.timeout && { timeout: health.timeout }) }
  else if (health !== undefined) running.health = health
  return running
}

/**
 * Options with every default in place, and the environment (`VITEST_PERF_SERVER_URL`, `VITEST_PERF_HEALTH_TIMEOUT`) on top.
 *
 * @throws {PerfOptionsError} with every mistake in them.
 */
export function resolveServerOptions(
  input: ServerOptions,
  env: NodeJS.ProcessEnv = process.env,
): ResolvedServerOptions {
  const settings = readSettings(env)
  const isObject = typeof input === 'object' && input !== null
  const options = isObject ? withEnvironmentUrl(input, settings) : input
  rejectIssues('server options', findServerOptionIssues(options, 'server'))
  const { health, shutdown } = options
  const configured = health === false ? undefined : health
  return {
    source: resolveSource(options),
    port: options.port,
    host: bareHost(options.host ?? SERVER_DEFAULTS.host),
    cwd: options.cwd,
    env: options.env ?? {},
    envFiles: options.envFile === undefined ? [] : [options.envFile].flat(),
    protocol: options.protocol,
    tls: options.tls ?? {},
    stdin: options.stdin ?? 'ignore',
    health: {
      check: resolveCheck(health),
      timeout: settings.healthTimeout ?? milliseconds(configured?.timeout ?? SERVER_DEFAULTS.healthTimeout),
      isTimeoutChosen: settings.healthTimeout !== undefined || configured?.timeout !== undefined,
      interval: milliseconds(configured?.interval ?? SERVER_DEFAULTS.interval),
    },
    waitOn: options.waitOn === undefined ? [] : [options.waitOn].flat(),
    shutdown: {
      signal: shutdown?.signal ?? SERVER_DEFAULTS.shutdownSignal,
      timeout: milliseconds(shutdown?.timeout ?? SERVER_DEFAULTS.shutdownTimeout),
    },
    scope: options.scope ?? 'test',
  }
}
