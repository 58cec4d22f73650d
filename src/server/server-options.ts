import * as v from 'valibot'
import type { OptionIssue } from '../errors.ts'
import {
  duration,
  findOptionIssues,
  nonNegativeInteger,
  optionIssue,
  positiveInteger,
  rejectIssues,
  text,
} from '../options.ts'
import { parseServerUrl, stripTrailingSlashes } from './url.ts'

/** Statuses that count as healthy: one, or a range with both ends in it. */
export type HealthStatus = number | [from: number, to: number]

/** How a server is known to be ready. At most one of `path` (with `status`), `log` and `tcp` makes sense. */
export interface HealthOptions {
  /** Path that is asked with GET. Default `'/health'`. */
  path?: string
  /** Milliseconds until a server that is not ready has failed. Default 30 000. */
  timeout?: number
  /** Milliseconds between two probes. Default 50. */
  interval?: number
  /** Statuses that count as healthy. Default `[200, 399]`. */
  status?: HealthStatus
  /** Ready when this matches what the server has printed, instead of a GET. */
  log?: RegExp
  /** Ready when its port accepts a connection, instead of a GET. */
  tcp?: boolean
}

/** How a server is ended. */
export interface ShutdownOptions {
  /** Default `'SIGTERM'`. */
  signal?: NodeJS.Signals
  /** Milliseconds after that signal until the whole process tree is killed. Default 5 000. */
  timeout?: number
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
  /** How the server is known to be ready; `false` takes it as ready as soon as it is started. */
  health?: HealthOptions | false
  /** wait-on resources that the server itself needs, such as `'tcp:127.0.0.1:5432'`, awaited before it is started. */
  waitOn?: string | string[]
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

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGKILL', 'SIGABRT']
const SCOPES = ['test', 'file', 'worker'] as const
const WAIT_ON_RESOURCE = /^(https?:|https?-get:|tcp:|socket:|file:|command:|[^:]+$)/

const statusMessage = 'a status of 100 to 599, or [from, to]'
const statusCode = v.pipe(
  v.number(statusMessage),
  v.integer(statusMessage),
  v.minValue(100, statusMessage),
  v.maxValue(599, statusMessage),
)
/** `health.status`, also of `checkServerHealth`. */
export const healthStatus = v.union(
  [
    statusCode,
    v.pipe(
      v.strictTuple([statusCode, statusCode], statusMessage),
      v.check(([from, to]) => from <= to, statusMessage),
    ),
  ],
  statusMessage,
)
/** `health.path`, also of `checkServerHealth`. */
export const healthPath = v.pipe(
  v.string("a path that starts with '/'"),
  v.regex(/^\/[^\s]*$/, "a path that starts with '/'"),
)
// Not `instanceof`: in the vm pools a value that came from the config is of another realm.
const regularExpression = v.custom<RegExp>(
  (value) => Object.prototype.toString.call(value) === '[object RegExp]',
  'a RegExp on the output of the server',
)

const healthSchema = v.strictObject(
  {
    path: v.optional(healthPath),
    timeout: v.optional(duration),
    interval: v.optional(duration),
    status: v.optional(healthStatus),
    log: v.optional(regularExpression),
    tcp: v.optional(v.boolean('true or false')),
  },
  'an object, or false',
)

const resources = "a wait-on resource, such as 'tcp:127.0.0.1:5432', or a list of them"
const waitOnResource = v.pipe(v.string(resources), v.regex(WAIT_ON_RESOURCE, resources), v.nonEmpty(resources))

const serverSchema = v.strictObject(
  {
    command: v.optional(text),
    module: v.optional(text),
    url: v.optional(
      v.pipe(
        v.string("an absolute http(s) URL, such as 'http://127.0.0.1:3000'"),
        v.check((url) => parseServerUrl(url) !== undefined, "an absolute http(s) URL, such as 'http://127.0.0.1:3000'"),
      ),
    ),
    port: v.optional(v.pipe(positiveInteger, v.maxValue(65_535, 'a port of 1 to 65535'))),
    host: v.optional(text),
    cwd: v.optional(text),
    env: v.optional(
      v.record(v.string(), v.optional(v.string('a string, or undefined to remove it')), 'an object of strings'),
    ),
    health: v.optional(v.custom<HealthOptions | false>(() => true)),
    waitOn: v.optional(v.custom<string | string[]>(() => true)),
    shutdown: v.optional(
      v.strictObject(
        {
          signal: v.optional(v.picklist(SIGNALS, `one of ${SIGNALS.join(', ')}`)),
          timeout: v.optional(nonNegativeInteger),
        },
        'an object',
      ),
    ),
    scope: v.optional(v.picklist(SCOPES, `one of ${SCOPES.map((scope) => `'${scope}'`).join(', ')}`)),
  },
  'an object',
)

type Loose = Record<string, unknown>

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function findHealthIssues(health: unknown, option: string): OptionIssue[] {
  if (health === undefined || health === false) return []
  const issues = findOptionIssues(healthSchema, health, option)
  if (!isObject(health)) return issues
  const kinds = [
    ...(health.path !== undefined || health.status !== undefined ? ['path'] : []),
    ...(health.log !== undefined ? ['log'] : []),
    ...(health.tcp === true ? ['tcp'] : []),
  ]
  if (kinds.length > 1) {
    const expected = 'one way to know that the server is ready: a path (with a status), `log`, or `tcp`'
    issues.push(optionIssue(option, expected, Object.fromEntries(kinds.map((kind) => [kind, String(health[kind])]))))
  }
  return issues
}

function findWaitOnIssues(waitOn: unknown, option: string): OptionIssue[] {
  if (waitOn === undefined) return []
  if (Array.isArray(waitOn)) {
    return waitOn.flatMap((item, index) => findOptionIssues(waitOnResource, item, `${option}[${index}]`))
  }
  return findOptionIssues(waitOnResource, waitOn, option)
}

function findSourceIssues(input: Loose, at: (name: string) => string, prefix: string): OptionIssue[] {
  const sources = ['command', 'module', 'url'].filter((name) => input[name] !== undefined)
  if (sources.length === 0) {
    const expected = "an object with one of `command` (such as 'node server.js'), `module` and `url`"
    return [optionIssue(prefix || 'server', expected, input)]
  }
  if (sources.length > 1) {
    const chosen = Object.fromEntries(sources.map((name) => [name, input[name]]))
    return [optionIssue(prefix || 'server', 'only one of `command`, `module` and `url`', chosen)]
  }
  if (input.url === undefined) return []
  return ['port', 'host', 'cwd', 'env', 'waitOn', 'shutdown']
    .filter((name) => input[name] !== undefined)
    .map((name) => optionIssue(at(name), 'left out where `url` is given, since no server is started then', input[name]))
    .concat(
      isObject(input.health) && input.health.log !== undefined
        ? optionIssue(at('health.log'), 'left out where `url` is given, since its output is not ours', input.health.log)
        : [],
    )
}

/**
 * Every mistake in server options, also those that lie between two options. Pure. `prefix` is how the message calls the
 * object; with `partial` options that name no server yet are fine.
 */
export function findServerOptionIssues(input: unknown, prefix = '', { partial = false } = {}): OptionIssue[] {
  const at = (name: string) => (prefix ? `${prefix}.${name}` : name)
  const issues = findOptionIssues(serverSchema, input, prefix)
  if (!isObject(input)) return issues
  issues.push(...findHealthIssues(input.health, at('health')), ...findWaitOnIssues(input.waitOn, at('waitOn')))
  const named = ['command', 'module', 'url'].some((name) => input[name] !== undefined)
  if (named || !partial) issues.push(...findSourceIssues(input, at, prefix))
  return issues
}

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
  if (options.url !== undefined) return { kind: 'url', url: stripTrailingSlashes(options.url) }
  if (options.module !== undefined) return { kind: 'module', module: options.module }
  return { kind: 'command', command: options.command ?? '' }
}

