import { describe, expect, it } from 'vitest'
import {
  evaluateThresholds,
  formatOutcomes,
  parseCondition,
  parseThresholds,
  readMetric,
} from '../../../src/results/threshold.ts'

describe('parseCondition', () => {
  it.for([
    ['<50', '<', 50],
    [' <= 1.5 ', '<=', 1.5],
    ['>=.5', '>=', 0.5],
    ['==0', '==', 0],
    ['>-1e3', '>', -1_000],
  ] as const)('%s', ([expression, operator, bound]) => {
    expect(parseCondition('x', expression)).toEqual({ operator, bound, expression: expression.trim() })
  })

  it.for([
    ['50', 0],
    ['<', 1],
    ['< ms', 2],
    ['<50ms', 3],
    ['=50', 0],
    ['<50 <60', 4],
    ['', 0],
    ['<1.2.3', 4],
  ] as const)('%o is malformed at %d', ([expression, at]) => {
    const issue = parseCondition('latency.p99', expression)
    expect(issue).toMatchObject({ metric: 'latency.p99', expression, at })
    expect((issue as { message: string }).message.split('\n').at(-1)).toBe(`  ${' '.repeat(at)}^`)
  })

  it('refuses what is no string', () => {
    expect(parseCondition('x', 50)).toMatchObject({ at: 0, message: expect.stringContaining('got `50` (number)') })
  })
})

describe('evaluateThresholds', () => {
  const result = {
    latency: { p99: 42, p999: Number.NaN },
    statusCodes: { 200: 9 },
    samples: [{ requests: 3 }],
    title: 'x',
    none: null,
  }

  it.for([
    ['latency.p99', 42],
    ['statusCodes.200', 9],
    ['samples.0.requests', 3],
    ['samples[0].requests', 3],
    ['samples.length', 1],
    ['latency.p999', null],
    ['latency', null],
    ['title', null],
    ['none.deeper', null],
    ['constructor.length', null],
    ['latency.p99.toFixed', null],
  ] as const)('reads %s as %o', ([path, value]) => expect(readMetric(result, path)).toBe(value))

  it('judges each condition, and fails what has no data', () => {
    const { conditions, issues } = parseThresholds({
      'latency.p99': ['>=42', '<42'],
      'latency.p999': '<1e9',
      missing: '>0',
      'statusCodes.200': '==9',
    })
    expect(issues).toEqual([])
    const outcomes = evaluateThresholds(result, conditions)
    expect(outcomes.map(({ passed }) => passed)).toEqual([true, false, false, false, true])
    expect(outcomes[3]).toEqual({ metric: 'missing', expression: '>0', value: null, passed: false })
    expect(formatOutcomes(outcomes)).toMatch(/✓ latency\.p99 >=42 +got 42\n.*✗ latency\.p99 <42 +got 42\n.*✗ .*no data/)
  })

  it.for([{}, [], 5, undefined, null])('%o promises nothing, which is a mistake', (nothing) => {
    const { conditions, issues } = parseThresholds(nothing as never)
    expect(conditions).toEqual([])
    expect(issues).toHaveLength(1)
    expect(issues[0]?.message).toContain("such as { 'latency.p99': '<50' }")
  })

  it('collects every malformed expression', () => {
    expect(parseThresholds({ a: '5', b: ['<5', 'x'], c: [] }).issues.map(({ metric }) => metric)).toEqual([
      'a',
      'b',
      'c',
    ])
  })
})
