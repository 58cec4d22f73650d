import { describe, expect, it } from 'vitest'
import { testSteps } from '../../../../src/memory/verdict/steps.ts'
import { studentTail } from '../../../../src/memory/verdict/student-t.ts'

const points = (values: readonly number[], every = 1) => values.map((y, index) => [index * every, y] as const)

describe('studentTail', () => {
  it.each([
    // python3 -c "from scipy import stats; print(*[(t, n, float(stats.t.sf(t, n))) for t, n in [(0,5),(1.5,3),(2.9,16),(-1.2,8),(12,4),(40,20)]], sep='\n')"
    [0, 5, 0.5],
    [1.5, 3, 0.11529193262241147],
    [2.9, 16, 0.005220502201613598],
    [-1.2, 8, 0.867766447399092],
    [12, 4, 0.0001382142742514865],
    [40, 20, 7.287348277155374e-21],
  ])('P(T > %d) with %d degrees of freedom', (t, degrees, tail) => {
    expect(studentTail(t, degrees) / tail).toBeCloseTo(1, 6)
  })

  it('is 0 and 1 at the ends', () => {
    expect([studentTail(Infinity, 3), studentTail(-Infinity, 3)]).toEqual([0, 1])
  })
})

describe('testSteps', () => {
  // python3 -c "
  // from scipy import stats; import numpy as np
  // d = np.diff([1, 3, 2, 5, 4, 7, 9, 8, 12]); up = int((d > 0).sum())
  // print(stats.ttest_1samp(d, 0, alternative='greater'), stats.binomtest(up, len(d), alternative='greater').pvalue)"
  it('is twice the better of a t-test and a sign test of the steps, as SciPy has them', () => {
    const { t, pValue } = testSteps(points([1, 3, 2, 5, 4, 7, 9, 8, 12]))
    expect(t).toBeCloseTo(1.8825336794844616, 10)
    expect(pValue).toBeCloseTo(2 * 0.05089310749843563, 8)
    // Five of five steps up, whose sizes differ much: stats.binomtest(5, 5, alternative='greater').pvalue is 1/32.
    expect(testSteps(points([0, 1, 2, 3, 1_000, 1_001])).pValue).toBeCloseTo(2 / 32, 10)
  })

  it('does not depend on the unit of either axis', () => {
    const values = [1, 3, 2, 5, 4, 7, 9, 8, 12]
    const { pValue } = testSteps(points(values))
    expect(
      testSteps(
        points(
          values.map((value) => value * 1024),
          160,
        ),
      ).pValue,
    ).toBeCloseTo(pValue, 10)
  })

  it('takes the steps within each of several series', () => {
    const low = points([1, 3, 2, 5])
    const high = points([100, 103, 101, 105]).map(([x, y]) => [x + 4, y] as const)
    expect(testSteps(low, high).t).toBeLessThan(testSteps([...low, ...high]).t * 3)
    expect(testSteps(low, high).pValue).toBeGreaterThan(0.1)
  })

  it('is sure of a line, and of nothing that is level, falls or is short', () => {
    const line = (slope: number, length = 20) => points(Array.from({ length }, (_, index) => index * slope))
    expect(testSteps(line(5)).pValue).toBeLessThan(1e-5)
    expect(testSteps(line(0)).pValue).toBe(1)
    expect(testSteps(line(-5)).pValue).toBe(1)
    expect(testSteps().pValue).toBe(1)
    expect(testSteps(line(5, 2)).pValue).toBe(1)
  })
})
