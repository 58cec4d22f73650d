import { describe, expect, it } from 'vitest'
import { largestFall, typicalSlope } from '../../../../src/memory/verdict/growth-shape.ts'

describe('typicalSlope', () => {
  const line = (values: number[]) => values.map((y, x) => [x * 10, y] as const)

  it.each([
    ['a straight line', [0, 5, 10, 15, 20], 0.5],
    ['a line with a spike', [0, 5, 10, 900, 20, 25, 30], 0.5],
    ['three jumps', [0, 0, 9, 9, 9, 18, 18, 27, 27], 0],
    ['a level line', [5, 5, 5], 0],
  ])('of %s', (_, values, slope) => {
    expect(typicalSlope(line(values))).toBeCloseTo(slope, 10)
  })

  it('leaves out neighbours with the same x', () => {
    expect(
      typicalSlope([
        [0, 0],
        [1, 2],
        [1, 100],
        [2, 102],
      ]),
    ).toBe(2)
    expect(typicalSlope([[1, 2]])).toBeNaN()
  })
})

describe('largestFall', () => {
  it.each([
    [[1, 2, 3], 0],
    [[1, 5, 6, 2, 1, 4], 3],
    [[9, 9, 1, 1], 8],
    [[1, 2, 90, 4, 5], 0],
    [[], 0],
  ])('of %j is %d', (values, fall) => {
    expect(largestFall(values)).toBe(fall)
  })
})
