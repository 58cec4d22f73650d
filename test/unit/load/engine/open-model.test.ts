import { describe, expect, it } from 'vitest'
import { codedError, OPENING, type Script } from '../scripted-wire.ts'
import { answersAfter, runVirtually, VirtualLoad } from '../virtual-load.ts'
import type { LoadResult } from '../../../../src/results/load-result.ts'

/** Every arrival ends up in one of these. */
const total = ({ requests, errors, dropped, unanswered }: LoadResult) =>
  requests + (errors.total - (errors.byKind.status?.count ?? 0)) + dropped + unanswered

describe('the open model', () => {
  it.for([10, 500, 3_000])('sends each request when it is due, evenly: %d a second', (rate) => {
    const { wire, result } = runVirtually({ rate, connections: 5, duration: 1_000 }, answersAfter(0.5))
    // The schedule begins when all connections are open.
    const late = wire.requests.map(({ at }, index) => at - OPENING - (index * 1_000) / rate)
    expect(wire.requests).toHaveLength(rate)
    expect(Math.min(...late)).toBeGreaterThan(-1e-3)
    expect(Math.max(...late)).toBeLessThan(1e-3)
    expect(result).toMatchObject({ requests: rate, dropped: 0, unanswered: 0, duration: expect.closeTo(1_000, 3) })
    expect(result.latency.max).toBeCloseTo(0.5, 3)
  })

  it('opens all connections before the first arrival is due, however many', () => {
    const { wire, result, clock } = runVirtually({ rate: 100, connections: 700, duration: 500 }, answersAfter(1))
    expect(wire.lines).toHaveLength(700)
    expect(total(result)).toBe(50)
    // A hundred at a time, every 10 ms.
    expect(wire.requests[0]?.at).toBeCloseTo(60 + OPENING, 3)
    expect(result.startedAt).toBeCloseTo(clock.origin + 60 + OPENING, 3)
  })

  it('begins after a second where not all connections open', () => {
    const script: Script = { ...answersAfter(1), open: (index) => index < 3 }
    const { wire, result } = runVirtually({ rate: 100, connections: 5, duration: 500 }, script)
    expect(wire.requests[0]?.at).toBeCloseTo(1_000, 3)
    expect(result.requests).toBe(50)
  })

  it('counts latency from the moment a request was due, through a stall', () => {
    // Answers take 1 ms, but none comes from 1 000 to 2 000.
    const stalled: Script = {
      serve: ({ line, at }) => line.answer(at >= 1_000 && at < 2_000 ? 2_000 - at : 1),
    }
    const { result } = runVirtually({ rate: 500, connections: 600, duration: 5_000 }, stalled)
    expect(result).toMatchObject({ requests: 2_500, errors: { total: 0 }, dropped: 0 })
    // One second in five: 20 % of all wait, evenly up to 1 s. The histogram is exact to 1 %.
    for (const [name, exact] of [
      ['p90', 500],
      ['p95', 750],
      ['p99', 950],
      ['max', 1_000],
    ] as const) {
      expect(result.latency[name]).toBeGreaterThan(exact * 0.98)
      expect(result.latency[name]).toBeLessThan(exact * 1.02)
    }
    expect(result.latency.p75).toBeLessThan(1.1)
  })

  it('keeps arrivals that find no connection in a backlog, and works it off in order', () => {
    const script = answersAfter(10)
    const { result, wire } = runVirtually(
      { rate: 200, connections: 1, duration: 500, amount: 100, progressInterval: 100, timeout: 10_000 },
      script,
    )
    // 100 a second are served, 200 are due: half wait at the end, and are dropped with it.
    const backlogs = result.samples.map(({ backlog = 0 }) => backlog)
    expect(backlogs.slice(0, 4)).toEqual([11, 21, 31, 41])
    expect(result.dropped).toBe(50)
    expect(total(result)).toBe(100)
    expect(result.latency.max).toBeGreaterThan(245)
    expect(wire.requests.map(({ at }) => at)).toEqual(wire.requests.map(({ at }) => at).toSorted((a, b) => a - b))
  })

  it('drops what waited longer than `timeout`, and invents no sample for it', () => {
    const { result, wire } = runVirtually(
      { rate: 200, connections: 2, timeout: 300, duration: 1_000 },
      answersAfter(100),
    )
    expect(total(result)).toBe(200)
    // Two connections serve 20 in a second, and two more answers come in the drain.
    expect(wire.requests).toHaveLength(20)
    expect(result).toMatchObject({ requests: 20, dropped: 180, unanswered: 0, errors: { total: 0 } })
    // The oldest that is sent has waited just under 300 ms, and is then answered in 100.
    expect(result.latency.max).toBeGreaterThan(390)
    expect(result.latency.max).toBeLessThan(405)
  })

  it('waits a moment at the end for what is under way, and no longer than a second', () => {
    const slow = runVirtually({ rate: 10, connections: 10, duration: 1_000 }, answersAfter(600))
    expect(slow.result).toMatchObject({ requests: 10, unanswered: 0, duration: expect.closeTo(1_000, 3) })
    expect(slow.endedAt).toBeCloseTo(900 + 600 + OPENING, 3)
    // The last row ends with the last answer; rates are of the time in which requests were sent.
    expect(slow.result.samples.at(-1)?.at).toBeCloseTo(1_500, 3)
    expect(slow.result.requestsPerSecond).toBeCloseTo(10, 3)
    const slower = runVirtually({ rate: 10, connections: 20, duration: 1_000 }, answersAfter(1_550))
    expect(slower.endedAt).toBeCloseTo(2_000 + OPENING, 3)
    expect(slower.result).toMatchObject({ requests: 5, unanswered: 5 })
  })

  it('ends with the answer to the last of `amount` arrivals', () => {
    const { result, endedAt } = runVirtually({ rate: 400, amount: 100 }, answersAfter(3))
    expect(result).toMatchObject({ requests: 100, dropped: 0, unanswered: 0 })
    expect(endedAt).toBeCloseTo(OPENING + 99 * 2.5 + 3, 3)
  })

  it('says of a server that never answers what was asked of it and what never was', () => {
    const load = runVirtually({ rate: 100, connections: 2, duration: 300, timeout: 400 }, {})
    expect(load.end).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(
        /answered none of 2 requests in \d+ ms.*no answer within 400 ms.*28 more found no free connection/,
      ),
    })
    expect(load.result).toMatchObject({ dropped: 28, errors: { timeouts: 2 } })
  })

  it('warms up at its rate, and keeps that out', () => {
    const { result, wire } = runVirtually({ rate: 200, duration: 500, warmup: { duration: 500 } }, answersAfter(3))
    expect(wire.requests).toHaveLength(200)
    expect(result).toMatchObject({ requests: 100, unanswered: 0 })
  })

  it('fails arrivals that meet a dead target, and goes on when it is back', () => {
    // Gone from 1 000 to 1 500.
    const isGone = (at: number) => at >= 1_000 && at < 1_500
    const dying: Script = {
      open: (_, at) => (isGone(at) ? codedError('ECONNREFUSED') : true),
      serve: ({ line, at }) => (isGone(at) ? line.reset() : line.answer(1)),
    }
    const { result, wire } = runVirtually({ rate: 200, connections: 5, duration: 3_000 }, dying)
    expect(total(result)).toBe(600)
    const { refused, reset } = result.errors.byKind
    // The first arrivals of the outage are lost with their connections, the others find none.
    expect(reset).toMatchObject({ count: 5 })
    expect(refused?.message).toContain('ECONNREFUSED')
    expect(refused?.count).toBeGreaterThan(50)
    expect(result.requests + (refused?.count ?? 0) + 5).toBe(600)
    expect(wire.requests.at(-1)?.at).toBeGreaterThan(2_990)
    // An arrival just before the target is back waits for the connection, at most as long as the pause between attempts.
    expect(result.latency.max).toBeLessThan(255)
  })

  it('tells how late it was itself, and blames no server for it', () => {
    const load = new VirtualLoad({ rate: 1_000, connections: 100, duration: 1_000, timeout: 200 }, answersAfter(1))
    load.clock.advance(500)
    load.clock.block(300)
    const result = load.finish()
    expect(result).toMatchObject({ requests: 1_000, dropped: 0, errors: { total: 0 }, saturated: true })
    expect(result.generator.lateness).toBeGreaterThan(280)
    expect(result.generator.reason).toMatch(/^1 % of the requests were noticed \d+ ms or more after they were due/)
  })
})

describe('stages of an open model', () => {
  const stages = [
    { duration: 1_000, rate: 400 },
    { duration: 500, rate: 400 },
    { duration: 500, rate: 0 },
  ]

  it('ramp the rate in a straight line, and count by when a request was due', () => {
    const { result, wire } = runVirtually({ connections: 20, stages, progressInterval: 500 }, answersAfter(2))
    expect(result.stages?.map(({ requests, dropped }) => requests + dropped)).toEqual([200, 200, 100])
    expect(result.stages?.map(({ startedAt, rate }) => [startedAt, rate])).toEqual([
      [0, 400],
      [1_000, 400],
      [1_500, 0],
    ])
    // A quarter of the first ramp's arrivals fall into its first half.
    const due = wire.requests.map(({ at }) => at - OPENING)
    const within = (from: number, to: number) => due.filter((at) => at >= from - 1e-3 && at < to - 1e-3).length
    expect([within(0, 500), within(500, 1_000), within(1_000, 1_500), within(1_500, 2_000)]).toEqual([
      50, 150, 200, 100,
    ])
    expect(result.samples.map(({ rate }) => Math.round(rate as number))).toEqual([200, 400, 400, 0])
  })
})
