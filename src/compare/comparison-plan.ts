import { isDeepStrictEqual } from 'node:util'
import type { OptionIssue } from '../errors.ts'
import { timeLeft, type Lifetime } from '../lifecycle/attempt.ts'
import { mergeLoadOptions } from '../load/plan/load-plan.ts'
import type { LoadOptions } from '../load/plan/load-options.ts'
import { isRecord, optionIssue, rejectIssues } from '../option-issues.ts'
import { findServerOptionIssues, type ServerOptions } from '../server/server-options.ts'
import { readSettings, VARIABLES } from '../settings.ts'
import { milliseconds } from '../units.ts'
import {
  COMPARE_DEFAULTS,
  COMPARE_LOAD_OPTIONS,
  findCompareOptionIssues,
  type CompareLoad,
  type CompareOptions,
} from './compare-options.ts'
import { LONG, SHORT, type LookPlan } from './statistics/looks.ts'
import { resolveTolerances, type Tolerances } from './tolerance.ts'

/** A comparison with every default in place. */
export interface ComparisonPlan {
  readonly title?: string
  readonly base: ServerOptions
  readonly git?: { readonly ref: string; readonly prepare: string | undefined }
  readonly head: ServerOptions
  readonly load: CompareLoad
  readonly duration: number
  readonly looks: LookPlan
  /** Relative, by the metrics that are judged. */
  readonly tolerances: Tolerances
  /** Both are started with the same options. */
  readonly isSame: boolean
}

export interface ComparisonContext {
  /** The plugin's server options. */
  readonly server?: ServerOptions
  /** Defaults of loads, of which those that turns have are taken. */
  readonly load?: Partial<LoadOptions>
  /** Options of `perf({ compare })`. */
  readonly defaults?: Partial<CompareOptions>
  readonly lifetime?: Lifetime
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Milliseconds of a comparison beyond which there is time for more than 24 blocks. */
const LONG_DURATION = 110_000
/** Milliseconds to end servers and report, which the test's timeout must leave. */
const MARGIN = 5_000
/** Milliseconds to suggest for building a base. */
const PREPARE = 120_000

const SOURCES = ['command', 'module', 'url'] as const

/** Server options over others: another source replaces the one below it, and variables are joined. */
export function mergeServers(below: ServerOptions, over: ServerOptions): ServerOptions {
  const kept: ServerOptions = { ...below }
  if (SOURCES.some((name) => over[name] !== undefined)) for (const name of SOURCES) delete kept[name]
  const env = below.env && over.env ? { env: { ...below.env, ...over.env } } : {}
  const given = Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined))
  return { ...kept, ...given, ...env }
}

function ofTurns(options: Partial<LoadOptions> = {}): CompareLoad {
  return Object.fromEntries(Object.entries(options).filter(([name]) => COMPARE_LOAD_OPTIONS.includes(name as never)))
}

function findServerIssues(server: ServerOptions, option: string): OptionIssue[] {
  const issues = findServerOptionIssues(server, option, { partial: true })
  if (server.command === undefined && server.module === undefined && server.url === undefined) {
    const expected = "a command such as 'node server.js' (or give a `module`), here or in `perf({ server: { … } })`"
    issues.push(optionIssue(`${option}.command`, expected, undefined))
  }
  return [...issues, ...findUrlIssues(server, option)]
}

function findUrlIssues(server: ServerOptions, option: string): OptionIssue[] {
  if (server.url === undefined) return []
  const expected = 'left out: a comparison starts fresh servers, over and over (use `command` or `module`)'
  return [optionIssue(`${option}.url`, expected, server.url)]
}

/** What is wrong with the two servers together. */
function findPairIssues(base: ServerOptions, head: ServerOptions): OptionIssue[] {
  if (base.port === undefined || base.port !== head.port) return []
  const expected = 'left out, or another for `base` than for `head`: both servers run side by side'
  return [optionIssue('port', expected, base.port)]
}

