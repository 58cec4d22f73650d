import { describe, expect, it } from 'vitest'
import type { Script } from '../scripted-wire.ts'
import { OPENING } from '../scripted-wire.ts'
import { answersAfter, runVirtually, VirtualLoad } from '../virtual-load.ts'

describe('the closed model', () => {
  it('sends on each connection as soon as the answer before is there', () => {
    const { result, wire, endedAt } = runVirtually({ connections: 3, duration: 1_000 }, answersAfter(10))
    // Open at 1, then an answer every 10 ms: 99 on each by 1000, and the 100th under way.
    expect(result).toMatchObject({ requests: 297, unanswered: 3, duration: 1_000, errors: { total: 0 }, dropped: 0 })
    expect(result.latency).toMatchObject({ min: expect.closeTo(10, 6), max: expect.closeTo(10, 6) })
    expect(wire.lines).toHaveLength(3)
    expect(endedAt).toBe(1_000)
    expect(result.requestsPerSecond).toBe(297)
  })

  it('ends at exactly `amount`, with nothing under way', () => {
    const { result, wire, clock } = runVirtually({ connections: 7, amount: 100, pipelining: 2 }, answersAfter(5))
    expect(result).toMatchObject({ requests: 100, unanswered: 0, progress: 1, aborted: false })
    expect(wire.requests).toHaveLength(100)
    expect(clock.pending).toBe(0)
  })

  it('ends at `duration` where `amount` would take longer', () => {
    const { result } = runVirtually({ connections: 1, amount: 100, duration: 200 }, answersAfter(10))
    expect(result).toMatchObject({ requests: 19, unanswered: 1, duration: 200 })
  })

  it('keeps so many requests under way on a connection, and writes them in one piece', () => {
    const pieces: number[] = []
    const script: Script = { ...answersAfter(10), onPiece: (requests) => pieces.push(requests) }
    const { result } = runVirtually({ connections: 1, amount: 12, pipelining: 4 }, script)
    expect(pieces[0]).toBe(4)
    expect(result.latency.max).toBeCloseTo(40, 6)
    expect(result.requests).toBe(12)
  })

  it('counts what was under way at the end as unanswered, and reads first what has come by then', () => {
    const load = new VirtualLoad({ connections: 2, duration: 100, timeout: 1_000 }, answersAfter(100 - OPENING))
    // Both answers fall on the very end: they are read, and count.
    expect(load.finish()).toMatchObject({ requests: 2, unanswered: 0 })
  })

  it('fails where nothing was answered, with the reason', () => {
    const load = runVirtually({ connections: 3, duration: 300 }, {})
    expect(load.end).toEqual({
      outcome: 'failed',
      unanswered: true,
      message: 'http://10.0.0.1/ answered none of 3 requests in 300 ms: they were still under way',
    })
    // It took all of its time.
    expect(load.result).toMatchObject({ requests: 0, unanswered: 3, aborted: false })
  })

  it('asks for HTTPS where every connection was cut, as a TLS server does with plain HTTP', () => {
    const cutting: Script = { serve: ({ line }) => line.reset() }
    const load = runVirtually({ connections: 3, duration: 300 }, cutting)
    expect(load.end).toMatchObject({ outcome: 'failed', message: expect.stringMatching(/\. Does it speak HTTPS\?$/) })
    // This one has answered in HTTP.
    const tearing: Script = {
      serve({ line }) {
        line.send('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello')
        line.end(5)
      },
    }
    const torn = runVirtually({ connections: 3, duration: 300 }, tearing)
    expect(torn.end).toMatchObject({ message: expect.stringMatching(/in the middle of an answer\)$/) })
    const silent = runVirtually({ connections: 3, duration: 300, timeout: 100 }, {})
    expect(silent.end).toMatchObject({ message: expect.not.stringMatching(/HTTPS/) })
  })

  it('counts statuses: 400 and above are errors, or what `expectStatus` does not name', () => {
    const flaky: Script = {
      serve: ({ line, index }) => line.answer(1, { status: index % 4 === 3 ? 503 : 200 }),
    }
    const { result } = runVirtually({ connections: 1, amount: 400 }, flaky)
    expect(result.statusCodes).toEqual({ 200: 300, 503: 100 })
    expect(result.errors).toMatchObject({ total: 100, non2xx: 100, timeouts: 0 })
    expect(result.errors.byKind).toMatchObject({ status: { count: 100, message: 'status 503' } })
    expect(result.errorRate).toBe(0.25)
    const mismatch = runVirtually({ connections: 1, amount: 40, expectStatus: [201, 299] }, flaky)
    expect(mismatch.result.errors.byKind).toMatchObject({
      mismatch: { count: 40, message: 'status 200, expected 201 to 299' },
    })
    const expected = runVirtually({ connections: 1, amount: 40, expectStatus: [200, 599] }, flaky)
    expect(expected.result.errors).toMatchObject({ total: 0, non2xx: 10 })
  })

  it('tells where redirects lead', () => {
    const moved: Script = { serve: ({ line }) => line.answer(1, { status: 302, headers: 'Location: /login\r\n' }) }
    const { result } = runVirtually({ amount: 20 }, moved)
    expect(result.redirectedTo).toEqual({ location: '/login', status: 302, count: 20 })
  })
})

