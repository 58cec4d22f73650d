import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { measurementId } from '../../../../src/results/measurement-id.ts'
import { mergeLatency } from '../../../../src/results/merged-latency.ts'
import { codedError, type Script } from '../scripted-wire.ts'
import { answersAfter } from '../virtual-load.ts'
import { URL_UNDER_LOAD, VirtualWorker } from '../virtual-worker.ts'
import { rejection } from '../../rejection.ts'

// From the call to the socket, on a virtual clock. What needs real processes and sockets is in `../smoke.test.ts`.

describe('progress', () => {
  it('comes while the load runs, once an interval, and once at the end', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const seen: { progress: number; requests: number; at: number; rows: number[] }[] = []
    const result = await worker.run(
      { duration: 1_000, connections: 2, progressInterval: 100, title: 'home' },
      ({ progress, requests, samples }) =>
        seen.push({ progress, requests, at: worker.clock.now(), rows: samples.map(({ at }) => at) }),
    )
    expect(seen).toHaveLength(10)
    // The first connections open after 1 ms.
    expect(seen.map(({ at }) => Math.round(at))).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000])
    expect(seen.map(({ requests }) => requests)).toEqual([18, 38, 58, 78, 98, 118, 138, 158, 178, 198])
    expect(seen.at(-1)).toMatchObject({ progress: 1, requests: result.requests })
    expect(seen[2]?.rows.map((at) => Math.round(at))).toEqual([100, 200, 300])
    expect(result.samples.reduce((sum, { requests }) => sum + requests, 0)).toBe(result.requests)
    expect(result).toMatchObject({ title: 'home', aborted: false, url: URL_UNDER_LOAD })
    expect(result).not.toHaveProperty('progress')
    expect(measurementId(result)).toEqual(expect.any(String))
    // Plain JSON.
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    expect(mergeLatency([result]).p99).toBe(result.latency.p99)
  })

  it('that throws fails the load with its result, at its end', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    let calls = 0
    const load = await worker.load({ duration: 400, progressInterval: 100 }, () => {
      calls += 1
      throw new TypeError('mine')
    })
    const error = await rejection(worker.until(load.result))
    expect(calls).toBe(1)
    expect(error).toMatchObject({
      name: 'LoadError',
      message: 'onProgress threw: mine (the load ran to its end; its result is `partial`)',
      cause: expect.any(TypeError),
      partial: { duration: 400, requests: 390, aborted: false },
    })
  })

  it.for([
    ['the first', 0],
    ['the last', 3],
  ])('of an async function that rejects fails the load as one that throws, in %s call', async ([, failing]) => {
    const worker = new VirtualWorker(answersAfter(10))
    let calls = 0
    const load = await worker.load({ duration: 400, progressInterval: 100 }, (async () => {
      const call = calls++
      await delay(1)
      if (call === failing) throw new TypeError('mine')
    }) as () => void)
    worker.clock.advance(400.1)
    // Its process has ended it, and the last call is waited for.
    expect(load.ending).toBe(undefined)
    const error = await rejection(load.result)
    expect(error).toMatchObject({ name: 'LoadError', message: expect.stringContaining('onProgress threw: mine') })
    expect(error.partial.duration).toBe(400)
  })

  it('of an async function that never settles is waited for 250 ms', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const load = await worker.load({ duration: 200 }, () => new Promise(() => {}) as never)
    worker.clock.advance(449)
    expect(load.ending).toBe(undefined)
    worker.clock.advance(2)
    expect(load.ending).toMatchObject({ outcome: 'completed' })
    expect(load.endedAt).toBeCloseTo(450, 3)
    expect(worker.clock.pending).toBe(0)
    expect((await load.result).duration).toBe(200)
  })
})

