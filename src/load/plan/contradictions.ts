import type { OptionIssue } from '../../errors.ts'
import { optionIssue as issue } from '../../option-issues.ts'
import type { LoadOptions } from './load-options.ts'

/**
 * Pairs of options that exclude each other, with what the second must be. If one comes from the defaults and the other from a call,
 * `mergeLoadOptions` drops the default. An option that excludes others adds its lines here.
 */
export const CONTRADICTIONS: readonly (readonly [keyof LoadOptions, keyof LoadOptions, string])[] = [
  ['rate', 'pipelining', 'left out where `rate` is set (an arrival takes a free connection)'],
  ['stages', 'amount', 'left out where `stages` are set (they say when the load ends)'],
  ['stages', 'duration', 'left out where `stages` are set (their durations add up)'],
  ['scenario', 'requests', 'left out where there is a `scenario` (its virtual users decide)'],
  ['scenario', 'connections', 'left out where there is a `scenario` (each virtual user has its own)'],
  ['scenario', 'pipelining', 'left out where there is a `scenario` (its virtual users decide)'],
  ['scenario', 'order', 'left out where there is a `scenario` (its virtual users decide)'],
  ['scenario', 'method', 'left out where there is a `scenario` (its virtual users decide)'],
  ['scenario', 'body', 'left out where there is a `scenario` (its virtual users decide)'],
]

/** Returns the mistakes in options that are valid by themselves, but exclude each other. */
export function findContradictions(options: LoadOptions, prefix: string, defaults: boolean): OptionIssue[] {
  const at = (name: string) => (prefix === '' ? name : `${prefix}.${name}`)
  const http2 =
    options.protocol === 'h2' && (options.pipelining ?? 1) !== 1
      ? [issue(at('pipelining'), "left out with `protocol: 'h2'` (ask for more `connections`)", options.pipelining)]
      : []
  const issues = CONTRADICTIONS.filter(([one, other]) => options[one] !== undefined && options[other] !== undefined)
    .filter(([, other]) => other !== 'pipelining' || options.pipelining !== 1)
    .map(([, other, expected]) => issue(at(other), expected, options[other]))
  issues.push(...http2)
  const stages = Array.isArray(options.stages) ? options.stages : []
  if (
    options.rate === undefined &&
    (options.pipelining ?? 1) !== 1 &&
    stages.some((part) => part?.rate !== undefined)
  ) {
    issues.push(issue(at('pipelining'), 'left out where stages have a `rate`', options.pipelining))
  }
  if (options.rate !== undefined && options.amount !== undefined && options.amount > 1e9) {
    issues.push(issue(at('amount'), 'at most 1000000000 with `rate`', options.amount))
  }
  if (
    stages.length > 0 &&
    options.rate === undefined &&
    stages.every((part) => part?.rate === undefined || part.rate === 0)
  ) {
    if (stages.some((part) => part?.rate === 0)) {
      issues.push(issue(at('stages'), 'stages of which at least one has a `rate` above 0', options.stages))
    }
  }
  if (!defaults && options.abortOnFail === true && options.thresholds === undefined) {
    issues.push(issue(at('abortOnFail'), 'left out where there are no `thresholds`', true))
  }
  return issues
}
