import { describe, expect, it } from 'vitest'
import { Recorder } from '../../../../src/load/measure/recorder.ts'

describe('Recorder', () => {
  it('counts answers, failures and their kinds', () => {
    const recorder = new Recorder(1_000, 10_000)
    recorder.answer(200, 1)
    recorder.answer(304, 2)
    recorder.answer(503, 3)
    recorder.failure('status', 'status 503', 5, true)
    recorder.failure('reset', 'first', 10)
    recorder.failure('reset', 'second', 20)
    recorder.failure('timeout', 'late', 30)
    expect(recorder.outcomes.errors()).toEqual({
      total: 4,
      timeouts: 1,
      non2xx: 2,
      byKind: {
        status: { count: 1, message: 'status 503', firstAt: 5, lastAt: 5 },
        reset: { count: 2, message: 'first', firstAt: 10, lastAt: 20 },
        timeout: { count: 1, message: 'late', firstAt: 30, lastAt: 30 },
      },
    })
    expect(recorder.outcomes).toMatchObject({ requests: 3, transportFailures: 3 })
    expect(recorder.outcomes.statusCodes()).toEqual({ 200: 1, 304: 1, 503: 1 })
  })

  it('makes a row an interval, and a last one of what is left', () => {
    const recorder = new Recorder(100, 250)
    for (const latency of [1, 2, 3]) recorder.answer(200, latency)
    recorder.addBytes(30)
    expect(recorder.endInterval(100, { connections: 5 })).toEqual({
      requestsPerSecond: 30,
      latency: { p50: expect.closeTo(2, 2), p99: 3 },
      errors: 0,
    })
    recorder.failure('reset', 'x', 150)
    recorder.drop(2)
    recorder.endInterval(201, { connections: 5 })
    recorder.answer(200, 9)
    recorder.endInterval(250, { connections: 4 }, true)
    expect(recorder.rows).toMatchObject([
      {
        at: 100,
        duration: 100,
        requests: 3,
        requestsPerSecond: 30,
        errors: 0,
        dropped: 0,
        bytes: 30,
        connections: 5,
        latency: { max: 3 },
      },
      {
        at: 201,
        duration: 101,
        requests: 0,
        errors: 1,
        errorsByKind: { reset: 1 },
        dropped: 2,
        latency: { p50: Number.NaN },
      },
      { at: 250, duration: 49, requests: 1, connections: 4 },
    ])
    expect(recorder.latency.count).toBe(4)
  })

  it('stays small in a long load', () => {
    const hour = new Recorder(1_000, 3_600_000)
    for (let at = 1_000; at <= 3_600_000; at += 1_000) hour.endInterval(at, { connections: 1 })
    expect(hour.rows.length).toBe(3_600)
    const fine = new Recorder(100, 3_600_000)
    for (let at = 100; at <= 3_600_000; at += 100) {
      fine.answer(200, 1)
      fine.endInterval(at, { connections: 1 })
    }
    expect(fine.rows.length).toBe(3_600)
    expect(fine.rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(36_000)
    const endless = new Recorder(1_000, undefined)
    for (let at = 1_000; at <= 24 * 3_600_000; at += 1_000) endless.endInterval(at, { connections: 1 })
    expect(endless.rows.length).toBeLessThan(20_000)
  })
})
