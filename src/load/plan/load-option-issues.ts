import type { OptionIssue } from '../../errors.ts'
import { findOptionIssues } from '../../options.ts'
import type { KnownNames } from '../../results/figures.ts'
import { parseThresholds } from '../../results/threshold.ts'
import { findCheckIssues } from './answer-check.ts'
import { findContradictions } from './contradictions.ts'
import { findEngineContradictions } from './engine-choice.ts'
import { loadOptionSchema } from './load-option-schema.ts'
import type { LoadOptions, LoadRequest } from './load-options.ts'
import { findBodyIssues, findHeaderIssues, findPathIssues, findUrlIssues, isPlainRecord } from './request-issues.ts'
import { plannedNames } from './request-name.ts'
import { findScenarioIssues } from './scenario-options.ts'

function findThresholdIssues(thresholds: unknown, prefix: string, names: KnownNames): OptionIssue[] {
  if (!isPlainRecord(thresholds)) return []
  return parseThresholds(thresholds, { kind: 'load', names }).issues.map(({ metric, expression, message }) => ({
    option: `${prefix === '' ? '' : `${prefix}.`}thresholds.${metric}`,
    expected: "a figure of the load, an operator (< <= > >= ==) and a number, such as { 'latency.p99': '<50' }",
    received: expression,
    message,
  }))
}

/** How options are checked. */
export interface LoadOptionRule {
  /** The options are defaults, which a call completes: mistakes that only a missing option makes are not told. */
  defaults?: boolean
  /** `url` needs protocol and host: there is no server that a path could stand on. */
  absoluteUrl?: boolean
}

/** Returns the first issue of each option. */
function oneEach(issues: readonly OptionIssue[]): OptionIssue[] {
  const first = new Map<string, OptionIssue>()
  for (const found of issues) if (!first.has(found.option)) first.set(found.option, found)
  return [...first.values()]
}

/** Returns every mistake in load options, also in options that exclude each other. Throws nothing. */
export function findLoadOptionIssues(input: unknown, prefix = '', rule: LoadOptionRule = {}): OptionIssue[] {
  const issues = oneEach(findOptionIssues(loadOptionSchema, input, prefix))
  if (!isPlainRecord(input)) return issues
  const options = input as LoadOptions
  const wrong = new Set(issues.map(({ option }) => option))
  const add = (more: OptionIssue[]) => issues.push(...more.filter(({ option }) => !wrong.has(option)))
  const at = (name: string) => (prefix === '' ? name : `${prefix}.${name}`)
  add(findUrlIssues(at('url'), options.url, rule.absoluteUrl ? 'absolute' : 'any'))
  add(findHeaderIssues(at('headers'), options.headers))
  if (!options.requests) add(findBodyIssues(at('body'), options.method ?? 'GET', options.body))
  const requests: unknown = options.requests
  for (const [index, entry] of Array.isArray(requests) ? (requests as unknown[]).entries() : []) {
    if (!isPlainRecord(entry)) continue
    const part = entry as LoadRequest
    add(findPathIssues(at(`requests[${index}].path`), part.path))
    add(findHeaderIssues(at(`requests[${index}].headers`), part.headers))
    add(findCheckIssues(at(`requests[${index}].check`), part.check, part.method ?? options.method))
    add(
      findBodyIssues(at(`requests[${index}].body`), part.method ?? options.method ?? 'GET', part.body ?? options.body),
    )
  }
  add(findContradictions(options, prefix, rule.defaults ?? false))
  add(findEngineContradictions(options, prefix))
  add(findScenarioIssues(options, prefix, rule.defaults ?? false))
  // The names of requests are known here unless a call completes these options, or a scenario names its requests itself.
  const names = rule.defaults || options.scenario !== undefined || issues.length > 0 ? {} : plannedNames(options)
  add(findThresholdIssues(options.thresholds, prefix, names))
  return issues
}