/** What is wrong where the comparison cannot end before its test does. */
export function findTimeIssues(duration: number, builds: boolean, lifetime: Lifetime): OptionIssue[] {
  const left = timeLeft(lifetime)
  if (duration + MARGIN <= left) return []
  const whole = (lifetime.timeout ?? left) - left + duration + MARGIN + (builds ? PREPARE : 10_000)
  const suggested = Math.ceil(whole / 10_000) * 10_000
  return [
    {
      option: 'duration',
      expected: `at most ${Math.max(0, Math.floor(left - MARGIN))} ms`,
      received: duration,
      message:
        `The comparison may take ${duration} ms, but its test has ${Math.max(0, Math.round(left))} ms left` +
        `${lifetime.timeout === undefined ? '' : ` of its ${lifetime.timeout} ms`}; give the test a timeout of at least ` +
        `${suggested} ms: test(name, { timeout: ${suggested} }, fn), or the comparison a shorter \`duration\``,
    },
  ]
}

/**
 * Checks and completes the options of a comparison.
 *
 * @throws {PerfOptionsError} with every mistake, before anything is started.
 */
export function planComparison(input: CompareOptions, context: ComparisonContext = {}): ComparisonPlan {
  const { defaults = {}, env = process.env, lifetime } = context
  rejectIssues('comparison options', findCompareOptionIssues(input))
  const merged: CompareOptions = { ...defaults, ...withoutUndefined(input) }
  const settings = readSettings(env)
  const { git: optionRef, prepare, ...baseServer } = merged.base ?? {}
  const ref = settings.base ?? optionRef
  const server = withoutScope(context.server ?? {})
  const head = mergeServers(server, withoutScope(merged.head ?? {}))
  const base = mergeServers(server, withoutScope(baseServer))
  const duration = milliseconds(merged.duration ?? COMPARE_DEFAULTS.duration)
  const load = mergeLoadOptions(merged.load ?? {}, ofTurns(context.load)) as CompareLoad
  const issues = [
    ...findCompareOptionIssues(merged),
    ...findServerIssues(head, 'head'),
    ...(merged.base === undefined && ref === undefined ? [] : findServerIssues(base, 'base')),
    ...findPairIssues(base, head),
    ...(lifetime ? findTimeIssues(duration, ref !== undefined && prepare !== undefined, lifetime) : []),
  ]
  if (merged.base === undefined && ref === undefined) {
    issues.push(optionIssue('base', "an object such as { git: 'origin/main' } or { cwd: '../base' }", merged.base))
  }
  if (prepare !== undefined && ref === undefined) {
    issues.push(optionIssue('base.prepare', 'left out where `base.git` is not given', prepare))
  }
  if (settings.serverUrl !== undefined) {
    const expected = 'unset: a comparison starts its servers itself'
    issues.push(optionIssue(VARIABLES.serverUrl, expected, settings.serverUrl))
  }
  rejectIssues('comparison options', firstOfEach(issues))
  return {
    ...(merged.title === undefined ? {} : { title: merged.title }),
    base,
    ...(ref === undefined ? {} : { git: { ref, prepare } }),
    head,
    load,
    duration,
    looks: duration > LONG_DURATION ? LONG : SHORT,
    tolerances: merged.tolerance ? resolveTolerances(merged.tolerance) : COMPARE_DEFAULTS.tolerance,
    isSame: isDeepStrictEqual(base, head),
  }
}

function withoutUndefined<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Value
}

/** How long a server is shared is nothing to a comparison. */
function withoutScope(server: ServerOptions): ServerOptions {
  if (!isRecord(server)) return server
  const { scope: _scope, ...rest } = server
  return rest
}

function firstOfEach(issues: readonly OptionIssue[]): OptionIssue[] {
  const first = new Map<string, OptionIssue>()
  for (const issue of issues) if (!first.has(issue.message)) first.set(issue.message, issue)
  return [...first.values()]
}
