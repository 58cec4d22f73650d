import { describe, expect, test } from 'vitest'
import { Chance } from '../../../../src/load/scenario/chance.ts'

const draw = (chance: Chance, count: number) => Array.from({ length: count }, () => chance.random())

describe('the same seeds', () => {
  test('give the same numbers, on every machine', () => {
    // Written down once: a change of these numbers changes what every seeded load does.
    const chance = new Chance(1, 0, 0, 2)
    expect(draw(chance, 3)).toEqual(draw(new Chance(1, 0, 0, 2), 3))
    expect(draw(new Chance(1, 0, 0, 2), 3)).toMatchInlineSnapshot(`
      [
        0.05482436504387478,
        0.32317865217914343,
        0.08443578045285494,
      ]
    `)
  })

  test('and each other seed, user, iteration and purpose others', () => {
    const seeds = [
      [1, 0, 0, 2],
      [2, 0, 0, 2],
      [1, 1, 0, 2],
      [1, 0, 1, 2],
      [1, 0, 0, 1],
      [1 + 2 ** 32, 0, 0, 2],
    ]
    expect(new Set(seeds.map((seed) => new Chance(...seed).random())).size).toBe(seeds.length)
  })
})

test('random is even from 0 to 1', () => {
  const chance = new Chance(7)
  const counts = new Array<number>(20).fill(0)
  for (const value of draw(chance, 20_000)) {
    expect(value).toBeGreaterThanOrEqual(0)
    expect(value).toBeLessThan(1)
    counts[Math.floor(value * 20)] = (counts[Math.floor(value * 20)] ?? 0) + 1
  }
  const chiSquare = counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0)
  // scipy.stats.chi2.ppf(0.999, 19) = 43.82
  expect(chiSquare).toBeLessThan(43.82)
})

test('the first numbers of consecutive iterations are even as well', () => {
  const counts = new Array<number>(10).fill(0)
  for (let iteration = 0; iteration < 10_000; iteration += 1) {
    const bin = new Chance(1, 3, iteration, 2).integer(0, 9)
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  const chiSquare = counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0)
  // scipy.stats.chi2.ppf(0.999, 9) = 27.88
  expect(chiSquare).toBeLessThan(27.88)
})

test('integer includes both ends', () => {
  const chance = new Chance(3)
  const drawn = Array.from({ length: 1_000 }, () => chance.integer(-2, 2))
  expect(new Set(drawn)).toEqual(new Set([-2, -1, 0, 1, 2]))
  expect(chance.integer(5, 5)).toBe(5)
  expect(() => chance.integer(2, 1)).toThrow(
    'user.integer(from, to) takes two integers, the smaller first, and got 2 and 1',
  )
  expect(() => chance.integer(0.5, 1)).toThrow(RangeError)
})

test('pick and weighted', () => {
  const chance = new Chance(3)
  const drawn = Array.from({ length: 10_000 }, () => chance.weighted({ a: 9, b: 1, never: 0 }))
  const share = drawn.filter((key) => key === 'b').length / drawn.length
  expect(share).toBeGreaterThan(0.09)
  expect(share).toBeLessThan(0.11)
  expect(drawn).not.toContain('never')
  expect(new Set(Array.from({ length: 100 }, () => chance.pick([1, 2, 3])))).toEqual(new Set([1, 2, 3]))
  expect(() => chance.pick([])).toThrow('user.pick(list) takes a list of at least one element, and got an empty list')
  expect(() => chance.weighted({ a: -1, b: 2 })).toThrow(/weights of 0 or more/)
  expect(() => chance.weighted({})).toThrow(/one of them above 0/)
})
