import * as v from 'valibot'
import type { OptionIssue } from '../errors.ts'
import { findLoadOptionIssues } from '../load/plan/load-option-issues.ts'
import { loadOptionNames } from '../load/plan/load-option-schema.ts'
import type { LoadOptions } from '../load/plan/load-options.ts'
import { isRecord, optionIssue, unknownOption } from '../option-issues.ts'
import { abortSignal, findOptionIssues, text } from '../options.ts'
import type { ComparedMetricName } from '../results/comparison.ts'
import { findServerOptionIssues, serverOptionNames, type ServerOptions } from '../server/server-options.ts'
import { milliseconds, type Duration } from '../units.ts'
import { findToleranceIssues, type CompareTolerance } from './tolerance.ts'

export type { CompareTolerance } from './tolerance.ts'

/** The base: a commit of this repository, or any server. What it leaves out is of the plugin's server options. */
export interface CompareBase extends ServerOptions {
  /** A branch, a tag, a hash, or `'merge-base:origin/main'`. `VITEST_PERF_BASE` wins over it. */
  git?: string
  /** A shell command line that makes the tree of the commit ready to run, such as `'npm ci && npm run build'`. It runs once for each commit. */
  prepare?: string
}

/** What both servers are asked: the closed model, on connections that stay open. */
export type CompareLoad = Pick<
  LoadOptions,
  'url' | 'connections' | 'pipelining' | 'timeout' | 'method' | 'headers' | 'body' | 'requests' | 'expectStatus' | 'tls'
>

/** Options of `compareServers`; those of `perf({ compare })` are its defaults. */
export interface CompareOptions {
  /** What head is compared with. Default: that of `perf({ compare })`. */
  base?: CompareBase
  /** The server that may have become slower. Default: the plugin's server options, in the working tree. */
  head?: ServerOptions
  /** What both are asked. What it leaves out comes from `perf({ load })`. */
  load?: CompareLoad
  /**
   * The most that the comparison may take, in milliseconds or as text (`'60s'`). Default 60 000, at least 15 000. It ends sooner
   * where the verdict is clear. `prepare` is not in it.
   */
  duration?: Duration
  /**
   * What is judged, and how much more than base is tolerated. Default `{ cpuPerRequest: '5%', 'latency.p50': '5%' }`. At least
   * 2 %: alternating turns themselves are off by up to 1.1 %. `latency.p99` needs 25 % or more.
   */
  tolerance?: CompareTolerance
  /** Name of the comparison in reports. */
  title?: string
  /** Ends the comparison, which then rejects with what was measured. */
  signal?: AbortSignal
}

export const COMPARE_DEFAULTS = {
  duration: 60_000,
  tolerance: { cpuPerRequest: 0.05, 'latency.p50': 0.05 },
} as const satisfies { duration: number; tolerance: Partial<Record<ComparedMetricName, number>> }

/** Six blocks with 0.5 s of warm-up and 1.2 s of turns each, and what it takes to start and stop a quick pair of servers. */
export const LEAST_DURATION = 15_000

export const COMPARE_LOAD_OPTIONS: readonly (keyof CompareLoad)[] = [
  'url',
  'connections',
  'pipelining',
  'timeout',
  'method',
  'headers',
  'body',
  'requests',
  'expectStatus',
  'tls',
]
/** Of a load, and not of a comparison. */
const NOT_OF_TURNS =
  'left out: a comparison sends a closed-model load and decides how long (at most its own `duration`)'

const KNOWN: readonly (keyof CompareOptions)[] = ['base', 'head', 'load', 'duration', 'tolerance', 'title', 'signal']

const DURATION = `a number of milliseconds or a text such as '60s', at least ${LEAST_DURATION} ms: a verdict needs six pairs of fresh servers`

function findDurationIssues(duration: unknown, option: string): OptionIssue[] {
  if (duration === undefined) return []
  const time = milliseconds(duration as Duration)
  return time >= LEAST_DURATION && Number.isFinite(time) ? [] : [optionIssue(option, DURATION, duration)]
}

function findLoadIssues(load: unknown, option: string): OptionIssue[] {
  if (load === undefined) return []
  if (!isRecord(load)) return [optionIssue(option, "an object such as { url: '/orders', connections: 4 }", load)]
  const own = Object.fromEntries(
    Object.entries(load).filter(([name]) => (COMPARE_LOAD_OPTIONS as readonly string[]).includes(name)),
  )
  const foreign = Object.entries(load).filter(([name, value]) => !(name in own) && value !== undefined)
  const issues = foreign.map(([name, value]) =>
    loadOptionNames.includes(name)
      ? optionIssue(`${option}.${name}`, NOT_OF_TURNS, value)
      : unknownOption(`${option}.${name}`, COMPARE_LOAD_OPTIONS, value),
  )
  const { url } = load
  if (typeof url === 'string' && !url.startsWith('/')) {
    issues.push(
      optionIssue(`${option}.url`, "a path such as '/orders': both servers have an address of their own", url),
    )
    delete own.url
  }
  return [...issues, ...findLoadOptionIssues(own, option, { defaults: true })]
}

function findServerIssues(server: unknown, option: string, extra: readonly string[] = []): OptionIssue[] {
  if (server === undefined) return []
  if (!isRecord(server)) return [optionIssue(option, 'an object', server)]
  const known = [...extra, ...serverOptionNames]
  const own = Object.fromEntries(Object.entries(server).filter(([name]) => serverOptionNames.includes(name)))
  const foreign = Object.entries(server).filter(([name]) => !known.includes(name))
  return [
    ...foreign.map(([name, value]) => unknownOption(`${option}.${name}`, known, value)),
    ...findServerOptionIssues(own, option, { partial: true }),
  ]
}

/** Every mistake in options of a comparison, by themselves. Pure. */
export function findCompareOptionIssues(input: unknown, prefix = ''): OptionIssue[] {
  if (!isRecord(input)) return [optionIssue(prefix || 'options', 'an object', input)]
  const at = (name: string) => (prefix === '' ? name : `${prefix}.${name}`)
  const foreign = Object.entries(input).filter(([name]) => !(KNOWN as readonly string[]).includes(name))
  const base = isRecord(input.base) ? input.base : {}
  return [
    ...foreign.map(([name, value]) => unknownOption(at(name), KNOWN, value)),
    ...findServerIssues(input.base, at('base'), ['git', 'prepare']),
    ...findOptionIssues(v.optional(text), base.git, at('base.git')),
    ...findOptionIssues(v.optional(text), base.prepare, at('base.prepare')),
    ...findServerIssues(input.head, at('head')),
    ...findLoadIssues(input.load, at('load')),
    ...findDurationIssues(input.duration, at('duration')),
    ...findToleranceIssues(input.tolerance, at('tolerance')),
    ...findOptionIssues(v.optional(text), input.title, at('title')),
    ...findOptionIssues(v.optional(abortSignal), input.signal, at('signal')),
  ]
}