describe('an abort', () => {
  it.for(['answers', 'hangs'])('ends the load at once, with every socket closed, of a server that %s', async (how) => {
    const worker = new VirtualWorker(how === 'answers' ? answersAfter(10) : {})
    const controller = new AbortController()
    const load = await worker.load({ connections: 20, signal: controller.signal })
    worker.clock.advance(600)
    const reason = new Error('enough')
    controller.abort(reason)
    worker.clock.advance(1)
    expect(load.endedAt).toBeCloseTo(600, 3)
    expect(worker.wire.openLines).toBe(0)
    const { length } = worker.wire.requests
    worker.clock.advance(5_000)
    expect(worker.wire.requests).toHaveLength(length)
    expect(worker.clock.pending).toBe(0)
    const error = await rejection(load.result)
    expect(error).toMatchObject({
      name: 'AbortError',
      code: 'PERF_ABORTED',
      message: 'The load was aborted by its signal: enough',
      cause: reason,
      partial: how === 'answers' ? { aborted: true, requests: 1_180 } : { aborted: true, requests: 0, unanswered: 20 },
    })
  })

  it('that the load process does not answer ends the load after 100 ms, and that process', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const controller = new AbortController()
    const load = await worker.load({ signal: controller.signal })
    worker.clock.advance(600.5)
    worker.child.freeze()
    worker.clock.advance(49.5)
    controller.abort()
    worker.clock.advance(99)
    expect([load.ending, worker.child.killed]).toEqual([undefined, false])
    worker.clock.advance(2)
    expect(load.endedAt).toBeCloseTo(750, 3)
    expect(worker.child.killed).toBe(true)
    // What it said last, at its tick.
    expect((await rejection(load.result)).partial).toMatchObject({ aborted: true, requests: 590 })
    expect(worker.clock.pending).toBe(0)
  })

  it('spares a load process in which another load runs', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const controller = new AbortController()
    const load = await worker.load({ signal: controller.signal })
    const other = await worker.load({})
    worker.clock.advance(300)
    worker.child.freeze()
    controller.abort()
    worker.clock.advance(200)
    expect(load.ending?.outcome).toBe('aborted')
    expect([worker.child.killed, other.ending]).toEqual([false, undefined])
    worker.clock.advance(5_500)
    expect(other.ending?.error).toMatch(/sent nothing for 5 s and was ended/)
  })

  it('reads what has come first, where this thread was blocked', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const controller = new AbortController()
    const load = await worker.load({ signal: controller.signal })
    worker.clock.advance(300)
    controller.abort()
    // It has answered, and nobody has read that.
    worker.clock.advance(1.5e-6)
    worker.clock.block(5_000)
    worker.clock.advance(1)
    expect(load.ending).toMatchObject({ outcome: 'aborted', result: { requests: 290 } })
    expect(worker.child.killed).toBe(false)
  })

  it('wins over a stop() that was not answered, and over the calls of `onProgress` that are waited for', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const controller = new AbortController()
    const load = await worker.load({ signal: controller.signal })
    worker.clock.advance(300)
    worker.child.freeze()
    void load.generator.stop()
    await worker.pass(500)
    controller.abort()
    worker.clock.advance(101)
    expect(load.ending?.outcome).toBe('aborted')
    expect(load.endedAt).toBeCloseTo(900, 3)

    const other = new VirtualWorker(answersAfter(10))
    const own = new AbortController()
    const settling = await other.load({ duration: 200, signal: own.signal }, () => new Promise(() => {}) as never)
    other.clock.advance(300)
    own.abort()
    expect(settling.ending?.outcome).toBe('aborted')
    expect(settling.endedAt).toBe(300)
    expect(other.clock.pending).toBe(0)
  })

  it('by the last call of `onProgress` is an abort', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const controller = new AbortController()
    const load = await worker.load({ duration: 200, signal: controller.signal }, ({ progress }) => {
      if (progress === 1) controller.abort(new Error('seen enough'))
    })
    worker.clock.advance(201)
    expect(load.ending?.outcome).toBe('aborted')
    expect((await rejection(load.result)).partial).toMatchObject({ aborted: true, requests: 190 })
  })

  it('comes with the signals of its life too: its test, and the death of its server', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const [test, server] = [new AbortController(), new AbortController()]
    const context = {
      lifetime: { signal: test.signal },
      server: () => ({ url: URL_UNDER_LOAD, signal: server.signal }),
    }
    const first = await worker.load({ url: '/' }, undefined, context)
    worker.clock.advance(200)
    server.abort(new Error('exited with code 1'))
    worker.clock.advance(1)
    expect(await rejection(first.result)).toMatchObject({
      name: 'LoadError',
      message: 'The server under load is gone: exited with code 1',
      partial: { aborted: true },
    })
    const other = { ...context, server: () => ({ url: URL_UNDER_LOAD, signal: new AbortController().signal }) }
    const second = await worker.load({ url: '/' }, undefined, other)
    worker.clock.advance(200)
    test.abort(new Error('test timed out'))
    worker.clock.advance(1)
    expect(await rejection(second.result)).toMatchObject({
      name: 'AbortError',
      message: 'The load was aborted by the end of its test: test timed out',
    })
    // And one that is over before it begins sends nothing.
    const { length } = worker.child.sent
    const third = await worker.load({ url: '/' }, undefined, other)
    expect(await rejection(third.result)).toMatchObject({ name: 'AbortError', partial: { requests: 0, aborted: true } })
    expect(worker.child.sent).toHaveLength(length)
    expect(worker.clock.pending).toBe(0)
  })

  it('of a dozen loads by one signal warns of no listeners', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const warnings: string[] = []
    const onWarning = ({ message }: Error) => warnings.push(message)
    process.on('warning', onWarning)
    const [test, own] = [new AbortController(), new AbortController()]
    const context = { lifetime: { signal: test.signal } }
    const options = { amount: 5, connections: 1, signal: own.signal }
    const loads = []
    for (let count = 0; count < 12; count += 1) loads.push(await worker.load(options, undefined, context))
    await worker.pass(100)
    process.off('warning', onWarning)
    expect(loads.map(({ ending }) => ending?.result?.requests)).toEqual(loads.map(() => 5))
    expect(warnings).toEqual([])
  })
})