describe('stages', () => {
  it('ramp connections in a straight line, up and down', () => {
    const stages = [
      { duration: 1_000, connections: 11 },
      { duration: 500, connections: 11 },
      { duration: 500, connections: 1 },
    ]
    const load = new VirtualLoad({ stages, progressInterval: 250 }, answersAfter(10))
    const open: number[] = []
    for (let at = 250; at < 2_000; at += 250) {
      load.clock.advance(250)
      open.push(load.wire.openLines)
    }
    expect(open).toEqual([3, 6, 8, 11, 11, 11, 6])
    const result = load.finish()
    expect(result.samples.map(({ connections }) => connections)).toEqual([3, 6, 8, 11, 11, 11, 6, 1])
    expect(result.stages?.map(({ startedAt, connections }) => [startedAt, connections])).toEqual([
      [0, 11],
      [1_000, 11],
      [1_500, 1],
    ])
    // Retired connections end with their answer: nothing is lost.
    expect(result.errors.total).toBe(0)
    expect((result.stages ?? []).reduce((sum, { requests }) => sum + requests, 0)).toBe(result.requests)
  })

  it('a connection that is retired while it is opened is closed', () => {
    const stages = [
      { duration: 100, connections: 5 },
      { duration: 100, connections: 1 },
    ]
    const load = runVirtually({ stages, connections: 5 }, { ...answersAfter(1), open: (index) => index < 2 })
    expect(load.wire.lines.slice(2).every(({ destroyed }) => destroyed)).toBe(true)
  })
})

describe('connections', () => {
  it('are opened a hundred at a time', () => {
    const load = new VirtualLoad({ connections: 250, duration: 100 }, answersAfter(5))
    expect(load.wire.lines).toHaveLength(100)
    load.clock.advance(10)
    expect(load.wire.lines).toHaveLength(200)
    load.clock.advance(10)
    expect(load.wire.lines).toHaveLength(250)
    load.finish()
  })

  it('that are reopened count for the request that needed it, the first opening for none', () => {
    const closing: Script = { serve: ({ line }) => line.answer(5, { headers: 'Connection: close\r\n' }) }
    const { result, wire } = runVirtually({ connections: 1, amount: 50 }, closing)
    expect(wire.lines).toHaveLength(50)
    expect(result.latency.min).toBeCloseTo(5, 6)
    expect(result.latency.max).toBeCloseTo(5 + OPENING, 6)
    expect(result.errors.total).toBe(0)
  })
})

describe('the warm-up', () => {
  it('is kept out of the result, with what was sent in it and answered later', () => {
    const load = runVirtually(
      { connections: 3, warmup: { duration: 250, connections: 2 }, duration: 1_000 },
      answersAfter(100),
    )
    // Two connections send at 1, 101, 201, 301, …; the third opens with the measured part, and sends at 251, 351, …
    const measured = load.wire.requests.filter(({ at }) => at >= 250).length
    expect(measured).toBe(30)
    expect(load.result).toMatchObject({ requests: measured - 3, unanswered: 3, duration: 1_000 })
    expect(load.completed).toBe(load.wire.requests.length - 3)
    expect(load.result.startedAt).toBe(load.clock.origin + 250)
  })

  it('shows in the interval of a progress, and in no figure', () => {
    const load = runVirtually(
      { connections: 1, warmup: { duration: 500 }, duration: 300, progressInterval: 100 },
      answersAfter(10),
    )
    const warm = load.progresses.filter(({ at }) => at < 500)
    expect(warm).toHaveLength(4)
    expect(warm.every(({ progress, requests, rows }) => progress === 0 && requests === 0 && rows === 0)).toBe(true)
    expect(warm.map(({ interval }) => interval.requestsPerSecond)).toEqual([90, 100, 100, 100])
  })
})

describe('progress', () => {
  it('comes at every multiple of its interval, and rows add up to the result', () => {
    const load = runVirtually({ connections: 2, duration: 1_000, progressInterval: 100 }, answersAfter(10))
    expect(load.progresses.map(({ at }) => at)).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900])
    expect(load.progresses.map(({ progress }) => progress)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    expect(load.result.samples.map(({ at }) => at)).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000])
    expect(load.result.samples.reduce((sum, { requests }) => sum + requests, 0)).toBe(load.result.requests)
  })

  it('comes once for intervals that a stall swallowed', () => {
    const load = new VirtualLoad({ connections: 1, duration: 1_000, progressInterval: 100 }, answersAfter(10))
    load.clock.advance(250)
    load.clock.block(400)
    load.finish()
    expect(load.progresses.map(({ at }) => at)).toEqual([100, 200, 650, 700, 800, 900])
  })
})
