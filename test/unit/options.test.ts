import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { PerfOptionsError } from '../../src/errors.ts'
import { describeValue, nearestName, rejectIssues } from '../../src/option-issues.ts'
import { findOptionIssues, timerDuration } from '../../src/options.ts'

const schema = v.strictObject({
  timeout: v.optional(timerDuration),
  health: v.optional(v.strictObject({ interval: v.optional(timerDuration) })),
})

const EXPECTED = "a positive number of milliseconds, or a text such as '10s' (ms, s, m, h)"

describe('findOptionIssues', () => {
  test('finds nothing in good options', () => {
    expect(findOptionIssues(schema, { timeout: 5, health: { interval: 1 } })).toEqual([])
  })

  test('finds every mistake, with its path and value, in one form', () => {
    const issues = findOptionIssues(schema, { timeout: -1, health: { interval: 'fast', intervall: 3 } }, 'server')
    expect(issues.map(({ message }) => message)).toEqual([
      `Expected \`server.timeout\` to be ${EXPECTED}, got \`-1\` (number)`,
      `Expected \`server.health.interval\` to be ${EXPECTED}, got \`"fast"\` (string)`,
      'Unknown option `server.health.intervall` (`3` (number)); did you mean `interval`?',
    ])
  })

  test.each([
    [undefined, '`undefined`'],
    [null, '`null`'],
    [[1, 2], '`[1,2]` (array)'],
    [/a/, '`/a/` (object)'],
    [() => {}, 'a function'],
    ['x'.repeat(200), `\`"${'x'.repeat(76)}...\` (string)`],
  ])('describes %s', (value, text) => {
    expect(describeValue(value)).toBe(text)
  })
})

test('a time that no timer can hold is a mistake: it would go off at once', () => {
  expect(findOptionIssues(timerDuration, 2_147_483_647)).toEqual([])
  expect(findOptionIssues(timerDuration, 3_000_000_000)[0]?.message).toContain('up to 2147483647')
  expect(findOptionIssues(timerDuration, Infinity)).toHaveLength(1)
  expect(findOptionIssues(timerDuration, '24h')).toEqual([])
  expect(findOptionIssues(timerDuration, '1000h')[0]?.message).toContain('up to 2147483647')
})

test('nearestName suggests only what may have been meant', () => {
  expect(nearestName('conections', ['connections', 'duration'])).toBe('connections')
  expect(nearestName('zebra', ['connections', 'duration'])).toBeUndefined()
  expect(nearestName('rps', ['tls', 'url', 'rate'])).toBeUndefined()
})

test('rejectIssues throws all at once, or nothing', () => {
  expect(() => rejectIssues('options', [])).not.toThrow()
  const issues = findOptionIssues(schema, { timeout: 0, health: 3 })
  expect(() => rejectIssues('options', issues)).toThrow(PerfOptionsError)
  expect(() => rejectIssues('options', issues)).toThrow(/timeout[^]*health/)
})
