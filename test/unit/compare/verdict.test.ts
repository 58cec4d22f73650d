import { describe, expect, test } from 'vitest'
import { replay } from '../../../bench/compare-replay.mjs'
import { simulateFalseAlarms, simulateVerdicts } from '../../../scripts/compare-limits.mjs'
import { LONG, SHORT } from '../../../src/compare/statistics/looks.ts'
import {
  blocksToDecide,
  estimateChange,
  isSettled,
  joinVerdicts,
  judge,
  judgeMetric,
} from '../../../src/compare/verdict.ts'

const tolerance = Math.log(1.05)

describe('one metric', () => {
  test.each([
    ['held', { low: -0.01, high: 0.04 }],
    ['held', { low: 0.01, high: 0.04 }],
    ['slower', { low: 0.01, high: 0.09 }],
    ['slower', { low: 0.06, high: 0.09 }],
    ['inconclusive', { low: -0.01, high: 0.09 }],
    ['inconclusive', { low: Number.NaN, high: Number.NaN }],
  ] as const)('%s for %o', (verdict, interval) => {
    expect(judgeMetric({ value: 0, ...interval }, tolerance)).toBe(verdict)
  })

  // python3 -c "import numpy as np; from scipy import stats; a=[.01,.03,-.02,.05,.02,.04]; print(stats.t.interval(1-2*.0018,5,np.mean(a),stats.sem(a)))"
  test('the interval is that of t at the level of the look', () => {
    const { value, low, high } = estimateChange([0.01, 0.03, -0.02, 0.05, 0.02, 0.04], SHORT, 1)
    expect(value).toBeCloseTo(0.0216666667, 9)
    expect(low).toBeCloseTo(-0.0305936466, 7)
    expect(high).toBeCloseTo(0.0739269799, 7)
  })
})

test('one slower metric decides, and all must hold', () => {
  expect(joinVerdicts(['held', 'slower'])).toBe('slower')
  expect(joinVerdicts(['held', 'inconclusive'])).toBe('inconclusive')
  expect(joinVerdicts(['held', 'held'])).toBe('held')
  expect(joinVerdicts([])).toBe('inconclusive')
})

describe('a comparison stops', () => {
  const of = (...values: number[]) => [{ name: 'cpuPerRequest', tolerance, values } as const]
  const close = [0.02, 0.04, 0.025, 0.045, 0.03, 0.05]

  test('where it holds, and where an estimate above the tolerance is slower', () => {
    expect(isSettled(of(0.001, -0.001, 0.002, -0.002, 0.001, 0), SHORT)).toBe(true)
    expect(isSettled(of(0.06, 0.061, 0.059, 0.062, 0.058, 0.06), SHORT)).toBe(true)
    expect(isSettled(of(0.02, 0.1, 0.025, 0.025, 0.02, 0.03), SHORT)).toBe(false)
  })

  test('for an estimate within the tolerance only where two looks in a row call it slower', () => {
    expect(judge(of(...close), SHORT)).toBe('slower')
    expect(isSettled(of(...close), SHORT)).toBe(false)
    expect(isSettled(of(...close, 0.02, 0.06, 0.03), SHORT)).toBe(true)
    expect(isSettled(of(...close, 0, -0.02, 0), SHORT)).toBe(false)
  })
})

test('the need for more blocks is the number at which the same spread would decide', () => {
  const values = [0.06, -0.04, 0.05, -0.03, 0.04, 0.0]
  const metric = { name: 'cpuPerRequest', tolerance, values } as const
  expect(judge([metric], SHORT)).toBe('inconclusive')
  const needed = blocksToDecide([metric], SHORT) as number
  expect(needed).toBeGreaterThan(6)
  const longer = { ...metric, values: Array.from({ length: Math.ceil(needed / 6) + 1 }, () => values).flat() }
  expect(judge([longer], SHORT)).toBe('held')
  expect(blocksToDecide([{ ...metric, values: [tolerance, tolerance + 1e-9] }], SHORT)).toBe(2)
})

// `npm run bench -- compare --limits` does the same with more of them.
describe('simulated comparisons keep what the looks promise', () => {
  test.each([
    ['short', SHORT, 1],
    ['short', SHORT, 2],
    ['long', LONG, 1],
  ] as const)('%s, %#: 0.68 % of false alarms on a side, over all looks', (_name, plan, metrics) => {
    const alarms = simulateFalseAlarms(plan, { metrics, experiments: 40_000 })
    // Three standard errors of so many experiments.
    expect(alarms).toBeLessThan(0.0068 + 0.0013)
    expect(alarms).toBeGreaterThan(0.0068 - 0.0018)
  })

  test('what is slower by twice the tolerance is not called held, and 30 % is found by the first look', () => {
    expect(simulateVerdicts(SHORT, { effect: 0.1, scatter: 0.03, most: 24, experiments: 1_000 }).held).toBe(0)
    const large = simulateVerdicts(SHORT, { effect: 0.3, scatter: 0.06, most: 6, experiments: 1_000 })
    expect(large.slower).toBeGreaterThan(0.98)
    expect(large.held).toBe(0)
  })
})

test('on recorded blocks no build is called slower than itself, and 10 % is found', { timeout: 60_000 }, () => {
  for (const row of replay({ replays: 400, most: 24 })) {
    const share = (count: number) => count / row.replays
    const name = `${row.kind} ${row.effect} ${row.hit}`
    if (row.effect === 0) expect(share(row.slower), name).toBeLessThan(0.02)
    if (row.effect === 0) expect(share(row.held), name).toBeGreaterThan(0.9)
    if (row.effect >= 0.1) expect(share(row.slower), name).toBeGreaterThan(0.98)
    if (row.effect >= 0.1) expect(share(row.held), name).toBeLessThan(0.005)
  }
})
