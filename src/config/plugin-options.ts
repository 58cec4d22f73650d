import type { CompareOptions } from '../compare/compare-options.ts'
import type { LoadOptions } from '../load/plan/load-options.ts'
import type { MemoryConfig } from '../memory/memory-options.ts'
import type { ReportOptions } from '../report/report-options.ts'
import type { ServerOptions } from '../server/server-options.ts'
import type { OptionIssue } from '../errors.ts'
import { findCompareOptionIssues } from '../compare/compare-options.ts'
import { findLoadOptionIssues } from '../load/plan/load-option-issues.ts'
import { findMemoryOptionIssues } from '../memory/memory-options.ts'
import { isRecord, optionIssue, unknownOption } from '../option-issues.ts'
import { findReportOptionIssues } from '../report/report-options.ts'
import { findServerOptionIssues } from '../server/server-options.ts'

/** Options of `perf(options)`: defaults for the fixtures of the same name, and for the reporter. */
export interface PerfPluginOptions {
  /** Default of the `serverOptions` fixture: the server that the `server` fixture starts. */
  server?: ServerOptions
  /** Default of the `loadOptions` fixture: what `generateLoad` takes where a call says nothing. */
  load?: Partial<Omit<LoadOptions, 'signal'>>
  /** Default of the `memoryOptions` fixture: what memory watches take where a call says nothing. */
  memory?: Partial<Omit<MemoryConfig, 'signal'>>
  /** Default of the `compareOptions` fixture: what `compareServers` takes where a call says nothing. */
  compare?: Pick<CompareOptions, 'base' | 'tolerance' | 'duration'>
  /** Options of `--reporter=perf`. */
  report?: ReportOptions
}

declare module 'vitest' {
  // What the plugin hands to the workers: option fixtures by their names, and what relative paths are relative to.
  interface ProvidedContext {
    serverOptions: ServerOptions
    loadOptions: NonNullable<PerfPluginOptions['load']>
    memoryOptions: NonNullable<PerfPluginOptions['memory']>
    compareOptions: NonNullable<PerfPluginOptions['compare']>
    /** The root of the Vitest project. */
    perfRoot: string
    /** What the project replaces in its sources: code by name. */
    perfDefine: Record<string, string>
    /** Of the project, in milliseconds. */
    perfHookTimeout: number
    /** What the page of a test needs to know of the run; `null` where nobody looks at what is attached to tests. */
    perfPages: { root: string; vitest: string } | null
  }
}

const CHECKS: { [Key in keyof PerfPluginOptions]-?: (input: unknown, prefix: string) => OptionIssue[] } = {
  server: findServerOptionIssues,
  load: (input, prefix) => findLoadOptionIssues(input, prefix, { defaults: true }),
  memory: findMemoryOptionIssues,
  compare: findCompareDefaultIssues,
  report: findReportOptionIssues,
}

const COMPARE_DEFAULTS = ['base', 'tolerance', 'duration']

function findCompareDefaultIssues(input: unknown, prefix: string): OptionIssue[] {
  const foreign = isRecord(input) ? Object.entries(input).filter(([name]) => !COMPARE_DEFAULTS.includes(name)) : []
  const own = isRecord(input) ? Object.fromEntries(COMPARE_DEFAULTS.map((name) => [name, input[name]])) : input
  return [
    ...foreign.map(([name, value]) => unknownOption(`${prefix}.${name}`, COMPARE_DEFAULTS, value)),
    ...findCompareOptionIssues(own, prefix),
  ]
}

/** Signals and functions cannot cross from Vitest's main process to its workers. */
function findUncloneable(value: unknown, path: string): OptionIssue[] {
  if (typeof value === 'function' || value instanceof AbortSignal) {
    return [optionIssue(path, 'a plain value, since the plugin hands it to other processes', value)]
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => findUncloneable(item, `${path}[${index}]`))
  if (!isRecord(value) || value instanceof RegExp || ArrayBuffer.isView(value)) return []
  return Object.entries(value).flatMap(([key, item]) => findUncloneable(item, `${path}.${key}`))
}

/** Every mistake in the options of `perf(…)`. */
export function findPluginOptionIssues(options: unknown): OptionIssue[] {
  if (options === undefined) return []
  if (!isRecord(options)) return [optionIssue('options', 'an object', options)]
  const known = Object.keys(CHECKS)
  return Object.entries(options).flatMap(([name, value]): OptionIssue[] => {
    if (value === undefined) return []
    const check = CHECKS[name as keyof PerfPluginOptions]
    if (!check) {
      return [unknownOption(name, known, value)]
    }
    if (!isRecord(value)) return [optionIssue(name, 'an object', value)]
    const uncloneable = findUncloneable(value, name)
    const told = new Set(uncloneable.map(({ option }) => option))
    return [...uncloneable, ...check(value, name).filter(({ option }) => !told.has(option))]
  })
}
