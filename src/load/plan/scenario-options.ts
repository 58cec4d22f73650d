import { serialize } from 'node:v8'
import type { OptionIssue } from '../../errors.ts'
import { nearestName, optionIssue as issue, rejectIssues } from '../../option-issues.ts'
import type { LoadOptions } from './load-options.ts'
import { isPlainRecord } from './request-issues.ts'

/** Options that only a scenario has. */
export const SCENARIO_OPTIONS = ['mix', 'data', 'virtualUsers', 'seed'] as const

/** Exports that are no iterations. */
const HOOKS: readonly string[] = ['start', 'stop']

/** Returns the mistakes in a load's scenario that show before its module is known. */
export function findScenarioIssues(options: LoadOptions, prefix: string, defaults: boolean): OptionIssue[] {
  const at = (name: string) => (prefix === '' ? name : `${prefix}.${name}`)
  const stages = Array.isArray(options.stages) ? options.stages : []
  if (options.scenario === undefined) {
    if (defaults) return []
    const given = SCENARIO_OPTIONS.filter((name) => options[name] !== undefined)
    const issues = given.map((name) => issue(at(name), 'left out where there is no `scenario`', options[name]))
    if (stages.some((stage) => stage?.virtualUsers !== undefined)) {
      issues.push(issue(at('stages'), 'stages without `virtualUsers` where there is no `scenario`', options.stages))
    }
    const thresholds = isPlainRecord(options.thresholds) ? Object.entries(options.thresholds) : []
    for (const [metric, condition] of thresholds.filter(([name]) => name.startsWith('iterations.'))) {
      issues.push(issue(at(`thresholds.${metric}`), 'left out where there is no `scenario` to iterate', condition))
    }
    return issues
  }
  const issues: OptionIssue[] = []
  if (stages.some((stage) => stage?.connections !== undefined)) {
    issues.push(issue(at('stages'), 'stages with `virtualUsers` or `rate` where there is a `scenario`', options.stages))
  }
  if (options.warmup?.connections !== undefined) {
    issues.push(
      issue(
        at('warmup.connections'),
        'left out where there is a `scenario` (its virtual users warm up)',
        options.warmup.connections,
      ),
    )
  }
  return [...issues, ...findMixIssues(options.mix, at('mix')), ...findDataIssues(options.data, at('data'))]
}

function findMixIssues(mix: unknown, at: string): OptionIssue[] {
  if (!isPlainRecord(mix)) return []
  const names = Object.keys(mix)
  if (!names.some((name) => mix[name] !== 0)) {
    return [issue(at, 'weights of which at least one is above 0, such as { browse: 9, buy: 1 }', mix)]
  }
  return names
    .filter((name) => HOOKS.includes(name))
    .map((name) =>
      issue(`${at}.${name}`, `left out: \`${name}\` is run once for each virtual user, and is no iteration`, mix[name]),
    )
}

/** Finds what cannot be copied to another process. */
function findDataIssues(data: unknown, at: string): OptionIssue[] {
  const culprit = findUncloneable(data, at)
  if (culprit === undefined) return []
  return [
    issue(
      culprit.path,
      'data that can be copied to another process (no functions, no class with private state)',
      culprit.value,
    ),
  ]
}

function findUncloneable(value: unknown, path: string): { path: string; value: unknown } | undefined {
  try {
    serialize(value)
    return undefined
  } catch {
    if (typeof value === 'object' && value !== null) {
      for (const [key, part] of Object.entries(value)) {
        const inner = findUncloneable(part, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`)
        if (inner) return inner
      }
    }
    return { path, value }
  }
}

/**
 * The weights of a scenario's functions, now that its module is known.
 *
 * @throws {PerfOptionsError} for names that the module does not export.
 */
export function planMix(
  mix: Readonly<Record<string, number>> | undefined,
  module: { readonly name: string; readonly exports: readonly string[] | undefined },
): [name: string, weight: number][] {
  const { name: path, exports } = module
  // Its exports are known only when the load process has loaded it.
  if (exports === undefined) return Object.entries(mix ?? { default: 1 }).filter(([, weight]) => weight > 0)
  const iterations = exports.filter((name) => !HOOKS.includes(name))
  const known = iterations.length === 0 ? 'it exports no function to iterate' : `it exports ${iterations.join(', ')}`
  if (mix === undefined) {
    if (exports.includes('default')) return [['default', 1]]
    const expected = `given, such as { ${iterations[0] ?? 'browse'}: 1 }: ${path} has no default export; ${known}`
    rejectIssues('load options', [issue('mix', expected, undefined)])
  }
  const entries = Object.entries(mix ?? {})
  const unknown = entries.filter(([name]) => !exports.includes(name))
  rejectIssues(
    'load options',
    unknown.map(([name, weight]) => {
      const nearest = nearestName(name, iterations)
      const hint = nearest === undefined ? known : `did you mean \`${nearest}\`? ${known}`
      return {
        option: `mix.${name}`,
        expected: `an export of ${path}`,
        received: weight,
        message: `\`mix.${name}\`: ${path} exports nothing of that name; ${hint}`,
      }
    }),
  )
  return entries.filter(([, weight]) => weight > 0)
}
