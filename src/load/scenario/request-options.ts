import { rejectIssues } from '../../option-issues.ts'
import { findOptionIssues } from '../../options.ts'
import { milliseconds, type Duration } from '../../units.ts'
import { answerCheck, planCheck, type AnswerCheck, type PlannedCheck } from '../plan/answer-check.ts'
import type { ExpectedStatus } from '../plan/load-options.ts'
import type { UserRequestOptions } from '../plan/virtual-user.ts'
import { encodeParameters } from './request-body.ts'

// What a scenario asks for, checked as it is called: each function throws what says how to call it.

const METHOD = /^[A-Z][A-Z0-9_-]*$/

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
  rejectIssues('options of a request', findOptionIssues(answerCheck, check, 'check'))
  return planCheck(check)
}

export function withQuery(path: string, query: UserRequestOptions['query']): string {
  const asked = query === undefined ? '' : encodeParameters(query)
  return asked === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${asked}`
}

export function statusRange(expected: ExpectedStatus): readonly [from: number, to: number] {
  return typeof expected === 'number' ? [expected, expected] : expected
}
