import type { NodeMemoryResult } from '../../../src/results/memory-result.ts'
import { loadResult, memoryResult } from '../report/samples.ts'
import { describe, expect, it } from 'vitest'
import { findFigureMistake, namesIn, readFigure } from '../../../src/results/figures.ts'
import {
  evaluateThresholds,
  formatOutcomes,
  negateOutcomes,
  parseCondition,
  parseThresholds,
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
    expect(issue).toMatchObject({ metric: 'latency.p99', expression })
    expect((issue as { message: string }).message.split('\n').at(-1)).toBe(`  ${' '.repeat(at)}^`)
  })

  it('refuses what is no string', () => {
    expect(parseCondition('x', 50)).toMatchObject({ message: expect.stringContaining('got `50` (number)') })
  })
})

const load = {
  ...loadResult(),
  latency: { ...loadResult().latency, p999: Number.NaN },
  statusCodes: { 200: 9 },
  byName: {
    'GET /a.b["x"]': { ...loadResult(), statusCodes: { 404: 2 }, latency: { ...loadResult().latency, p95: 7 } },
  },
  checks: { 'has a price': { passed: 3, failed: 1, rate: 0.75 } },
  profile: { waits: [{ what: 'GET inventory/:id', kind: 'http', count: 8, perRequest: 2, p50: 3 }] },
}

describe('readFigure of a load', () => {
  it.for([
    ['statusCodes.200', 9],
    ['statusCodes.503', 0],
    ['statusCodes["503"]', 0],
    ['errors.byKind.timeout.count', 0],
    ['errors.byKind.timeout.firstAt', null],
    ['samples[0].errorsByKind.reset', 0],
    ['samples[99].requests', null],
    ['samples.length', 10],
    ['collections.count', 0],
    ['redirectedTo.count', 0],
    ['latency.p999', null],
    ['iterations.failed', null],
    ['iterations.duration.p95', null],
    ['stages[0].errors', null],
    [`byName[${JSON.stringify('GET /a.b["x"]')}].latency.p95`, 7],
    [`byName[${JSON.stringify('GET /a.b["x"]')}].statusCodes.404`, 2],
    [`byName[${JSON.stringify('GET /a.b["x"]')}].messages`, 0],
    ['byName["GET /none"].requests', 0],
    ['byName["GET /none"].errors.byKind.check.count', 0],
    ['byName["GET /none"].latency.p95', null],
    ['byName["GET /none"].errorRate', null],
    ['checks["has a price"].rate', 0.75],
    ['checks["none"].failed', 0],
    ['checks["none"].rate', null],
    ['waits["GET inventory/:id"].perRequest', 2],
    ['profile.waits["GET inventory/:id"].p50', 3],
    ['waits["SELECT 1"].perRequest', 0],
    ['waits["SELECT 1"].p50', null],
  ] as const)('%s is %o', ([path, value]) => expect(readFigure(load, path)).toBe(value))

  it('has no wait where nothing was profiled', () => {
    expect(readFigure(loadResult(), 'waits["SELECT 1"].count')).toBeNull()
    expect(readFigure(loadResult(), 'profile.isolates[0].cpu.gc')).toBeNull()
  })

  it('takes what JSON made of NaN for no data', () => {
    const stored = { ...loadResult(), errorRate: null, checks: { a: { passed: 0, failed: 0, rate: null } } }
    expect([readFigure(stored, 'errorRate'), readFigure(stored, 'checks["a"].rate')]).toEqual([null, null])
  })

  it('counts nothing of a watch that has no such part', () => {
    const { kind: _, gc: __, eventLoopDelay: ___, ...watch } = memoryResult() as NodeMemoryResult
    expect(readFigure(watch, 'gc.count')).toBeNull()
    expect(readFigure(watch, 'collections.count')).toBe(0)
    expect(readFigure(watch, 'growth.interval[1]')).toBe(0)
    expect(readFigure(watch, 'leak.suspects[0].bytes')).toBeNull()
  })
})

