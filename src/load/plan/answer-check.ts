import { types } from 'node:util'
import * as v from 'valibot'
import type { OptionIssue } from '../../errors.ts'
import { optionIssue as issue } from '../../option-issues.ts'
import { text } from '../../options.ts'
import { markPosition, parsePath } from '../../results/figure-path.ts'
import { isPlainRecord } from './request-issues.ts'

/** A JSON value. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** What the body of an answer must be. It is decoded first (gzip, br, deflate). */
export interface BodyCheck {
  /** A text that it contains, or several. */
  contains?: string | readonly string[]
  /** A regular expression that matches, also as text: `'^ok'`. */
  matches?: RegExp | string
  /**
   * Values by their paths in the body's JSON: `{ 'data.user.id': 7, 'items[0].tags': ['a'], 'items.length': 3, errors: undefined }`.
   * `undefined`: there is no such value.
   */
  json?: Readonly<Record<string, JsonValue | undefined>>
}

/** What an answer must be, as data. All of it must hold. */
export interface AnswerCheck {
  /** What its body must be. */
  body?: BodyCheck
  /** By name in any case: the exact value, a regular expression that matches, or `undefined`: there is no such header. */
  headers?: Readonly<Record<string, string | number | RegExp | undefined>>
}

/** A regular expression as plain data. */
export interface PlannedPattern {
  readonly source: string
  readonly flags: string
}

/** A check as the load process gets it: plain JSON. */
export interface PlannedCheck {
  readonly contains: readonly string[]
  readonly matches?: PlannedPattern
  /** Without `expected` there must be no such value. */
  readonly json: readonly { readonly path: string; readonly keys: readonly string[]; readonly expected?: JsonValue }[]
  /** Names in lower case. With neither `equals` nor `matches` there must be no such header. */
  readonly headers: readonly { readonly name: string; readonly equals?: string; readonly matches?: PlannedPattern }[]
}

const patternMessage = 'a regular expression, or one as text'
const pattern = v.custom<RegExp | string>(
  (value) => types.isRegExp(value) || (typeof value === 'string' && value !== '' && isPattern(value)),
  patternMessage,
)
const containedMessage = 'a non-empty string, or a list of at least one'
const contained = v.union([text, v.pipe(v.array(text), v.minLength(1, containedMessage))], containedMessage)
const json = v.custom<NonNullable<BodyCheck['json']>>(
  (value) => isPlainRecord(value) && Object.keys(value).length > 0,
  "an object of paths and values, such as { 'data.user.id': 7 }",
)
const headerValue = v.union(
  [v.string(), v.number(), v.undefined(), v.custom<RegExp>((value) => types.isRegExp(value))],
  'a string, a number, a regular expression, or undefined',
)
const bodyMessage = 'an object { contains?, matches?, json? } with at least one of them'
const message = 'an object { body?, headers? } with at least one of them'

export const answerCheck = v.pipe(
  v.strictObject(
    {
      body: v.optional(
        v.pipe(
          v.strictObject(
            { contains: v.optional(contained), matches: v.optional(pattern), json: v.optional(json) },
            bodyMessage,
          ),
          v.check(isNotEmpty, bodyMessage),
        ),
      ),
      headers: v.optional(v.record(v.string(), headerValue, 'an object of header names and values')),
    },
    message,
  ),
  v.check(isNotEmpty, message),
)

function isNotEmpty(value: object): boolean {
  return Object.values(value).some((part) => part !== undefined)
}

function isPattern(source: string): boolean {
  try {
    void new RegExp(source)
    return true
  } catch {
    return false
  }
}

/** Mistakes in a check that its schema cannot see. `option` is its name, `method` that of its request. */
export function findCheckIssues(option: string, check: unknown, method: unknown): OptionIssue[] {
  if (!isPlainRecord(check) || !isPlainRecord(check.body)) return []
  const { body } = check as { body: BodyCheck }
  if (typeof method === 'string' && method.toUpperCase() === 'HEAD') {
    return [issue(`${option}.body`, 'left out where the method is HEAD: the answer has no body', body)]
  }
  if (!isPlainRecord(body.json)) return []
  return Object.entries(body.json).flatMap(([path, expected]): OptionIssue[] => {
    const at = `${option}.body.json[${JSON.stringify(path)}]`
    const parsed = parsePath(path)
    if (!Array.isArray(parsed)) {
      const told = `Malformed path in \`${option}.body.json\`, ${parsed.reason}:\n${markPosition(path, parsed.at)}`
      return [{ option: at, expected: 'a path such as data.items[0].id', received: path, message: told }]
    }
    return expected === undefined || isJson(expected)
      ? []
      : [issue(at, 'a value that JSON can hold, or undefined', expected)]
  })
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return true
  if (Array.isArray(value)) return value.every(isJson)
  return isPlainRecord(value) && Object.values(value).every(isJson)
}

export function planCheck({ body = {}, headers = {} }: AnswerCheck): PlannedCheck {
  const { contains = [], matches, json: values = {} } = body
  return {
    contains: typeof contains === 'string' ? [contains] : contains,
    ...(matches === undefined ? {} : { matches: planPattern(matches) }),
    json: Object.entries(values).map(([path, expected]) => {
      const parsed = parsePath(path)
      const keys = Array.isArray(parsed) ? parsed.map(({ key }) => key) : [path]
      return { path, keys, ...(expected === undefined ? {} : { expected }) }
    }),
    headers: Object.entries(headers).map(([name, value]) => ({
      name: name.toLowerCase(),
      ...(value === undefined
        ? {}
        : types.isRegExp(value)
          ? { matches: planPattern(value) }
          : { equals: String(value) }),
    })),
  }
}

/** Without `g` and `y`: those remember where the last match was. */
function planPattern(given: RegExp | string): PlannedPattern {
  return typeof given === 'string'
    ? { source: given, flags: '' }
    : { source: given.source, flags: given.flags.replace(/[gy]/g, '') }
}
