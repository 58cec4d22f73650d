import * as v from 'valibot'
import type { OptionIssue } from './errors.ts'
import { milliseconds, type Duration } from './units.ts'
import { LONGEST_TIMER, optionIssue, unknownOption } from './option-issues.ts'

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

/** Returns every mistake in `input` against `schema`. Does not throw, so that callers can report several checks together. */
export function findOptionIssues(schema: v.GenericSchema, input: unknown, prefix = ''): OptionIssue[] {
  const parsed = v.safeParse(schema, input)
  if (parsed.success) return []
  return parsed.issues.map((issue) => {
    const option = dottedPath(issue.path, prefix) || 'options'
    if (issue.type !== 'strict_object' || !issue.path) return optionIssue(option, issue.message, issue.input)
    if (issue.expected === 'never') {
      const parent = schemaAt(schema, issue.path.slice(0, -1))
      return unknownOption(option, knownKeys(parent), issue.path.at(-1)?.value ?? issue.input)
    }
    return optionIssue(option, missingMessage(schemaAt(schema, issue.path)) ?? issue.message, issue.input)
  })
}

/** The schema of what stands at `path`. */
function schemaAt(schema: unknown, path: readonly v.IssuePathItem[]): unknown {
  return path.reduce<unknown>((at, { key, input }) => {
    const { entries, item: element } = (at ?? {}) as { entries?: Record<string, unknown>; item?: unknown }
    const next = element ?? entries?.[String(key)]
    return unwrap(next, (input as Record<PropertyKey, unknown> | undefined)?.[key as PropertyKey])
  }, schema)
}

function unwrap(schema: unknown, input: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema
  if ('wrapped' in schema) return unwrap(schema.wrapped, input)
  return 'getter' in schema ? unwrap((schema.getter as (input: unknown) => unknown)(input), input) : schema
}

/** What must stand where nothing does. The schema library says only that the object around it lacks something. */
function missingMessage(schema: unknown): string | undefined {
  return schema === undefined ? undefined : v.safeParse(schema as v.GenericSchema, undefined).issues?.[0].message
}

/** Building blocks whose message is the `expected` half of the one form: "Expected `x` to be <message>, got …". */
const durationMessage = "a positive number of milliseconds, or a text such as '10s' (ms, s, m, h)"
/** A duration that a timer is set to: a number of milliseconds, or text. */
export const timerDuration = v.pipe(
  v.custom<Duration>((value) => milliseconds(value as Duration) > 0, durationMessage),
  v.check(
    (value) => milliseconds(value) === Infinity || milliseconds(value) <= LONGEST_TIMER,
    `a positive number of milliseconds, up to ${LONGEST_TIMER}`,
  ),
  v.check((value) => milliseconds(value) !== Infinity, durationMessage),
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