describe('findFigureMistake', () => {
  it.for([
    ['latency.p99'],
    ['errors.byKind.check.count'],
    ['statusCodes.404'],
    ['byName["any"].latency.p95'],
    ['byName.checkout.errors.total'],
    ['byName["any"].samples[3].latency.p50'],
    ['samples[3].latency.p99'],
    ['samples.3.requests'],
    ['iterations.duration.p95'],
    ['generator.lateness'],
    ['progress'],
    ['profile.isolates[0].cpu.gc'],
  ] as const)('%s can exist', ([path]) => expect(findFigureMistake(path, 'load')).toBeUndefined())

  it.for([
    ['latency.p98', 'Unknown figure `latency.p98` of a load; did you mean `latency.p99`?', 8],
    ['latency.p96', '`latency.p95`?', 8],
    ['latency.p9999', '`latency.p999`?', 8],
    ['p95', '`latency.p95`?', 0],
    ['p98', '`latency.p99`?', 0],
    ['rps', '`requestsPerSecond`?', 0],
    ['latency.avg', '`latency.average`?', 8],
    ['median', '`latency.p50`?', 0],
    ['latncy.p95', '`latency.p95`?', 0],
    ['errors.byKind.timout.count', '`errors.byKind.timeout.count`?', 14],
    ['errors.byKind.timout', '`errors.byKind.timeout`?', 14],
    ['errors.timeout', '`errors.timeouts`?', 7],
    ['dropped.count', '`dropped` is a number and has nothing below it', 8],
    ['statusCodes.5xx', 'a status is a number from 100 to 599, such as `statusCodes.503`', 12],
    ['samples["first"].requests', 'by its index, such as `samples[0].at`', 7],
    ['byName["x"].latency.p98', '`byName["x"].latency.p99`?', 20],
    ['checks["x"].pased', '`checks["x"].passed`?', 12],
    ['zebra', 'known here: title, url', 0],
    ['peak.rss', 'it is one of a memory watch', 0],
    [
      'byName[GET /a].requests',
      'Malformed figure `byName[GET /a].requests`, a name between brackets is a JSON string',
      6,
    ],
    ["byName['a'].requests", 'a JSON string', 6],
    ['byName["a"]requests', 'a dot or a bracket is missing', 11],
    ['latency..p99', 'a name is missing', 8],
    ['latency.', 'a name is missing', 8],
    ['', 'a path is missing', 0],
  ] as const)('%s: %s', ([path, message, at]) => {
    const mistake = findFigureMistake(path, 'load') as string
    expect(mistake.split('\n')[0]).toContain(message)
    expect(mistake.split('\n').slice(-2)).toEqual([`  ${path}`, `  ${' '.repeat(at)}^`])
  })

  it.for([
    ['latency', '`latency` is not a number: take one below it, such as `latency.min`'],
    ['title', '`title` is not a number: it has no value to compare'],
    ['byName["a"]', '`byName["a"]` is not a number: take one below it, such as `byName["a"].requests`'],
    ['statusCodes', '`statusCodes` is not a number'],
  ] as const)('%s: %s', ([path, message]) => expect(findFigureMistake(path, 'load')).toContain(message))

  it('tells a memory watch from a load', () => {
    expect(findFigureMistake('peak.heapUsed', 'memory')).toBeUndefined()
    expect(findFigureMistake('growth.interval[0]', 'memory')).toBeUndefined()
    expect(findFigureMistake('latency.p99', 'memory')).toContain('it is one of a load')
    expect(findFigureMistake('heapUsed', 'memory')).toContain('did you mean `baseline.heapUsed`?')
  })

  it('knows the few figures of a capacity', () => {
    const capacity = { limitedBy: 'to', steps: [], rate: 50, interval: [50, null], duration: 9 }
    for (const path of ['rate', 'interval[0]', 'interval[1]', 'duration']) {
      expect(findFigureMistake(path, 'capacity'), path).toBeUndefined()
    }
    expect(findFigureMistake('latency.p99', 'capacity')).toContain('it is one of a load')
    expect(findFigureMistake('rates', 'capacity')).toContain('`rate`')
    const outcomes = evaluateThresholds(
      capacity,
      parseThresholds({ rate: '>=50', 'interval[1]': '<60' }, { kind: 'capacity' }).conditions,
    )
    // Nothing failed, so the upper end has no data.
    expect(outcomes).toMatchObject([
      { value: 50, passed: true },
      { value: null, passed: false },
    ])
  })

  it('knows the names of a load that has ended, but for scenarios and what was cut', () => {
    const names = namesIn(load)
    expect(findFigureMistake('checks["has a prize"].rate', 'load', names)).toBe(
      `Unknown name "has a prize" in \`checks["has a prize"].rate\`; did you mean "has a price"?\n  checks["has a prize"].rate\n        ^`,
    )
    expect(findFigureMistake('checks["has a price"].rate', 'load', names)).toBeUndefined()
    expect(findFigureMistake('byName["x"].requests', 'load', namesIn({ ...load, remarks: ['cut'] }))).toBeUndefined()
    expect(findFigureMistake('byName["x"].requests', 'load', namesIn({ ...load, iterations: {} }))).toBeUndefined()
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
    ['latency..p99', null],
  ] as const)('reads %s of any object as %o', ([path, value]) => expect(readFigure(result, path)).toBe(value))

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

  it('finds figures that cannot exist with all that is malformed', () => {
    const { issues } = parseThresholds({ 'latency.p98': '<5', rps: '5', requests: '>1' }, { kind: 'load' })
    expect(issues.map(({ metric }) => metric)).toEqual(['latency.p98', 'rps', 'rps'])
  })

  it('collects every malformed expression', () => {
    expect(parseThresholds({ a: '5', b: ['<5', 'x'], c: [] }).issues.map(({ metric }) => metric)).toEqual([
      'a',
      'b',
      'c',
    ])
  })
})

