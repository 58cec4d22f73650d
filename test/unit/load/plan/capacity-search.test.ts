import { describe, expect, test } from 'vitest'
import { boundsOf, nextStep, type CapacityRange, type TriedStep } from '../../../../src/load/plan/capacity-search.ts'

/** Searches a server whose limit is known; `fluke` makes single tries fail. */
function search(limit: number, range: Partial<CapacityRange> = {}, fluke: (index: number) => boolean = () => false) {
  const whole: CapacityRange = { from: 50, to: 1_000_000, precision: 0.05, ...range }
  const steps: TriedStep[] = []
  for (let index = 0; index < 60; index += 1) {
    const next = nextStep(steps, whole)
    if ('done' in next) return { steps, ...next }
    steps.push({ ...next, holds: next.rate <= limit && !fluke(index) })
  }
  throw new Error('no end')
}

describe('the search', () => {
  test.each([[60], [730], [1_234], [98_765]])('finds a limit of %i within 5 %', (limit) => {
    const { holds, fails, steps } = search(limit)
    expect(holds).toBeLessThanOrEqual(limit)
    expect(fails).toBeGreaterThan(limit)
    expect((fails as number) - holds).toBeLessThanOrEqual(holds * 0.05 + 1)
    expect(steps.length).toBeLessThan(35)
  })

  test('doubles, tries what failed twice, then takes the middle', () => {
    const rates = search(730).steps.map(({ rate, attempt }) => [rate, attempt])
    expect(rates.slice(0, 7)).toEqual([
      [50, 1],
      [100, 1],
      [200, 1],
      [400, 1],
      [800, 1],
      [800, 2],
      [566, 1],
    ])
  })

  test('one failure that the second try does not confirm changes nothing', () => {
    const { holds } = search(730, {}, (index) => index === 2)
    expect(holds).toBeGreaterThan(690)
  })

  test('ends at `to` where that holds', () => {
    expect(search(10_000, { to: 300 })).toMatchObject({ done: true, holds: 300, fails: undefined })
  })

  test('goes down where the first rate fails, and gives up at a 64th', () => {
    expect(search(7).holds).toBeGreaterThan(6)
    expect(search(0)).toMatchObject({ done: true, holds: 0 })
  })

  test('ends where rounding leaves nothing between', () => {
    expect(search(101, { from: 100, precision: 0.0001 }).steps.length).toBeLessThan(60)
  })
})

test('a rate that failed once is no bound', () => {
  expect(
    boundsOf([
      { rate: 10, holds: true, attempt: 1 },
      { rate: 20, holds: false, attempt: 1 },
    ]),
  ).toEqual({ holds: 10, fails: undefined })
})
