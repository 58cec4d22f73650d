import { URL } from 'node:url'
import * as v from 'valibot'
import type { OptionIssue } from '../../errors.ts'
import { optionIssue } from '../../option-issues.ts'
import { flag, text, timerDuration } from '../../options.ts'
import { parseServerUrl } from '../../server-url.ts'
import { milliseconds, type Duration } from '../../units.ts'
import { ENGINES, type EngineName } from './engine-choice.ts'
import { LOAD_DEFAULTS } from './load-defaults.ts'
import type { LoadOptions } from './load-options.ts'
import type { LoadPlan } from './load-plan.ts'
import { widthOf } from './share.ts'

/**
 * Load processes on other machines (or here), which a [Locust](https://locust.io) master finds, watches and stops. Each worker is
 * `npx vitest-plugin-perf worker --master HOST:PORT [--processes N]`.
 */
export interface LocustEngine {
  /** Names the engine. */
  use: 'locust'
  /** Workers that share a load. It begins when so many have joined. */
  workers: number
  /** Where the master listens for workers (default `'127.0.0.1:5557'`). `'0.0.0.0:5557'` for workers on other machines. */
  listen?: string
  /** Starts Locust 2.12 or later (default `'locust'`), such as `'python3 -m locust'`. */
  command?: string
  /** Time that master and workers have to be ready (default 60 000). */
  waitForWorkers?: Duration
  /** Where workers reach the server, in place of the origin of the load's URL: `'http://10.0.0.5:4100'`. `{port}` is the port of that URL. */
  target?: string
  /** Shows the load on Locust's own page, on `http://127.0.0.1:8089` or the port given (default false). */
  web?: boolean | number
}

/** `LocustEngine` with every default in place. */
export interface PlannedLocust {
  readonly use: 'locust'
  readonly workers: number
  readonly host: string
  readonly port: number
  readonly command: string
  /** Milliseconds. */
  readonly waitForWorkers: number
  /** Port of Locust's page; absent: no page. */
  readonly web?: number
  /** URL of the load as the spec knows it, without `target`. */
  readonly localUrl: string
}

const ADDRESS = /^([^\s:/[\]]+):(\d{1,5})$/

/** Host and port of a text such as `10.0.0.5:5557`; `undefined` for anything else. */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const [, host, digits] = ADDRESS.exec(text) ?? []
  const port = Number(digits)
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined
}

const WEB_PORT = 8_089
const workersMessage = 'an integer from 1 to 1000'
const webMessage = 'true, false or a port'
const targetMessage =
  "where workers reach the server, such as 'http://10.0.0.5:4100' ({port}: the port of the load's URL)"

const locust = v.strictObject(
  {
    use: v.literal('locust', "'locust'"),
    workers: v.pipe(
      v.number(workersMessage),
      v.integer(workersMessage),
      v.minValue(1, workersMessage),
      v.maxValue(1_000, workersMessage),
    ),
    listen: v.optional(
      v.custom<string>(
        (value) => typeof value === 'string' && parseAddress(value) !== undefined,
        "an IPv4 address or a host name, and a port, such as '0.0.0.0:5557'",
      ),
    ),
    command: v.optional(v.pipe(text, v.regex(/\S/, "a command, such as 'locust'"))),
    waitForWorkers: v.optional(timerDuration),
    target: v.optional(v.custom<string>((value) => originOf(value, 1) !== undefined, targetMessage)),
    web: v.optional(
      v.union(
        [
          flag,
          v.pipe(
            v.number(webMessage),
            v.integer(webMessage),
            v.minValue(1, webMessage),
            v.maxValue(65_535, webMessage),
          ),
        ],
        webMessage,
      ),
    ),
  },
  "'built-in', 'autocannon' or an object { use: 'locust', workers, … }",
)

/** What `engine` may be. */
export const engineOption = v.lazy((input) =>
  typeof input === 'object' ? locust : v.picklist(ENGINES, "'built-in', 'autocannon' or { use: 'locust', workers, … }"),
)

/** Returns the origin of a `target`, with `{port}` replaced by the port of the load's URL; `undefined` if it is malformed. */
function originOf(target: unknown, port: number): string | undefined {
  if (typeof target !== 'string') return undefined
  const url = parseServerUrl(target.replace('{port}', String(port)))
  return url && url.pathname === '/' && url.search === '' && url.username === '' ? url.origin : undefined
}

/** The URL that is loaded: with the origin of `target`, where the engine has one. */
export function urlOnTarget(url: URL, engine: LoadOptions['engine']): URL {
  if (typeof engine !== 'object' || engine.target === undefined) return url
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  const { protocol, hostname, port: targetPort } = new URL(originOf(engine.target, port) as string)
  return Object.assign(new URL(url), { protocol, hostname, port: targetPort })
}

/** `longestWait`: milliseconds that the test leaves for master and workers to get ready. */
export function planEngine(
  engine: LoadOptions['engine'] = LOAD_DEFAULTS.engine,
  { localUrl, longestWait }: { localUrl: string; longestWait: number },
): EngineName | PlannedLocust {
  if (typeof engine !== 'object') return engine
  const { use, workers, listen = '127.0.0.1:5557', command = 'locust', waitForWorkers = 60_000, web = false } = engine
  const page = web === true ? WEB_PORT : web
  return {
    use,
    workers,
    ...(parseAddress(listen) as { host: string; port: number }),
    command,
    waitForWorkers: Math.max(0, Math.min(milliseconds(waitForWorkers), longestWait)),
    ...(page === false ? {} : { web: page }),
    localUrl,
  }
}

/** What a load over workers cannot do. */
export function findLocustIssues(plan: LoadPlan): OptionIssue[] {
  if (typeof plan.engine !== 'object') return []
  const { workers } = plan.engine
  const { option, count } = widthOf(plan)
  if (count >= workers) return []
  return [optionIssue(option, `at least ${workers}, one for each of the ${workers} \`engine.workers\``, count)]
}