/** `VITEST_PERF_SERVER_URL` takes the place of all that starts a server; how its health is known stays. */
function withEnvironmentUrl(options: ServerOptions, env: NodeJS.ProcessEnv): ServerOptions {
  const url = env.VITEST_PERF_SERVER_URL
  if (!url) return options
  const { health, scope } = options
  const running: ServerOptions = { url }
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
  const options = isObject(input) ? withEnvironmentUrl(input, env) : input
  rejectIssues('server options', findServerOptionIssues(options, 'server'))
  const { health, shutdown } = options
  const environmentTimeout = env.VITEST_PERF_HEALTH_TIMEOUT ? Number(env.VITEST_PERF_HEALTH_TIMEOUT) : undefined
  if (environmentTimeout !== undefined) {
    rejectIssues('environment', findOptionIssues(duration, environmentTimeout, 'VITEST_PERF_HEALTH_TIMEOUT'))
  }
  const configured = health === false ? undefined : health
  return {
    source: resolveSource(options),
    port: options.port,
    host: options.host ?? SERVER_DEFAULTS.host,
    cwd: options.cwd,
    env: options.env ?? {},
    health: {
      check: resolveCheck(health),
      timeout: environmentTimeout ?? configured?.timeout ?? SERVER_DEFAULTS.healthTimeout,
      interval: configured?.interval ?? SERVER_DEFAULTS.interval,
    },
    waitOn: options.waitOn === undefined ? [] : [options.waitOn].flat(),
    shutdown: {
      signal: shutdown?.signal ?? SERVER_DEFAULTS.shutdownSignal,
      timeout: shutdown?.timeout ?? SERVER_DEFAULTS.shutdownTimeout,
    },
    scope: options.scope ?? 'test',
  }
}
