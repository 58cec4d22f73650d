import { assert, integer, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Arrivals } from '../../../../src/load/engine/arrivals.ts'
import { SharedOrder, type ListedRequest } from '../../../../src/load/engine/request-order.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import type { Segment } from '../../../../src/load/plan/schedule.ts'
import { countProcesses, dividePlan, shareOf } from '../../../../src/load/plan/share.ts'

const url = 'http://127.0.0.1:3000/'
const shares = (step: number) => Array.from({ length: step }, (_, first) => ({ first, step }))

function duesOf(arrivals: Arrivals): number[] {
  const dues: number[] = []
  for (; arrivals.due !== Infinity; arrivals.advance()) dues.push(arrivals.due)
  return dues
}

describe('shareOf', () => {
  it('gives out everything, and to no two processes numbers more than one apart', () => {
    assert(
      property(nat(100_000), integer({ min: 1, max: 64 }), (total, processes) => {
        const counts = shares(processes).map((share) => shareOf(total, share))
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total)
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      }),
    )
    expect(shares(3).map((share) => shareOf(10, share))).toEqual([4, 3, 3])
    expect(shareOf(Infinity, { first: 1, step: 2 })).toBe(Infinity)
  })
})

describe('arrivals of all shares together', () => {
  const schedules: { rate: Segment[]; amount?: number }[] = [
    { rate: [{ duration: 1_000, from: 333, to: 333 }] },
    { rate: [{ duration: Infinity, from: 100, to: 100 }], amount: 77 },
    {
      rate: [
        { duration: 500, from: 0, to: 400 },
        { duration: 250, from: 400, to: 400 },
        { duration: 500, from: 400, to: 0 },
      ],
    },
  ]
  it.for(schedules)('are those of the whole, each once and in turn: %o', ({ rate, amount }) => {
    const whole = duesOf(new Arrivals(rate, amount))
    expect(whole.length).toBe(amount ?? whole.length)
    for (const processes of [1, 2, 3, 7]) {
      const parts = shares(processes).map((share) => {
        const own = amount === undefined ? undefined : shareOf(amount, share)
        return duesOf(new Arrivals(rate, own, share))
      })
      const dealt = whole.map((_, k) => parts[k % processes]?.[Math.floor(k / processes)])
      expect(dealt).toEqual(whole)
      expect(parts.flat().length).toBe(whole.length)
    }
  })

  it('wait as many as of the whole', () => {
    const rate = [{ duration: 1_000, from: 100, to: 100 }]
    for (const elapsed of [0, 5, 10, 99, 100, 101, 500]) {
      const waiting = shares(3).map((share) => new Arrivals(rate, undefined, share).backlog(elapsed))
      expect(waiting.reduce((sum, count) => sum + count, 0)).toBe(new Arrivals(rate, undefined).backlog(elapsed))
    }
  })
})

it('a list is dealt out over all processes', () => {
  const list = Array.from({ length: 5 }, (_, index) => ({ index }) as ListedRequest)
  const orders = shares(3).map((share) => new SharedOrder(list, share))
  const sent = Array.from({ length: 20 }, (_, k) => orders[k % 3]?.take().index)
  expect(sent).toEqual(Array.from({ length: 20 }, (_, k) => k % 5))
})

describe('the plans of several processes', () => {
  it('share amount and virtual users, and leave judging to the whole', () => {
    const plan = resolveLoadOptions(
      { url, amount: 10, processes: 4, thresholds: { requests: '>1' }, abortOnFail: true, connections: 7 },
      { env: {} },
    )
    const plans = dividePlan(plan, 4)
    expect(plans.map(({ amount }) => amount)).toEqual([3, 3, 2, 2])
    expect(plans.map(({ share }) => share)).toEqual(shares(4))
    expect(plans.every(({ thresholds, abortOnFail }) => thresholds.length === 0 && !abortOnFail)).toBe(true)
    const users = resolveLoadOptions({ url, scenario: './a.ts', virtualUsers: 9, processes: 2 }, { env: {} })
    expect(dividePlan(users, 2).map(({ scenario }) => scenario?.share)).toEqual(shares(2))
  })

  it('are as many as asked for, and none without a request', () => {
    const count = (options: object, cores: number) =>
      countProcesses(resolveLoadOptions({ url, ...options }, { env: {} }), cores)
    expect(count({}, 8)).toBe(1)
    expect(count({ processes: 3 }, 2)).toBe(3)
    expect(count({ processes: 'auto' }, 1)).toBe(1)
    expect(count({ processes: 'auto' }, 8)).toBe(7)
    expect(count({ processes: 'auto', connections: 2 }, 8)).toBe(2)
    expect(count({ processes: 4, amount: 3 }, 8)).toBe(3)
  })

  it.for([
    [{ processes: 0 }, /`processes` to be an integer from 1 to 256, or 'auto'/],
    [{ processes: 1.5 }, /`processes`/],
    [{ processes: 'all' }, /`processes`/],
    [{ processes: 4, connections: 3 }, /`connections` to be at least 4, one for each of the 4 `processes`/],
    [{ processes: 4, scenario: './a.ts', virtualUsers: 3 }, /`virtualUsers` to be at least 4/],
  ] as const)('are refused: %o', ([options, message]) => {
    expect(() => resolveLoadOptions({ url, ...(options as object) }, { env: {} })).toThrow(message)
  })
})
