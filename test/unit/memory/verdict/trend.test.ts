import { describe, expect, it } from 'vitest'
import { normalTail } from '../../../../src/memory/verdict/normal-distribution.ts'
import { mannKendall, theilSen } from '../../../../src/memory/verdict/trend.ts'

// The expected values are SciPy 1.17.1's:
//   python3 -c "
//   from scipy import stats
//   y = [1, 3, 2, 5, 4, 6, 8, 7]; x = range(len(y))
//   ties = len(set(y)) < len(y)
//   print(stats.kendalltau(x, y, alternative='greater', method='asymptotic' if ties or len(y) > 50 else 'exact').pvalue)
//   print(stats.theilslopes(y, x, alpha=0.99))"
const SERIES: Record<string, { values: number[]; pValue: number; slope: number; interval: [number, number] }> = {
  rising: {
    values: [1, 3, 2, 5, 4, 6, 8, 7],
    pValue: 0.0027529761904761907,
    slope: 1,
    interval: [0.3333333333333333, 2],
  },
  noisy: {
    values: [5, 3, 8, 1, 9, 2, 7, 4, 6, 10],
    pValue: 0.19035989858906527,
    slope: 0.42857142857142855,
    interval: [-1, 2],
  },
  ties: { values: [1, 1, 2, 2, 3, 3, 3, 5, 4, 6], pValue: 0.0002520335903613713, slope: 0.5, interval: [0.25, 0.75] },
  falling: { values: [9, 8, 7, 5, 6, 3, 2], pValue: 0.9998015873015873, slope: -7 / 6, interval: [-2, -0.5] },
  long: {
    values: Array.from({ length: 60 }, (_, index) => ((index * 7919) % 101) + index / 2),
    pValue: 0.0032938568009636404,
    slope: 1.1,
    interval: [0.0641025641025641, 1.1],
  },
}

describe('mannKendall', () => {
  it.each(Object.entries(SERIES))('agrees with SciPy on a %s series', (_, { values, pValue }) => {
    expect(mannKendall(values).pValue / pValue).toBeCloseTo(1, 5)
  })

  it('judges several series by pairs within each, exactly', () => {
    // All orders of both, counted:
    //   from collections import Counter; from itertools import permutations
    //   S = lambda y: sum((b > a) - (b < a) for i, a in enumerate(y) for b in y[i + 1:])
    //   one, two = (Counter(S(p) for p in permutations(range(n))) for n in (5, 4))
    //   sum(m * n for a, m in one.items() for b, n in two.items() if a + b >= 10) / (120 * 24)
    const found = mannKendall([1, 3, 2, 5, 4], [11, 12, 14, 13])
    expect(found).toEqual({ s: 10, pValue: expect.closeTo(0.035416666666666666, 12) })
    expect(mannKendall([1, 3, 2, 5, 4], [-11, -10, -8, -9])).toEqual(found)
    expect(mannKendall([1, 3, 2], [7], []).pValue).toBeCloseTo(mannKendall([1, 3, 2]).pValue, 12)
  })

  it('judges several series with ties by the variance of all', () => {
    const [one, two] = [
      [1, 2, 2, 4, 5, 5, 7],
      [21, 22, 21, 24, 26, 25, 27],
    ] as const
    const { s, pValue } = mannKendall(one, two)
    expect(s).toBe(35)
    // stats.norm.sf(35 / sd), where sd is that of mstats.kendalltau_seasonal, whose two-sided 'global p-value (indep)' is 2 sf(34 / sd)
    expect(pValue).toBeCloseTo(7.794855019940583e-5, 9)
  })

  it('counts rises and falls', () => {
    expect(mannKendall([1, 2, 3, 4]).s).toBe(6)
    expect(mannKendall([4, 3, 2, 1]).s).toBe(-6)
  })

  it('finds nothing in nothing', () => {
    expect(mannKendall([]).pValue).toBe(1)
    expect(mannKendall([7]).pValue).toBe(1)
    expect(mannKendall([7, 7, 7, 7]).pValue).toBe(1)
  })
})

describe('theilSen', () => {
  it.each(Object.entries(SERIES))('agrees with SciPy on a %s series', (_, { values, slope, interval }) => {
    const found = theilSen(values.map((y, x) => [x, y]))
    expect(found.slope).toBeCloseTo(slope, 12)
    expect(found.interval[0]).toBeCloseTo(interval[0], 12)
    expect(found.interval[1]).toBeCloseTo(interval[1], 12)
  })

  it('agrees with SciPy where x is uneven and has ties', () => {
    // stats.theilslopes([2, 1, 4, 4, 9, 7, 12, 12, 20], [0, 10, 10, 35, 40, 70, 75, 90, 120], alpha=0.99)
    const x = [0, 10, 10, 35, 40, 70, 75, 90, 120]
    const found = theilSen([2, 1, 4, 4, 9, 7, 12, 12, 20].map((y, index) => [x[index] ?? 0, y]))
    expect(found.slope).toBeCloseTo(0.1375, 12)
    expect(found.interval[0]).toBeCloseTo(0.05, 12)
    expect(found.interval[1]).toBeCloseTo(0.26, 12)
  })

  it('takes the slopes within each of several series', () => {
    // theilslopes knows one series only; its formula in NumPy, over the 36 slopes within each:
    //   reach = stats.norm.ppf(0.995) * np.sqrt(7 * 6 * 19 / 18 + 6 * 5 * 17 / 18)
    //   np.median(slopes), slopes[round((36 - reach) / 2) - 1], slopes[round((36 + reach) / 2)]
    const found = theilSen(
      [1, 3, 2, 5, 4, 7, 6.5].map((y, x) => [x, y]),
      [101, 102, 104, 103, 107, 106].map((y, index) => [7 + index, y]),
    )
    expect(found.slope).toBeCloseTo(1, 12)
    expect(found.interval[0]).toBeCloseTo(0.5, 12)
    expect(found.interval[1]).toBeCloseTo(5 / 3, 12)
  })

  it('is not moved by an outlier', () => {
    expect(theilSen([0, 1, 2, 3, 1_000, 5, 6, 7, 8].map((y, x) => [x, y])).slope).toBe(1)
  })

  it('is NaN where x never changes', () => {
    expect(
      theilSen([
        [1, 2],
        [1, 5],
      ]).slope,
    ).toBeNaN()
  })
})

describe('normalTail', () => {
  it.each([
    // [float(stats.norm.sf(z)) for z in (-1.5, 0, 0.5, 2, 4, 6)]
    [-1.5, 0.9331927987311419],
    [0, 0.5],
    [0.5, 0.3085375387259869],
    [2, 0.022750131948179195],
    [4, 3.167124183311986e-5],
    [6, 9.865876450376946e-10],
  ])('P(Z > %d)', (z, tail) => {
    expect(normalTail(z) / tail).toBeCloseTo(1, 6)
  })
})
