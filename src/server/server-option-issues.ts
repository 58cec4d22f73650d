import { URL } from 'node:url'
import { isIP } from 'node:net'
import * as v from 'valibot'
import type { OptionIssue } from '../errors.ts'
import { LONGEST_TIMER, optionIssue } from '../option-issues.ts'
import { milliseconds, type Duration } from '../units.ts'
import { findOptionIssues, flag, positiveInteger, text, timerDuration } from '../options.ts'
import { bareHost, findBaseUrlProblem } from '../server-url.ts'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGKILL', 'SIGABRT']
const SCOPES = ['test', 'file', 'worker'] as const
const WAIT_ON_RESOURCE = /^(https?(-get)?:\/\/|tcp:|socket:|file:|command:|[^:]+$)/

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

const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i

/** What is wrong with a host, and how to say it; `undefined` for a name or an address. */
function hostProblem(host: string): string | undefined {
  const expected = "a host name or an IP address, such as '127.0.0.1'"
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(host)) {
    return `${expected}, not a URL (use \`url\` for a server that already runs)`
  }
  const bare = bareHost(host)
  if (isIP(bare) !== 0) return bare.includes('%') ? `${expected}, without a zone` : undefined
  if (/^(\[.*\]|[^:]*):\d+$/.test(host)) return `${expected}, without a port (that is \`port\`)`
  return HOST_NAME.test(host) && URL.canParse(`http://${host}`) ? undefined : expected
}

const host = v.pipe(
  v.string("a host name or an IP address, such as '127.0.0.1'"),
  v.rawCheck(({ dataset, addIssue }) => {
    const message = dataset.typed ? hostProblem(dataset.value) : undefined
    if (message !== undefined) addIssue({ message })
  }),
)

// The system takes none of these, and Node's own error comes at the start, in its words.
const NO_NUL = /^[^\0]*$/
const path = v.pipe(text, v.regex(NO_NUL, 'a string without a NUL character'))
const variableName = v.pipe(
  v.string(),
  v.regex(/^[^=\0]+$/, "an object whose names are names of variables: not empty, without '='"),
)
const variableValue = v.pipe(
  v.string('a string, or undefined to remove it'),
  v.regex(NO_NUL, 'a string without a NUL character'),
)
const envFiles = "a file in dotenv form, such as '.env.test', or a list of them"

const graceMessage = `0 or more milliseconds, up to ${LONGEST_TIMER}, or a text such as '5s'`
const shutdownTimeout = v.custom<Duration>((value) => {
  const time = milliseconds(value as Duration)
  return time >= 0 && time <= LONGEST_TIMER
}, graceMessage)

const serverSchema = v.strictObject(
  {
    command: v.optional(path),
    module: v.optional(path),
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
    host: v.optional(host),
    cwd: v.optional(path),
    env: v.optional(v.record(variableName, v.optional(variableValue), 'an object of strings')),
    envFile: v.optional(v.custom<unknown>(() => true)),
    protocol: v.optional(v.picklist(['http', 'https'], "'http' or 'https'")),
    tls: v.optional(
      v.strictObject(
        { ca: v.optional(text), rejectUnauthorized: v.optional(flag), servername: v.optional(text) },
        'an object with `ca`, `rejectUnauthorized` or `servername`',
      ),
    ),
    stdin: v.optional(v.picklist(['ignore', 'open'], "'ignore' or 'open'")),
    health: v.optional(v.custom<unknown>(() => true)),
    waitOn: v.optional(v.custom<string | string[]>(() => true)),
    shutdown: v.optional(
      v.strictObject(
        {
          signal: v.optional(v.picklist(SIGNALS, `one of ${SIGNALS.join(', ')}`)),
          timeout: v.optional(shutdownTimeout),
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

/** One of something, or a list of it. */
function findListIssues(schema: v.GenericSchema, value: unknown, option: string): OptionIssue[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) return findOptionIssues(schema, value, option)
  return value.flatMap((item, index) => findOptionIssues(schema, item, `${option}[${index}]`))
}

const envFile = v.pipe(v.string(envFiles), v.nonEmpty(envFiles), v.regex(NO_NUL, envFiles))

function maySpeakTls({ url, module, protocol }: Loose): boolean {
  if (url !== undefined) return /^https:/i.test(String(url))
  return protocol === 'https' || (protocol === undefined && module !== undefined)
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
  if (input.tls !== undefined && !maySpeakTls(input)) {
    return [optionIssue(at('tls'), "left out, or to stand beside `protocol: 'https'`", input.tls)]
  }
  if (input.url === undefined) return []
  return ['port', 'host', 'cwd', 'env', 'envFile', 'protocol', 'stdin', 'waitOn', 'shutdown']
    .filter((name) => input[name] !== undefined)
    .map((name) => optionIssue(at(name), 'left out where `url` is given, since no server is started then', input[name]))
    .concat(
      isObject(input.health) && input.health.log !== undefined
        ? optionIssue(at('health.log'), 'left out where `url` is given, since its output is not ours', input.health.log)
        : [],
    )
}

/** All server options, in the order in which they are documented. */
export const serverOptionNames: readonly string[] = Object.keys(serverSchema.entries)

/**
 * Every mistake in server options, also those that lie between two options. Pure. `prefix` is how the message calls the
 * object; with `partial` options that name no server yet are fine.
 */
export function findServerOptionIssues(input: unknown, prefix = '', { partial = false } = {}): OptionIssue[] {
  const at = (name: string) => (prefix ? `${prefix}.${name}` : name)
  const issues = findOptionIssues(serverSchema, input, prefix)
  if (!isObject(input)) return issues
  issues.push(
    ...findHealthIssues(input.health, at('health')),
    ...findListIssues(waitOnResource, input.waitOn, at('waitOn')),
    ...findListIssues(envFile, input.envFile, at('envFile')),
  )
  const named = ['command', 'module', 'url'].some((name) => input[name] !== undefined)
  if (named || !partial) issues.push(...findSourceIssues(input, at, prefix))
  return issues
}
