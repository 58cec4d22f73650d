import { describe, expect, it } from 'vitest'
import { ArrivalSchedule, valueAt } from '../../../../src/load/plan/schedule.ts'

const constant = (rate: number, duration = Infinity) => new ArrivalSchedule([{ duration, from: rate, to: rate }])

describe('ArrivalSchedule', () => {
  it.for([
    [1, 0, 0],
    [1, 1, 1_000],
    [500, 1, 2],
    [500, 999, 1_998],
    [3, 1, 1_000 / 3],
    [7_000, 70_000_000, 10_000_000],
    [0.5, 3, 6_000],
  ])('at %d/s arrival %d is due at %d ms', ([rate, n, due]) => {
    expect(constant(rate as number).dueAt(n as number)).toBeCloseTo(due as number, 6)
  })

  it.for([
    [500, 2_000, 1_000],
    [3, 1_000, 3],
    [0.1, 1_000, 1],
    [333, 3_000, 999],
    [10_000, 3_600_000, 36_000_000],
  ])('%d/s for %d ms are %d arrivals, the last of them before the end', ([rate, duration, total]) => {
    const schedule = constant(rate as number, duration as number)
    expect(schedule.total).toBe(total)
    expect(schedule.dueAt((total as number) - 1)).toBeLessThan(duration as number)
    expect(schedule.dueAt(total as number)).toBe(Infinity)
  })

  it('ramps: half of the arrivals of a ramp from 0 come in its last 29 %', () => {
    const ramp = new ArrivalSchedule([{ duration: 1_000, from: 0, to: 200 }])
    expect(ramp.total).toBe(100)
    expect(ramp.dueAt(0)).toBe(0)
    expect(ramp.dueAt(25)).toBeCloseTo(500, 6)
    expect(ramp.dueAt(50)).toBeCloseTo(1_000 * Math.SQRT1_2, 6)
    const down = new ArrivalSchedule([{ duration: 1_000, from: 200, to: 0 }])
    expect(down.dueAt(50)).toBeCloseTo(1_000 * (1 - Math.SQRT1_2), 6)
    expect(down.dueAt(75)).toBeCloseTo(500, 6)
  })

  it('joins segments without a gap, and waits through one at rate 0', () => {
    const schedule = new ArrivalSchedule([
      { duration: 1_000, from: 100, to: 100 },
      { duration: 500, from: 0, to: 0 },
      { duration: 1_000, from: 50, to: 50 },
    ])
    expect(schedule.total).toBe(150)
    expect(schedule.dueAt(99)).toBeCloseTo(990, 6)
    expect(schedule.dueAt(100)).toBeCloseTo(1_500, 6)
    expect(schedule.dueAt(101)).toBeCloseTo(1_520, 6)
    // Also when asked out of order.
    expect(schedule.dueAt(1)).toBeCloseTo(10, 6)
  })

  it('dueBy is the inverse of dueAt', () => {
    const schedule = new ArrivalSchedule([
      { duration: 700, from: 0, to: 300 },
      { duration: 300, from: 300, to: 10 },
      { duration: 500, from: 10, to: 90 },
    ])
    for (let n = 0; n < schedule.total; n += 1) {
      expect(schedule.dueBy(schedule.dueAt(n) + 1e-6)).toBe(n + 1)
      if (n > 0) expect(schedule.dueBy(schedule.dueAt(n) - 1e-3)).toBe(n)
    }
    expect(schedule.dueBy(-1)).toBe(0)
    expect(schedule.dueBy(1e9)).toBe(schedule.total)
    expect(constant(500).dueBy(10)).toBe(6)
  })

  it('does not drift in an hour', () => {
    const schedule = constant(1_234.5)
    expect(schedule.dueAt(1_234.5 * 3_600)).toBeCloseTo(3_600_000, 3)
  })
})

describe('valueAt', () => {
  const stages = [
    { duration: 100, from: 1, to: 11 },
    { duration: 100, from: 11, to: 11 },
  ]
  it.for([
    [-5, 1],
    [0, 1],
    [50, 6],
    [150, 11],
    [1_000, 11],
  ])('at %d ms is %d', ([elapsed, value]) => expect(valueAt(stages, elapsed as number)).toBe(value))
})
