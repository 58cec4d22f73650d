import { describe, expect, test } from 'vitest'
import { BlockBudget, neededTime } from '../../../src/compare/block-budget.ts'

describe('the first block is planned so that six fit', () => {
  test.each([
    ['a fast server with a minute: a first look after 18 s', 60_000, 500, { warmup: 720, turns: 1_680 }],
    ['a fast server with ten seconds: the shortest block', 10_000, 500, { warmup: 500, turns: 1_200 }],
    [
      'a slow server with two minutes: as long as its start, up to the longest',
      120_000,
      5_000,
      { warmup: 1_000, turns: 2_400 },
    ],
    ['a start that is a little too slow, since later ones are faster', 20_000, 5_000, { warmup: 500, turns: 1_200 }],
    ['a start that leaves no hope', 20_000, 8_000, undefined],
  ])('%s', (_name, duration, started, course) => {
    expect(new BlockBudget(duration).plan(started, started, 0, 1)).toEqual(course)
  })

  test('a slow start is said with the time that six pairs need', () => {
    expect(neededTime(8_000)).toBe(58_800)
  })
})

test('a block in the middle takes its share of what is left, and after six they stay as they are', () => {
  const budget = new BlockBudget(14_000)
  budget.plan(500, 500, 0, 1)
  budget.note(2_500, 300)
  expect(budget.plan(500, 8_000, 3, 4)).toEqual({ warmup: 500, turns: 1_200 })
  const sixth = budget.plan(500, 10_500, 5, 6)
  // 4 000 ms are left from its start on: without 500 to start and 300 to end, 30 % of 3 200 ms warm it up.
  expect(sixth).toEqual({ warmup: 960, turns: 2_240 })
  expect(budget.plan(500, 13_000, 6, 7)).toBe(sixth)
})

test('one of the first six begins if the shortest block fits, a later one if the longest so far does', () => {
  const budget = new BlockBudget(10_000)
  expect(budget.hasTime(0, 0, 0)).toBe(true)
  budget.plan(500, 500, 0, 1)
  budget.note(3_000, 100)
  // 500 to start, 500 and 1 200 to run, 100 to end.
  expect([7_700, 7_701].map((elapsed) => budget.hasTime(elapsed, 1, 1))).toEqual([true, false])
  expect([7_000, 7_001].map((elapsed) => budget.hasTime(elapsed, 6, 6))).toEqual([true, false])
})

test('says how many more fit, and what six would need', () => {
  const budget = new BlockBudget(10_000)
  budget.note(2_000, 100)
  budget.note(3_000, 100)
  expect([1_000, 4_001, 11_000].map((elapsed) => budget.moreAt(elapsed))).toEqual([3, 1, 0])
  expect(budget.needed).toBeCloseTo(19_800)
})
