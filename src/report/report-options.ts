import { normalize } from 'node:path'
import * as v from 'valibot'
import type { OptionIssue } from '../errors.ts'
import { optionIssue, rejectIssues } from '../option-issues.ts'
import { findOptionIssues, flag, text, timerDuration } from '../options.ts'
import { milliseconds, type Duration } from '../units.ts'

/** What the `perf` reporter writes and how often it speaks. Paths are relative to Vitest's root. */
export interface ReportOptions {
  /** Writes everything that was measured to this file, as JSON (`schema/report-v2.schema.json`). */
  json?: string
  /** Writes one self-contained HTML page to this file. */
  html?: string
  /** Writes the key figures to this file in the Prometheus text format. */
  prometheus?: string
  /** Writes latencies and error rates to this file for github-action-benchmark (`tool: customSmallerIsBetter`). */
  benchmark?: string
  /** Writes the key figures to this file in the Bencher Metric Format. */
  bencher?: string
  /** Time between two lines of a running load where the output is no terminal. Default 5 000 (ms). */
  interval?: Duration
  /** Annotations and a job summary for GitHub Actions. Default: on where `GITHUB_ACTIONS` is `true`. */
  github?: boolean
}

/** Report options with every default in place. */
export interface ResolvedReportOptions {
  json?: string
  html?: string
  prometheus?: string
  benchmark?: string
  bencher?: string
  interval: number
  github: boolean
}

const FILES = ['json', 'html', 'prometheus', 'benchmark', 'bencher'] as const

const reportOptions: v.GenericSchema = v.strictObject(
  {
    json: v.optional(text),
    html: v.optional(text),
    prometheus: v.optional(text),
    benchmark: v.optional(text),
    bencher: v.optional(text),
    interval: v.optional(timerDuration),
    github: v.optional(flag),
  },
  'an object',
)

/** Every mistake in report options; pure, so that the plugin can report them together with its others. */
export function findReportOptionIssues(input: unknown, prefix = ''): OptionIssue[] {
  const issues = findOptionIssues(reportOptions, input, prefix)
  return issues.length > 0 ? issues : findSharedPaths(input as ReportOptions, prefix)
}

/** Two reports in one file: the one written later would be all that is left. */
function findSharedPaths(options: ReportOptions, prefix: string): OptionIssue[] {
  const owner = new Map<string, string>()
  return FILES.flatMap((name) => {
    const path = options[name]
    if (path === undefined) return []
    const file = normalize(path)
    const other = owner.get(file)
    if (other === undefined) owner.set(file, name)
    const option = prefix === '' ? name : `${prefix}.${name}`
    return other === undefined ? [] : [optionIssue(option, `another file than that of \`${other}\``, path)]
  })
}

/** Throws one `PerfOptionsError` that lists every mistake. */
export function checkReportOptions(input: unknown): ReportOptions {
  rejectIssues('options of the reporter `perf`', findReportOptionIssues(input))
  return input as ReportOptions
}

/** `own` (of `['perf', { … }]`) wins over `defaults` (of the plugin), option by option. */
export function resolveReportOptions(
  own: ReportOptions,
  defaults: ReportOptions,
  env: Record<string, string | undefined>,
): ResolvedReportOptions {
  const given = { ...defined(defaults), ...defined(own) }
  rejectIssues('options of the reporter `perf`', findSharedPaths(given, ''))
  return {
    ...given,
    interval: milliseconds(given.interval ?? 5_000),
    github: given.github ?? env['GITHUB_ACTIONS'] === 'true',
  }
}

function defined(options: ReportOptions): ReportOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** Whether any file is to be written. */
export function asksForFiles(options: ReportOptions): boolean {
  return FILES.some((name) => options[name] !== undefined)
}
