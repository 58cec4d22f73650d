import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { AnswerHead } from '../../../../src/load/http/answer-head.ts'
import { CapturedAnswer } from '../../../../src/load/http/captured-answer.ts'
import { CheckEvaluator } from '../../../../src/load/measure/evaluate-check.ts'
import { planCheck, type AnswerCheck } from '../../../../src/load/plan/answer-check.ts'

const BODY = JSON.stringify({
  data: { user: { id: 7, tags: ['a', 'b'], 'e-mail.at': null } },
  list: [{ id: 1 }, { id: 2 }],
  errors: [{ message: 'no' }],
})

function failureOf(
  check: AnswerCheck,
  body: string | Buffer = BODY,
  headers: string[] = ['Content-Type', 'text/plain'],
) {
  // As it reaches the load process of another machine.
  const planned = JSON.parse(JSON.stringify(planCheck(check)))
  return new CheckEvaluator().failure(planned, new CapturedAnswer(new AnswerHead(headers), Buffer.from(body)))
}

describe('a check of an answer', () => {
  it.for<[AnswerCheck]>([
    [{ body: { contains: 'user' } }],
    [{ body: { contains: ['user', '"id":7'] } }],
    [{ body: { matches: /"ID":\d/i } }],
    [{ body: { matches: '"id":[0-9]' } }],
    [{ body: { json: { 'data.user.id': 7 } } }],
    [{ body: { json: { 'data.user': { id: 7, tags: ['a', 'b'], 'e-mail.at': null } } } }],
    [{ body: { json: { 'list[1].id': 2, 'list.0.id': 1, 'data.user["e-mail.at"]': null } } }],
    [{ body: { json: { 'data.user.name': undefined, 'list[2]': undefined, 'data.user.id.x': undefined } } }],
    [{ body: { json: { 'list.length': 2, 'data.constructor': undefined, 'data.user.length': undefined } } }],
    [{ headers: { 'CONTENT-type': 'text/plain', 'x-none': undefined } }],
    [{ headers: { 'content-type': /^text\// } }],
  ])('holds: %j', ([check]) => expect(failureOf(check)).toBeUndefined())

  it('reads JSON behind a byte-order mark, as `answer.json()` does', () => {
    expect(failureOf({ body: { json: { a: 1 } } }, '\uFEFF{"a":1}')).toBeUndefined()
    expect(failureOf({ body: { json: { a: 1 } } }, '\uFEFF\uFEFF{"a":1}')).toMatch(/^expected the body to be JSON/)
  })

  it.for<[AnswerCheck, string]>([
    [{ body: { contains: ['user', 'nobody'] } }, `expected the body to contain "nobody", got "{\\"data\\":`],
    [{ body: { matches: /^\d+$/m } }, 'expected the body to match /^\\d+$/m, got "{'],
    [{ body: { json: { 'data.user.id': '7' } } }, 'expected data.user.id to be "7", got 7'],
    [{ body: { json: { 'data.user.name': 'x' } } }, 'expected data.user.name to be "x", got no such value'],
    [{ body: { json: { 'data.user.tags': ['a'] } } }, 'expected data.user.tags to be ["a"], got ["a","b"]'],
    [{ body: { json: { errors: undefined } } }, 'expected no errors in the body, got [{"message":"no"}]'],
    [
      { body: { json: { 'data.user["e-mail.at"]': undefined } } },
      'expected no data.user["e-mail.at"] in the body, got null',
    ],
    [{ headers: { 'content-type': 'text/html' } }, 'expected header content-type to be "text/html", got "text/plain"'],
    [{ headers: { 'x-none': 5 } }, 'expected header x-none to be "5", got none'],
    [{ headers: { 'x-none': /a/ } }, 'expected header x-none to match /a/, got none'],
    [{ headers: { 'content-type': undefined } }, 'expected no header content-type, got "text/plain"'],
  ])('says what was expected and what came: %j', ([check, message]) => {
    expect(failureOf(check)).toContain(message)
    expect(failureOf(check)?.length).toBeLessThan(250)
  })

  it('quotes what is no JSON, and what is empty', () => {
    expect(failureOf({ body: { json: { a: 1 } } }, '<html>')).toBe('expected the body to be JSON, got "<html>"')
    expect(failureOf({ body: { json: { a: undefined } } }, '')).toBe('expected the body to be JSON, got an empty body')
    expect(failureOf({ body: { contains: 'x' } }, '')).toBe('expected the body to contain "x", got an empty body')
  })

  it('reads a body without its coding, and fails one whose coding is malformed', () => {
    const headers = ['content-encoding', 'gzip']
    expect(failureOf({ body: { contains: 'user' } }, gzipSync(BODY), headers)).toBeUndefined()
    expect(failureOf({ body: { contains: 'user' } }, BODY, headers)).toContain('a body that can be decoded, got')
  })

  it('is the same each time, also with a global pattern', () => {
    const planned = planCheck({ body: { matches: /user/g } })
    const evaluator = new CheckEvaluator()
    const answer = new CapturedAnswer(new AnswerHead([]), Buffer.from(BODY))
    expect([1, 2, 3].map(() => evaluator.failure(planned, answer))).toEqual([undefined, undefined, undefined])
  })
})