describe('stop()', () => {
  it('resolves with what was measured, thresholds unjudged; other loads go on', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const first = await worker.load({ connections: 2, thresholds: { requests: '>1e9' } })
    const second = await worker.load({ connections: 2, duration: 900 })
    worker.clock.advance(500)
    const stopped = first.generator.stop()
    await worker.pass(1, 1)
    expect(first.ending?.outcome).toBe('stopped')
    expect(await stopped).toBe(await first.result)
    expect(await first.result).toMatchObject({ aborted: true, duration: 500, requests: 98 })
    worker.clock.advance(600)
    expect(second.ending).toMatchObject({ outcome: 'completed', result: { duration: 900 } })
    expect(await first.generator.stop()).toBe(undefined)
  })

  it('that the load process does not answer takes 1 s, and that process; the next load has another one', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const load = await worker.load({ connections: 2 })
    worker.clock.advance(500.5)
    worker.child.freeze()
    void load.generator.stop()
    await worker.pass(1_001)
    expect(load.endedAt).toBeCloseTo(1_500.5, 3)
    expect(worker.child.killed).toBe(true)
    // Not older than a tenth of a second, whatever `progressInterval` is.
    expect(await load.result).toMatchObject({ aborted: true, requests: 98 })
    expect((await worker.run({ amount: 10 })).requests).toBe(10)
    expect(worker.children).toHaveLength(2)
  })

  it('ends a load whose process is lost meanwhile with what was measured', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const load = await worker.load({ connections: 2 })
    worker.clock.advance(500.5)
    worker.child.freeze()
    void load.generator.stop()
    await worker.pass(1)
    worker.child.exit(1)
    worker.clock.advance(1)
    expect(load.ending).toMatchObject({ outcome: 'stopped', result: { requests: 98, aborted: true } })
  })
})

