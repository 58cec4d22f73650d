import * as v from 'valibot'
import { PerfOptionsError, type OptionIssue } from './errors.ts'

/** The option's value as it would stand in code, short enough for a message. */
export function describeValue(value: unknown): string {
  if (value === undefined) return '`undefined`'
  if (typeof value === 'function') return 'a function'
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : typeof value === 'object' && value !== null && !(value instanceof RegExp)
        ? safeJson(value)
        : String(value)
  const short = text.length > 80 ? `${text.slice(0, 77)}...` : text
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  return value === null ? '`null`' : `\`${short}\` (${type})`
}

function safeJson(value: object): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

/** The one form of every message about an option. */
export function optionIssue(option: string, expected: string, received: unknown): OptionIssue {
  return {
    option,
    expected,
    received,
    message: `Expected \`${option}\` to be ${expected}, got ${describeValue(received)}`,
  }
}

function dottedPath(path: readonly v.IssuePathItem[] | undefined, prefix: string): string {
  let text = prefix
  for (const item of path ?? []) {
    if (typeof item.key === 'number') text += `[${item.key}]`
    else text += text === '' ? String(item.key) : `.${String(item.key)}`
  }
  return text
}

function knownKeys(schema: unknown): string[] {
  return typeof schema === 'object' && schema !== null && 'entries' in schema
    ? Object.keys(schema.entries as object)
    : []
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** The known name nearest to a mistyped one, if any is near enough to be meant. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best && best.distance <= Math.max(2, Math.floor(name.length / 3)) ? best.candidate : undefined
}

function unknownOption(option: string, known: readonly string[], received: unknown): OptionIssue {
  const last = option.split('.').at(-1) ?? option
  const nearest = nearestName(last, known)
  const hint = nearest ? `did you mean \`${nearest}\`?` : `known here: ${known.join(', ')}`
  return {
    option,
    expected: `one of ${known.join(', ')}`,
    received,
    message: `Unknown option \`${option}\` (${describeValue(received)}); ${hint}`,
  }
}

/** Every mistake in `input` against `schema`; a pure function, so that several checks can be reported together. */
export function findOptionIssues(schema: v.GenericSchema, input: unknown, prefix = ''): OptionIssue[] {
  const parsed = v.safeParse(schema, input)
  if (parsed.success) return []
  return parsed.issues.map((issue) => {
    const option = dottedPath(issue.path, prefix) || 'options'
    if (issue.type === 'strict_object' && issue.expected === 'never') {
      const parent = issue.path?.slice(0, -1).reduce<unknown>((at, item) => {
        const entries = (at as { entries?: Record<string, unknown> } | undefined)?.entries
        return unwrap(entries?.[String(item.key)])
      }, schema)
      return unknownOption(option, knownKeys(parent), issue.path?.at(-1)?.value ?? issue.input)
    }
    return optionIssue(option, issue.message, issue.input)
  })
}

function unwrap(schema: unknown): unknown {
  return typeof schema === 'object' && schema !== null && 'wrapped' in schema ? unwrap(schema.wrapped) : schema
}

/** Throws one `PerfOptionsError` with all of `issues`, if there are any. */
export function rejectIssues(subject: string, issues: readonly OptionIssue[]): void {
  if (issues.length > 0) throw new PerfOptionsError(subject, issues)
}

/** Building blocks whose message is the `expected` half of the one form: "Expected `x` to be <message>, got …". */
export const duration = v.pipe(
  v.number('a positive number of milliseconds'),
  v.finite('a positive number of milliseconds'),
  v.gtValue(0, 'a positive number of milliseconds'),
)
export const positiveInteger = v.pipe(
  v.number('a positive integer'),
  v.integer('a positive integer'),
  v.minValue(1, 'a positive integer'),
)
export const nonNegativeInteger = v.pipe(
  v.number('an integer of 0 or more'),
  v.integer('an integer of 0 or more'),
  v.minValue(0, 'an integer of 0 or more'),
)
export const positiveNumber = v.pipe(
  v.number('a positive number'),
  v.finite('a positive number'),
  v.gtValue(0, 'a positive number'),
)
export const text = v.pipe(v.string('a string'), v.nonEmpty('a non-empty string'))
export const flag = v.boolean('true or false')
export const abortSignal = v.instance(AbortSignal, 'an AbortSignal')
