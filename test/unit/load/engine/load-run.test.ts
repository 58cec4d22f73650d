import { describe, expect, it } from 'vitest'
import type { Script } from '../scripted-wire.ts'
import { answersAfter, runVirtually, VirtualLoad } from '../virtual-load.ts'

describe('a load ends early', () => {
  it.for([
    ['stopped', (load: VirtualLoad) => load.run.stop()],
    ['aborted', (load: VirtualLoad) => load.run.abort()],
  ] as const)('%s: at once, with what was measured, and every line closed', ([outcome, endIt]) => {
    const load = new VirtualLoad({ connections: 20 }, answersAfter(10))
    load.clock.advance(500)
    endIt(load)
    endIt(load)
    expect(load.endedAt).toBe(500)
    expect(load.end).toEqual({ outcome })
    expect(load.finish()).toMatchObject({ aborted: true, duration: 500, requests: 980, unanswered: 20 })
    expect(load.result.progress).toBeCloseTo(0.05, 6)
    load.clock.advance(10_000)
    expect(load.wire.requests).toHaveLength(1_000)
    expect(load.clock.pending).toBe(0)
  })

  it('with what waits counted as dropped in an open model', () => {
    const load = new VirtualLoad({ rate: 100, connections: 5 }, {})
    load.clock.advance(1_001)
    load.run.stop()
    const { unanswered, dropped } = load.finish()
    expect({ unanswered, dropped }).toEqual({ unanswered: 5, dropped: 96 })
    expect(load.clock.pending).toBe(0)
  })

  it.for(['opening', 'warm-up', 'drain'])('in its %s', (state) => {
    const script: Script = state === 'opening' ? { open: () => false } : answersAfter(400)
    const load = new VirtualLoad({ rate: 10, duration: 1_000, warmup: { duration: 500 } }, script)
    load.clock.advance(state === 'drain' ? 1_600 : 300)
    load.run.abort()
    expect(load.end).toEqual({ outcome: 'aborted' })
    const result = load.finish()
    expect(result.requests > 0).toBe(state === 'drain')
    load.clock.advance(5_000)
    expect(load.clock.pending).toBe(0)
  })
})

describe('abortOnFail', () => {
  const flaky: Script = { serve: ({ line, index }) => line.answer(5, { status: index % 4 === 3 ? 503 : 200 }) }

  it('ends at once by a count that is over its bound', () => {
    const load = new VirtualLoad(
      { connections: 2, duration: 8_000, thresholds: { 'errors.total': '<10' }, abortOnFail: true },
      flaky,
    )
    const result = load.finish()
    // The tenth error comes at 100 ms, and is seen at the next tick.
    expect(load.endedAt).toBeLessThanOrEqual(300)
    expect(load.end).toMatchObject({
      outcome: 'failed-threshold',
      thresholds: [{ metric: 'errors.total', passed: false }],
    })
    expect(result).toMatchObject({ aborted: true })
  })

  it('ends by an average that has failed for half a second, once that says something', () => {
    const load = new VirtualLoad(
      { connections: 2, duration: 8_000, thresholds: { errorRate: '<0.1', requests: '>1e9' }, abortOnFail: true },
      flaky,
    )
    load.finish()
    expect(load.endedAt).toBeGreaterThanOrEqual(1_500)
    expect(load.endedAt).toBeLessThanOrEqual(1_700)
  })

  it('not by a figure that still grows, nor in the warm-up', () => {
    const growing = runVirtually(
      { connections: 2, duration: 1_500, thresholds: { requests: '>1e9' }, abortOnFail: true },
      flaky,
    )
    expect(growing.end).toEqual({ outcome: 'completed' })
    const warm: Script = { serve: ({ line, at }) => line.answer(5, { status: at < 3_000 ? 503 : 200 }) }
    const load = runVirtually(
      {
        connections: 2,
        duration: 2_000,
        warmup: { duration: 3_010 },
        thresholds: { errorRate: '<0.1' },
        abortOnFail: true,
      },
      warm,
    )
    expect(load.end).toEqual({ outcome: 'completed' })
  })
})

describe('saturation', () => {
  it('is a load process that was busy all the time', () => {
    const load = new VirtualLoad({ connections: 2, duration: 1_000 }, answersAfter(1))
    load.eventLoopUtilization = 0.99
    expect(load.finish()).toMatchObject({
      saturated: true,
      generator: { eventLoopUtilization: 0.99, reason: expect.stringContaining('busy 99 % of the time') },
    })
    expect(runVirtually({ connections: 2, duration: 1_000 }, answersAfter(1)).result.saturated).toBe(false)
  })
})

describe('collections', () => {
  it('count what was under way while the server stood still', () => {
    const load = new VirtualLoad({ connections: 10, duration: 1_200 }, answersAfter(50))
    load.clock.advance(600)
    // Ten are under way at any time, and in 40 ms from 545 to 585 each connection begins one more (at 551).
    load.run.noteCollection(load.clock.origin + 545, 40)
    const { collections } = load.finish()
    expect(collections).toMatchObject({ count: 1, time: 40 })
    expect(collections?.requestsHit).toBeGreaterThanOrEqual(10)
    expect(collections?.requestsHit).toBeLessThanOrEqual(20)
  })
})

describe('ticks', () => {
  const slow = { connections: 1, duration: 6_000 }

  it('tell all so far when something was counted, and else once a second', () => {
    const { ticks } = runVirtually(slow, answersAfter(2_000))
    const told = ticks.flatMap((progress) => progress ?? [])
    expect(ticks.length).toBeGreaterThan(55)
    expect(told.map(({ requests, duration }) => [requests, Math.round(duration / 100)])).toEqual([
      [0, 1],
      [0, 11],
      [1, 21],
      [1, 31],
      [2, 41],
      [2, 51],
    ])
  })

  it('tell it each time where a threshold may end the load', () => {
    const { ticks } = runVirtually({ ...slow, thresholds: { dropped: '==0' }, abortOnFail: true }, answersAfter(2_000))
    expect(ticks.filter((progress) => progress === undefined)).toEqual([])
  })
})
