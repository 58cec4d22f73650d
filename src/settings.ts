import type { OptionIssue } from './errors.ts'
import { isRecord, LONGEST_TIMER, optionIssue, rejectIssues } from './option-issues.ts'
import { findBaseUrlProblem } from './server-url.ts'
import { milliseconds, type Duration } from './units.ts'

/** The environment variables that users set. Each wins over the option of the same meaning. */
export const VARIABLES = {
  /** Loads and checks use this running server: nothing is started or stopped. Wins over `server.url`, `command` and `module`. */
  serverUrl: 'VITEST_PERF_SERVER_URL',
  /** Milliseconds until a server that is not healthy has failed: `health.timeout`. */
  healthTimeout: 'VITEST_PERF_HEALTH_TIMEOUT',
  /** Milliseconds of the measured part of every load: `duration`. */
  loadDuration: 'VITEST_PERF_LOAD_DURATION',
  /** Milliseconds: the `testTimeout` that the plugin sets. */
  testTimeout: 'VITEST_PERF_TIMEOUT',
  /** Who generates every load, as the option `engine`: `built-in`, `autocannon`, or JSON such as `{"use":"locust","workers":2}`. */
  engine: 'VITEST_PERF_ENGINE',
  /** The commit that `compareServers` takes as base: `base.git`. */
  base: 'VITEST_PERF_BASE',
  /** The secret that both sides of a load on other machines have: workers run only plans that are signed with it. */
  token: 'VITEST_PERF_TOKEN',
} as const

/** What the environment variables say. A variable that is unset or empty is absent. Times in milliseconds. */
export interface Settings {
  readonly serverUrl?: string
  readonly healthTimeout?: number
  readonly loadDuration?: number
  readonly testTimeout?: number
  /** Who generates the load. */
  readonly engine?: 'built-in' | 'autocannon' | object
  /** The `git` of `compare.base`. */
  readonly base?: string
  /** The secret that Vitest and its workers share: plans are signed with it. */
  readonly token?: string
}

type Environment = Readonly<Record<string, string | undefined>>
type Reader = (text: string) => { readonly value: string | number | object } | { readonly expected: string }

const time: Reader = (text) => {
  const value = Number.isNaN(Number(text)) ? milliseconds(text as Duration) : Number(text)
  if (value > 0 && value <= LONGEST_TIMER) return { value }
  return { expected: `a positive number of milliseconds, up to ${LONGEST_TIMER}` }
}

const baseUrl: Reader = (text) => {
  const expected = findBaseUrlProblem(text)
  return expected === undefined ? { value: text } : { expected }
}

/** The options of an engine that has some are JSON; what they say is checked with those of the load. */
const engine: Reader = (text) => {
  if (text === 'built-in' || text === 'autocannon') return { value: text }
  const value = jsonObject(text)
  return value ? { value } : { expected: `'built-in', 'autocannon' or JSON such as '{"use":"locust","workers":2}'` }
}

function jsonObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

const anyText: Reader = (value) => ({ value })

const READERS: Record<keyof Settings, Reader> = {
  serverUrl: baseUrl,
  healthTimeout: time,
  loadDuration: time,
  testTimeout: time,
  engine,
  base: anyText,
  token: anyText,
}

/** What the environment says, and every mistake in it. */
export function parseSettings(environment: Environment): { settings: Settings; issues: OptionIssue[] } {
  const settings: Record<string, string | number | object> = {}
  const issues: OptionIssue[] = []
  for (const name of Object.keys(VARIABLES) as (keyof Settings)[]) {
    const text = environment[VARIABLES[name]]?.trim()
    if (!text) continue
    const read = READERS[name](text)
    if ('value' in read) settings[name] = read.value
    else issues.push(optionIssue(VARIABLES[name], read.expected, text))
  }
  return { settings, issues }
}

/**
 * What the environment says.
 *
 * @throws {PerfOptionsError} with every mistake in it.
 */
export function readSettings(environment: Environment = process.env): Settings {
  const { settings, issues } = parseSettings(environment)
  rejectIssues('environment', issues)
  return settings
}
