import { PerfOptionsError } from '../../errors.ts'
import { optionIssue, rejectIssues, unknownOption } from '../../option-issues.ts'
import { findOptionIssues } from '../../options.ts'
import { milliseconds, type Duration } from '../../units.ts'
import { answerCheck, planCheck, type AnswerCheck, type PlannedCheck } from '../plan/answer-check.ts'
import type { ExpectedStatus } from '../plan/load-options.ts'
import { isStatusRange, statusRange, type StatusRange } from '../plan/status-range.ts'
import type { UserRequestOptions, UserStreamOptions } from '../plan/virtual-user.ts'
import { encodeParameters } from './request-body.ts'

// What a scenario asks for, checked as it is called: each function throws what says how to call it.

const METHOD = /^[A-Z][A-Z0-9_-]*$/
const SUBJECT = 'options of a request'
const REQUEST_OPTIONS: Record<keyof UserRequestOptions, true> = {
  name: true,
  headers: true,
  query: true,
  json: true,
  form: true,
  body: true,
  expectStatus: true,
  check: true,
  timeout: true,
  redirect: true,
}
const STREAM_OPTIONS: Record<keyof UserStreamOptions, true> = {
  name: true,
  headers: true,
  query: true,
  timeout: true,
  protocols: true,
}

/** Returns the method in capitals. */
export function methodOf(method: string): string {
  const verb = method.toUpperCase()
  if (!METHOD.test(verb)) throw new TypeError(`A method is letters and -, and was ${JSON.stringify(method)}`)
  return verb
}

/** Returns milliseconds. */
export function timeoutOf(timeout: Duration): number {
  if (milliseconds(timeout) > 0) return milliseconds(timeout)
  throw new TypeError(
    `\`timeout\` of a request takes a positive number of milliseconds, or text such as '2s', and was ${timeout}`,
  )
}

/** Returns the shortest and the longest time to think, in milliseconds. */
export function thinkRange(shortest: Duration, longest: Duration): [min: number, max: number] {
  const [min, max] = [milliseconds(shortest), milliseconds(longest)]
  if (min >= 0 && max >= min) return [min, max]
  throw new RangeError(
    `user.think(min, max) takes milliseconds of 0 or more (or text such as '2s'), the smaller first, and got ${shortest} and ${longest}`,
  )
}

export function checkOf(check: AnswerCheck): PlannedCheck {
  rejectIssues(SUBJECT, findOptionIssues(answerCheck, check, 'check'))
  return planCheck(check)
}

export function withQuery(path: string, query: UserRequestOptions['query']): string {
  const asked = query === undefined ? '' : encodeParameters(query)
  if (asked === '') return path
  const [whole = ''] = path.split('#', 1)
  return `${whole}${whole.includes('?') ? '&' : '?'}${asked}`
}

export function checkedStatusRange(expected: ExpectedStatus): StatusRange {
  const range = statusRange(expected)
  if (isStatusRange(range)) return range
  const wanted = 'a status of 100 to 599, or [from, to] with from <= to'
  throw new PerfOptionsError(SUBJECT, [optionIssue('expectStatus', wanted, expected)])
}

/** Rejects names that are no options, and a `redirect` that is neither of its values. It runs for each request: it allocates nothing. */
export function checkRequestOptions(options: UserRequestOptions): void {
  rejectUnknown(options, REQUEST_OPTIONS)
  const { redirect } = options
  if (redirect === undefined || redirect === 'follow' || redirect === 'manual') return
  rejectIssues(SUBJECT, [optionIssue('redirect', "'follow' or 'manual'", redirect)])
}

export function checkStreamOptions(options: UserStreamOptions): void {
  rejectUnknown(options, STREAM_OPTIONS)
}

function rejectUnknown(options: object, known: Record<string, true>): void {
  for (const name in options) {
    if (Object.hasOwn(known, name)) continue
    rejectIssues(SUBJECT, [unknownOption(name, Object.keys(known), (options as Record<string, unknown>)[name])])
  }
}