describe('a load fails', () => {
  it('within a second where every connection is refused, without a storm', async () => {
    const worker = new VirtualWorker({ open: () => codedError('ECONNREFUSED') })
    const load = await worker.load({ connections: 50 })
    const error = await rejection(worker.until(load.result))
    expect(load.endedAt).toBeLessThan(600)
    expect(error).toMatchObject({ name: 'LoadError', code: 'PERF_LOAD' })
    expect(error.message).toMatch(/No connection to .* ECONNREFUSED/)
    expect(error.partial.errors.byKind.refused?.count).toBeLessThan(1_000)
  })

  it('with the kind dns for a name that does not resolve', async () => {
    const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND no-such-host.invalid'), { code: 'ENOTFOUND' })
    const worker = new VirtualWorker({ open: () => unknown })
    const load = await worker.load({ duration: 3_000 })
    const error = await rejection(worker.until(load.result))
    expect(Object.keys(error.partial.errors.byKind)).toEqual(['dns'])
  })

  it('when its load process dies, with what was measured; the next load gets another one', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const load = await worker.load({ connections: 2 })
    worker.clock.advance(500.5)
    worker.child.exit(null, 'SIGKILL')
    worker.clock.advance(1)
    expect(load.endedAt).toBeCloseTo(500.5, 3)
    expect(await rejection(load.result)).toMatchObject({
      name: 'LoadError',
      message: 'The load process (pid 1001) was ended by SIGKILL; the load it ran is lost',
      partial: { aborted: true, requests: 98 },
    })
    expect((await worker.run({ amount: 10 })).requests).toBe(10)
    expect(worker.children).toHaveLength(2)
  })

  it('where its process stands still for 5 s, with what was measured', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const load = await worker.load({ connections: 2, duration: 60_000 })
    worker.clock.advance(700.5)
    worker.child.freeze()
    worker.clock.advance(5_000)
    expect(load.ending).toBe(undefined)
    worker.clock.advance(500)
    const error = await rejection(load.result)
    expect(load.endedAt).toBeCloseTo(6_000, 0)
    expect(error.message).toMatch(/sent nothing for 5 s and was ended/)
    expect(error.partial.requests).toBe(138)
    expect(worker.child.killed).toBe(true)
  })

  it('not because of a process that was dying when it was asked: another one runs it', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    await worker.run({ amount: 10 })
    worker.child.die(40)
    expect((await worker.run({ amount: 10 })).requests).toBe(10)
    expect(worker.children).toHaveLength(2)
    expect(worker.clock.pending).toBe(0)
  })

  it('where that one is lost too', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const load = await worker.load({})
    worker.children[0]?.exit(null, 'SIGKILL')
    worker.clock.advance(0.001)
    worker.children[1]?.exit(13)
    worker.clock.advance(0.001)
    expect(load.ending).toMatchObject({ outcome: 'failed', result: { requests: 0, aborted: true } })
    expect((await rejection(load.result)).message).toContain('(pid 1002) exited with code 13')
    expect(worker.children).toHaveLength(2)
  })
})

describe('refuses before the first request', () => {
  it('every bad option at once', async () => {
    const worker = new VirtualWorker({})
    const load = await worker.load({ url: 'localhost:3000', duration: 0, connections: 1.5 })
    const error = await rejection(load.result)
    expect(error).toMatchObject({ name: 'PerfOptionsError', code: 'PERF_INVALID_OPTIONS' })
    const { issues } = error as unknown as { issues: { option: string }[] }
    expect(issues.map(({ option }) => option).toSorted()).toEqual(['connections', 'duration', 'url'])
    expect(worker.children).toEqual([])
  })

  it('a load that its test has no time for, and names the timeout to set', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const lifetime = { signal: new AbortController().signal, deadline: performance.now() + 4_000, timeout: 5_000 }
    const long = await worker.load({ duration: 4_000, warmup: { duration: 1_000 } }, undefined, { lifetime })
    const error = await rejection(long.result)
    expect(error).toMatchObject({ name: 'PerfOptionsError' })
    expect(error.message).toMatch(/takes 5\.00 s with its warm-up, .* of its 5\.00 s; .*timeout: 7000/)
    const byAmount = await worker.load({ rate: 10, amount: 100 }, undefined, { lifetime })
    expect((await rejection(byAmount.result)).message).toMatch(/takes 9\.90 s/)
    expect(worker.children).toEqual([])
    expect((await worker.run({ duration: 300 }, undefined, { lifetime })).requests).toBeGreaterThan(0)
    expect((await worker.run({ amount: 10 }, undefined, { lifetime })).requests).toBe(10)
  })
})

