import { isDeepStrictEqual } from 'node:util'
import { valueAtPath } from '../../results/figure-path.ts'
import type { PlannedCheck, PlannedPattern } from '../plan/answer-check.ts'

/** What can be read of an answer. The body is decoded when it is first read. */
export interface ReadableAnswer {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Empty unless the request needs it. */
  readonly body: Buffer
  /** Why the body could not be decoded, if so. */
  readonly malformed: string | undefined
}

/** Characters of an answer that a message quotes. */
const QUOTED = 120

/** Evaluates checks. Compiles each regular expression once. */
export class CheckEvaluator {
  readonly #patterns = new Map<PlannedPattern, RegExp>()

  /** Returns what was expected of `answer` and what came, or `undefined` if all of `check` holds. */
  failure(check: PlannedCheck, answer: ReadableAnswer): string | undefined {
    return this.#headerFailure(check, answer) ?? this.#bodyFailure(check, answer)
  }

  #headerFailure({ headers }: PlannedCheck, answer: ReadableAnswer): string | undefined {
    for (const { name, equals, matches } of headers) {
      const value = answer.headers[name]
      const got = value === undefined ? 'none' : quote(value)
      if (equals !== undefined && value !== equals) return `expected header ${name} to be ${quote(equals)}, got ${got}`
      if (matches && (value === undefined || !this.#regExp(matches).test(value))) {
        return `expected header ${name} to match ${show(matches)}, got ${got}`
      }
      if (equals === undefined && !matches && value !== undefined) return `expected no header ${name}, got ${got}`
    }
    return undefined
  }

  #bodyFailure({ contains, matches, json }: PlannedCheck, { body, malformed }: ReadableAnswer): string | undefined {
    if (contains.length === 0 && !matches && json.length === 0) return undefined
    if (malformed !== undefined) return `expected a body that can be decoded, got ${malformed}`
    const missing = contains.find((text) => !body.includes(text))
    if (missing !== undefined) return `expected the body to contain ${quote(missing)}, got ${quoteBody(body)}`
    if (matches && !this.#regExp(matches).test(body.toString())) {
      return `expected the body to match ${show(matches)}, got ${quoteBody(body)}`
    }
    return json.length === 0 ? undefined : jsonFailure(json, body)
  }

  #regExp(pattern: PlannedPattern): RegExp {
    let regExp = this.#patterns.get(pattern)
    if (!regExp) this.#patterns.set(pattern, (regExp = new RegExp(pattern.source, pattern.flags)))
    return regExp
  }
}

function jsonFailure(expectations: PlannedCheck['json'], body: Buffer): string | undefined {
  let parsed: unknown
  try {
    // As `fetch().json()` and `answer.json()` do: a byte-order mark is no part of the text.
    parsed = JSON.parse(body.toString().replace(/^\uFEFF/, ''))
  } catch {
    return `expected the body to be JSON, got ${quoteBody(body)}`
  }
  for (const { path, keys, expected } of expectations) {
    const value = valueAtPath(parsed, keys)
    if (isDeepStrictEqual(value, expected)) continue
    const got = value === undefined ? 'no such value' : cut(JSON.stringify(value))
    return expected === undefined
      ? `expected no ${path} in the body, got ${got}`
      : `expected ${path} to be ${cut(JSON.stringify(expected))}, got ${got}`
  }
  return undefined
}

function cut(text: string): string {
  return text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text
}

function quote(text: string): string {
  return cut(JSON.stringify(text))
}

function quoteBody(body: Buffer): string {
  return body.length === 0 ? 'an empty body' : quote(body.subarray(0, QUOTED * 4).toString())
}

function show({ source, flags }: PlannedPattern): string {
  return String(new RegExp(source, flags))
}