describe('of a profile', () => {
  const profile = {
    repeated: false,
    duration: 1_000,
    requests: 10,
    isolates: [],
    waits: [
      {
        what: 'GET inventory/:id',
        kind: 'http',
        count: 410,
        perRequest: 41,
        time: 1,
        share: 0.5,
        p50: 1,
        p99: 1,
        failed: 0,
      },
    ],
    files: [],
    summary: [],
  }
  const judge = (path: string, expression: string) =>
    evaluateThresholds(profile, parseThresholds({ [path]: expression }).conditions)[0]

  it('finds a wait by its shape', () => {
    expect(judge('waits["GET inventory/:id"].perRequest', '<=1')).toMatchObject({ value: 41, passed: false })
  })

  it('is 0 for calls that were not made', () => {
    expect(judge('waits["GET prices/:id"].perRequest', '<=1')).toMatchObject({ value: 0, passed: true })
  })
})

describe('what must not be met', () => {
  const judge = (thresholds: Record<string, string>) =>
    negateOutcomes(evaluateThresholds({ requests: 20, errorRate: 0 }, parseThresholds(thresholds).conditions)).map(
      ({ metric, expression, passed }) => `${metric} ${expression}: ${passed}`,
    )

  it('holds if it is not met', () => {
    expect(judge({ requests: '>100' })).toEqual(['requests not >100: true'])
  })

  it('holds if one of several is not met, and leaves out those that are', () => {
    expect(judge({ requests: '>100', errorRate: '<1' })).toEqual(['requests not >100: true'])
  })

  it('fails with each of them if all are met', () => {
    expect(judge({ requests: '==20', errorRate: '<1' })).toEqual([
      'requests not ==20: false',
      'errorRate not <1: false',
    ])
  })

  it('does not hold without data', () => {
    expect(judge({ requests: '>100', 'latency.p99': '<50' })).toEqual([
      'requests not >100: true',
      'latency.p99 not <50: false',
    ])
  })
})