describe('thresholds', () => {
  it('that fail reject with every value and verdict, and with the result', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const thresholds = { 'latency.p50': '<5000', requests: ['>10', '<20'], 'statusCodes.503': '>0' } as const
    const load = await worker.load({ amount: 100, thresholds })
    const error = await rejection(worker.until(load.result))
    expect(error).toMatchObject({ name: 'LoadError', partial: { requests: 100, aborted: false } })
    expect(error.message).toMatch(/failed 2 of 4 thresholds/)
    const marks = error.message.split('\n').slice(1)
    expect(marks.map((line) => line.trim()[0])).toEqual(['✓', '✓', '✗', '✗'])
    expect(load.ending).toMatchObject({
      outcome: 'failed',
      error: error.message,
      thresholds: [{ passed: true }, { passed: true }, { passed: false }, { passed: false, value: 0 }],
    })
    expect((await worker.run({ amount: 100, thresholds: { requests: '==100' } })).requests).toBe(100)
  })

  it('end the load early with abortOnFail', async () => {
    const flaky: Script = { serve: ({ line, index }) => line.answer(10, { status: index % 4 === 3 ? 503 : 200 }) }
    const worker = new VirtualWorker(flaky)
    const thresholds = { requests: '>1e9', 'errors.total': '<10' } as const
    const load = await worker.load({ connections: 2, duration: 15_000, thresholds, abortOnFail: true })
    const error = await rejection(worker.until(load.result))
    expect(error.message).toMatch(/failed 2 of 2 thresholds and was ended after 3\d\d ms \(abortOnFail\)/)
    expect(error.partial).toMatchObject({ aborted: true })
    expect(load.endedAt).toBeLessThan(400)
  })
})

describe('what others see of it', () => {
  it('the observer hears of start, progress and end under one id, and cannot disturb', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const heard: [string, string, unknown][] = []
    const result = await worker.run({ duration: 300, progressInterval: 100, headers: { b: '2' } }, undefined, {
      defaults: { connections: 3, headers: { a: '1' } },
      observe: {
        onStart: (id, plan, title) => {
          heard.push([id, 'start', { plan, title }])
          throw new Error('mine')
        },
        onProgress: (id, { progress }) => heard.push([id, 'progress', Number(progress.toFixed(2))]),
        onEnd: (id, { outcome, plan }) => heard.push([id, 'end', { outcome, plan }]),
      },
    })
    const plan = { connections: 3, duration: 300, method: 'GET', url: URL_UNDER_LOAD }
    expect(heard.map(([, ...what]) => what)).toEqual([
      ['start', { plan, title: 'GET /' }],
      ['progress', 0.33],
      ['progress', 0.67],
      ['progress', 1],
      ['end', { outcome: 'completed', plan }],
    ])
    expect(new Set(heard.map(([id]) => id))).toEqual(new Set([measurementId(result)]))
    const run = worker.child.sent.find((message) => message.type === 'run')
    expect(run?.plan.requests[0]?.headers).toEqual(
      expect.arrayContaining([
        ['a', '1'],
        ['b', '2'],
      ]),
    )
  })

  it('counts completed requests while it runs, and passes collections on', async () => {
    const worker = new VirtualWorker(answersAfter(50))
    const load = await worker.load({ connections: 10, duration: 1_200 })
    worker.clock.advance(600.1)
    // At its last tick.
    expect(load.generator.requestsCompleted()).toBe(110)
    // Each of ten connections has one request under way at any time, and begins one more in 50 ms.
    load.generator.noteCollection({ startedAt: worker.clock.origin + 540, duration: 50 })
    worker.clock.advance(700)
    const result = await load.result
    expect(load.generator.requestsCompleted()).toBe(result.requests)
    expect(result.collections).toMatchObject({ count: 1, time: 50 })
    expect(result.collections?.requestsHit).toBeGreaterThanOrEqual(10)
    expect(result.collections?.requestsHit).toBeLessThanOrEqual(32)
  })
})
