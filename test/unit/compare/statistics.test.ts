import { describe, expect, test } from 'vitest'
import { deviation, mean, median, middleHalfMean, quantile } from '../../../src/compare/statistics/location.ts'
import { limitOf, LONG, SHORT } from '../../../src/compare/statistics/looks.ts'
import { studentQuantile, studentTail } from '../../../src/compare/statistics/student-t.ts'

describe('Student', () => {
  // python3 -c "from scipy.stats import t; print(t.isf(TAIL, FREEDOM))"
  test.each([
    [0.0018, 5, 5.15492554481],
    [0.0009, 5, 6.03400934762],
    [0.0009, 23, 3.52817603014],
    [0.00106, 95, 3.15949892823],
    [0.025, 1, 12.7062047362],
    [0.4, 2, 0.288675134595],
    [0.00001, 7, 10.102684253],
  ])('exceeds with probability %f at %i degrees of freedom', (tail, freedom, t) => {
    expect(studentQuantile(tail, freedom)).toBeCloseTo(t, 6)
    expect(studentTail(t, freedom) / tail).toBeCloseTo(1, 7)
    expect(studentTail(-t, freedom)).toBeCloseTo(1 - tail, 9)
  })
})

test('the limits of the looks are those that were proven on recorded blocks', () => {
  const two = SHORT.looks.map((blocks) => limitOf(SHORT, 2, blocks))
  for (const [index, t] of [6.034, 4.581, 4.087, 3.694, 3.528].entries()) expect(two[index]).toBeCloseTo(t, 2)
  const one = SHORT.looks.map((blocks) => limitOf(SHORT, 1, blocks))
  for (const [index, t] of [5.155, 4.067, 3.684, 3.375, 3.242].entries()) expect(one[index]).toBeCloseTo(t, 2)
  expect(limitOf(LONG, 2, 24)).toBeGreaterThan(limitOf(SHORT, 2, 24))
})

describe('location', () => {
  test('the middle half ignores a quarter at each end', () => {
    expect(middleHalfMean([1_000, 1, 2, 3, 4, 5, 6, -1_000])).toBe(3.5)
    expect(middleHalfMean([7])).toBe(7)
    expect(middleHalfMean([])).toBeNaN()
  })
  // python3 -c "import numpy as np; a=[3,1,4,1,5,9,2,6]; print(np.quantile(a,.9), np.median(a), np.mean(a), np.std(a,ddof=1))"
  test('as numpy has it', () => {
    const values = [3, 1, 4, 1, 5, 9, 2, 6]
    expect(
      quantile(
        [...values].sort((one, other) => one - other),
        0.9,
      ),
    ).toBeCloseTo(6.9, 12)
    expect(median(values)).toBe(3.5)
    expect(mean(values)).toBe(3.875)
    expect(deviation(values)).toBeCloseTo(2.748376143938713, 12)
  })
})
