import { describe, expect, it } from 'vitest'
import { largestFall, shareOfTwoSteps } from '../../../src/metrics/growth-shape.ts'

describe('shareOfTwoSteps', () => {
  it.each([
    ['a straight line', [0, 1, 2, 3, 4, 5, 6, 7, 8], 0.25],
    ['one jump', [0, 0, 0, 9, 9, 9], 1],
    ['three jumps', [0, 3, 3, 6, 6, 9], 2 / 3],
    ['a line with a spike', [0, 1, 2, 90, 4, 5, 6, 7, 8], 3 / 8],
    ['a level line', [5, 5, 5], 0],
    ['a fall', [9, 5, 1], 0],
    ['nothing', [], 0],
  ])('of %s', (_, values, share) => {
    expect(shareOfTwoSteps(values)).toBeCloseTo(share, 10)
  })
})

describe('largestFall', () => {
  it.each([
    [[1, 2, 3], 0],
    [[1, 5, 2, 6, 4], 3],
    [[9, 1], 8],
    [[], 0],
  ])('of %j is %d', (values, fall) => {
    expect(largestFall(values)).toBe(fall)
  })
})
