import * as v from 'valibot'
import type { OptionIssue } from '../errors.ts'
import { optionIssue } from '../option-issues.ts'
import { findOptionIssues, nonNegativeInteger, positiveInteger, text, timerDuration } from '../options.ts'
import { findBaseUrlProblem } from '../server-url.ts'

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
    timeout: v.optional(timerDuration),
    interval: v.optional(timerDuration),
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
        v.check(
          (url) => findBaseUrlProblem(url) === undefined,
          "an absolute http(s) URL, such as 'http://127.0.0.1:3000'",
        ),
      ),
    ),
    port: v.optional(v.pipe(positiveInteger, v.maxValue(65_535, 'a port of 1 to 65535'))),
    host: v.optional(text),
    cwd: v.optional(text),
    env: v.optional(
      v.record(v.string(), v.optional(v.string('a string, or undefined to remove it')), 'an object of strings'),
    ),
    health: v.optional(v.custom<unknown>(() => true)),
    waitOn: v.optional(v.custom<string | string[]>(() => true)),
    shutdown: v.optional(
      v.strictObject(
        {
          signal: v.optional(v.picklist(SIGNALS, `one of ${SIGNALS.join(', ')}`)),
          timeout: v.optional(v.pipe(nonNegativeInteger, v.maxValue(2_147_483_647, 'an integer of 0 to 2147483647'))),
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
