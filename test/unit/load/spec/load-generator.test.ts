import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { LoadGenerator } from '../../../../dist/load/spec/load-generator.js'
import type { LoadOptions } from '../../../../src/load/plan/load-options.ts'
import type { LoadEnding } from '../../../../src/load/spec/load-observer.ts'
import { openLoadProcess } from '../../../../dist/load/spec/load-process.js'
import type { LoadResult } from '../../../../src/results/load-result.ts'
import { measurementId } from '../../../../dist/results/measurement-id.js'
import { mergeLatency } from '../../../../src/results/merged-latency.ts'
import { freePort, startTarget } from './target.ts'

async function rejection(work: Promise<unknown>): Promise<Error & { code: string; partial: LoadResult }> {
  return work.then(
    (value) => {
      throw new Error(`resolved with ${JSON.stringify(value)?.slice(0, 200)}`)
    },
    (error: unknown) => error as Error & { code: string; partial: LoadResult },
  )
}

function loadProcessPid(): number {
  const line = openLoadProcess({ onMessage() {}, onLost() {} })
  line.close()
  return line.pid as number
}

/** A load, and a promise for the moment when something of it is known here. */
function untilMeasured(generator: LoadGenerator, options: LoadOptions) {
  let resolve!: () => void
  const measured = new Promise<void>((onMeasured) => (resolve = onMeasured))
  const load = generator.generateLoad(options, ({ requests }) => {
    if (requests > 50) resolve()
  })
  return { load, measured }
}

describe('progress', () => {
  it('comes while the load runs and once at the end, also while the spec blocks its thread', async () => {
    const target = await startTarget('load-http.mjs')
    const seen: { progress: number; requests: number; at: number[] }[] = []
    const result = await new LoadGenerator().generateLoad(
      { url: target.url, duration: 1_000, progressInterval: 100, title: 'home' },
      ({ progress, requests, samples, interval }) => {
        if (interval.requestsPerSecond > 0) expect(interval.latency.p99).toBeGreaterThanOrEqual(interval.latency.p50)
        seen.push({ progress, requests, at: samples.map(({ at }) => at) })
        const until = performance.now() + 50
        while (performance.now() < until);
      },
    )
    // A busy machine may join two intervals.
    expect(seen.length).toBeGreaterThanOrEqual(7)
    expect(seen.length).toBeLessThanOrEqual(10)
    expect(seen.map(({ progress }) => progress)).toEqual(seen.map(({ progress }) => progress).toSorted((a, b) => a - b))
    expect(seen.at(-1)).toMatchObject({ progress: 1, requests: result.requests })
    // Rows are of the load process's clock, not of the busy thread's.
    for (const at of (seen.at(-1)?.at ?? []).slice(0, -1)) expect(at % 100).toBeLessThan(90)
    expect(result.samples.reduce((sum, { requests }) => sum + requests, 0)).toBe(result.requests)
    expect(result).toMatchObject({ title: 'home', aborted: false, url: `${target.url}/` })
    expect(result).not.toHaveProperty('progress')
    expect(measurementId(result)).toEqual(expect.any(String))
    // Plain JSON (but for the NaN of an interval in which a busy machine answered nothing).
    const { samples: _, ...figures } = result
    expect(JSON.parse(JSON.stringify(figures))).toEqual(figures)
    expect(mergeLatency([result]).p99).toBe(result.latency.p99)
  })

  it('that throws fails the load with its result, at its end', async () => {
    const target = await startTarget('load-http.mjs')
    let calls = 0
    const error = await rejection(
      new LoadGenerator().generateLoad({ url: target.url, duration: 400, progressInterval: 100 }, () => {
        calls += 1
        throw new TypeError('mine')
      }),
    )
    expect(calls).toBe(1)
    expect(error).toMatchObject({
      name: 'LoadError',
      message: expect.stringContaining('onProgress threw: mine'),
      cause: expect.any(TypeError),
    })
    expect(error.partial.duration).toBeGreaterThanOrEqual(400)
    expect(error.partial.requests).toBeGreaterThan(50)
  })
})

describe('progress of', () => {
  it('an async function that rejects fails the load as one that throws, also in its last call', async () => {
    const target = await startTarget('load-http.mjs')
    const last = await rejection(
      new LoadGenerator().generateLoad({ url: target.url, duration: 200 }, async () => {
        await delay(20)
        throw new TypeError('the last')
      }),
    )
    expect(last.message).toContain('onProgress threw: the last')
    const slow = new LoadGenerator().generateLoad(
      { url: target.url, duration: 200 },
      () => delay(60_000, undefined, { ref: false }) as never,
    )
    expect((await slow).requests).toBeGreaterThan(0)
    const load = { url: target.url, duration: 400, progressInterval: 100 }
    const error = await rejection(
      new LoadGenerator().generateLoad(load, async () => {
        await delay(1)
        throw new TypeError('mine')
      }),
    )
    expect(error).toMatchObject({ name: 'LoadError', message: expect.stringContaining('onProgress threw: mine') })
    expect(error.partial.duration).toBeGreaterThanOrEqual(400)
  })
})

describe('ends', () => {
  it.for(['/', '/hang'])('within 250 ms of an abort of its signal, with every socket closed: %s', async (path) => {
    const target = await startTarget('load-http.mjs')
    const controller = new AbortController()
    const load = rejection(
      new LoadGenerator().generateLoad({ url: `${target.url}${path}`, connections: 20, signal: controller.signal }),
    )
    await delay(600)
    const reason = new Error('enough')
    const abortedAt = performance.now()
    controller.abort(reason)
    const error = await load
    expect(performance.now() - abortedAt).toBeLessThan(250)
    expect(error).toMatchObject({ name: 'AbortError', code: 'PERF_ABORTED', cause: reason, partial: { aborted: true } })
    if (path === '/') expect(error.partial.requests).toBeGreaterThan(10)
    else expect(error.partial).toMatchObject({ requests: 0, unanswered: 20 })
    const { received } = await target.counts()
    await delay(100)
    expect((await target.counts()).received).toBeLessThanOrEqual(received + 20)
  })

  it('with the signals of its life: its test, and the death of its server', async () => {
    const target = await startTarget('load-http.mjs')
    const test = new AbortController()
    const server = new AbortController()
    const generator = new LoadGenerator({
      lifetime: { signal: test.signal },
      server: () => ({ url: target.url, signal: server.signal }),
    })
    const first = rejection(generator.generateLoad({ url: '/' }))
    await delay(200)
    server.abort(new Error('exited with code 1'))
    expect(await first).toMatchObject({
      name: 'LoadError',
      message: expect.stringContaining('exited with code 1'),
      partial: { aborted: true },
    })
    const other = new LoadGenerator({
      lifetime: { signal: test.signal },
      server: () => ({ url: target.url, signal: new AbortController().signal }),
    })
    const second = rejection(other.generateLoad({}))
    await delay(200)
    test.abort(new Error('test timed out'))
    expect(await second).toMatchObject({ name: 'AbortError', message: expect.stringContaining('test timed out') })
    await delay(100)
    // And one that is over before it begins sends nothing.
    const { received } = await target.counts()
    expect(await rejection(other.generateLoad({}))).toMatchObject({
      name: 'AbortError',
      partial: { requests: 0, aborted: true },
    })
    expect((await target.counts()).received).toBe(received)
  })

  it('by stop(), and resolves with what was measured; other loads go on', async () => {
    const target = await startTarget('load-http.mjs')
    const [one, other] = [new LoadGenerator(), new LoadGenerator()]
    const first = one.generateLoad({ url: target.url, connections: 2, thresholds: { requests: '>1e9' } })
    const second = other.generateLoad({ url: target.url, connections: 2, duration: 900 })
    await delay(500)
    await one.stop()
    const stopped = await first
    expect(stopped).toMatchObject({ aborted: true })
    expect(stopped.requests).toBeGreaterThan(10)
    expect(stopped.duration).toBeLessThan(900)
    expect((await second).duration).toBeGreaterThanOrEqual(900)
    await one.stop()
  })

  it('within a second where every connection is refused, without a storm', async () => {
    const port = await freePort()
    const began = performance.now()
    const error = await rejection(
      new LoadGenerator().generateLoad({ url: `http://127.0.0.1:${port}/`, connections: 50 }),
    )
    expect(performance.now() - began).toBeLessThan(1_500)
    expect(error).toMatchObject({ name: 'LoadError', code: 'PERF_LOAD' })
    expect(error.message).toMatch(/No connection to .* ECONNREFUSED/)
    expect(error.partial.errors.byKind.refused?.count).toBeLessThan(1_000)
  })

  it('with the kind dns for a name that does not resolve', async () => {
    const error = await rejection(
      new LoadGenerator().generateLoad({ url: 'http://no-such-host.invalid/', duration: 3_000 }),
    )
    expect(Object.keys(error.partial.errors.byKind)).toEqual(['dns'])
  })

  it('when its load process dies, with what was measured; the next load gets another one', async () => {
    const target = await startTarget('load-http.mjs')
    const generator = new LoadGenerator()
    const { load: running, measured } = untilMeasured(generator, { url: target.url, progressInterval: 100 })
    const load = rejection(running)
    await measured
    const pid = loadProcessPid()
    process.kill(pid, 'SIGKILL')
    const error = await load
    expect(error).toMatchObject({
      name: 'LoadError',
      message: expect.stringContaining('SIGKILL'),
      partial: { aborted: true },
    })
    expect(error.partial.requests).toBeGreaterThan(50)
    const next = await generator.generateLoad({ url: target.url, amount: 10 })
    expect(next.requests).toBe(10)
    expect(loadProcessPid()).not.toBe(pid)
  })

  it('rejects within 250 ms also when the load process does not answer, and ends that process', async () => {
    const target = await startTarget('load-http.mjs')
    const controller = new AbortController()
    const options = { url: target.url, progressInterval: 100, signal: controller.signal }
    const { load: running, measured } = untilMeasured(new LoadGenerator(), options)
    const load = rejection(running)
    await measured
    const pid = loadProcessPid()
    process.kill(pid, 'SIGSTOP')
    await delay(50)
    const abortedAt = performance.now()
    controller.abort()
    const error = await load
    expect(performance.now() - abortedAt).toBeLessThan(250)
    expect(error.partial.requests).toBeGreaterThan(10)
    await expect.poll(() => isAlive(pid), { timeout: 2_000 }).toBe(false)
  })

  it('by stop() also where the load process does not answer; the next load has another one at once', async () => {
    const target = await startTarget('load-http.mjs')
    const generator = new LoadGenerator()
    const { load, measured } = untilMeasured(generator, { url: target.url, progressInterval: 100 })
    await measured
    const pid = loadProcessPid()
    process.kill(pid, 'SIGSTOP')
    await generator.stop()
    expect(await load).toMatchObject({ aborted: true })
    // Not older than a tenth of a second, whatever `progressInterval` is.
    expect((await load).requests).toBeGreaterThan(10)
    expect((await generator.generateLoad({ url: target.url, amount: 10 })).requests).toBe(10)
    expect(loadProcessPid()).not.toBe(pid)
  })

  it('where its process stands still for seconds, with what was measured', async () => {
    const target = await startTarget('load-http.mjs')
    let seen = 0
    const options = { url: target.url, duration: 60_000, progressInterval: 100 }
    const load = rejection(new LoadGenerator().generateLoad(options, ({ requests }) => (seen = requests)))
    await expect.poll(() => seen, { timeout: 5_000 }).toBeGreaterThan(10)
    process.kill(loadProcessPid(), 'SIGSTOP')
    const error = await load
    expect(error.message).toMatch(/sent nothing for 5 s and was ended/)
    expect(error.partial.requests).toBeGreaterThan(10)
  })

  it('not with a process that was dying when it was asked', async () => {
    const target = await startTarget('load-http.mjs')
    const generator = new LoadGenerator()
    for (let round = 0; round < 3; round += 1) {
      await generator.generateLoad({ url: target.url, amount: 10 })
      process.kill(loadProcessPid(), 'SIGKILL')
      expect((await generator.generateLoad({ url: target.url, amount: 10 })).requests).toBe(10)
    }
  })

  it('with a word on the machine where that opens no more connections', async () => {
    const target = await startTarget('load-http.mjs')
    const script = `
      import { LoadGenerator } from ${JSON.stringify(new URL('../../../../dist/load/spec/load-generator.js', import.meta.url).href)}
      const load = { url: ${JSON.stringify(target.url)}, rate: 50, connections: 300, duration: 700 }
      const { saturated, generator, samples } = await new LoadGenerator().generateLoad(load)
      console.log(JSON.stringify({ saturated, reason: generator.reason, connections: samples.at(-1).connections }))`
    const limited = spawn(
      '/bin/sh',
      ['-c', 'ulimit -n 150; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [line] = (await once(limited.stdout, 'data')) as [Buffer]
    const { saturated, reason, connections } = JSON.parse(line.toString())
    expect({ saturated, reason }).toEqual({ saturated: true, reason: expect.stringMatching(/EMFILE.*ulimit -n/) })
    expect(connections).toBeGreaterThan(20)
    expect(connections).toBeLessThan(150)
  })

  // Frozen, it does not see its channel close: then the watchdog ends it.
  it.for([false, true])('its process with the worker, whatever ends the worker (frozen: %s)', async (frozen) => {
    const target = await startTarget('load-http.mjs')
    const script = `
      import { LoadGenerator } from ${JSON.stringify(new URL('../../../../dist/load/spec/load-generator.js', import.meta.url).href)}
      import { openLoadProcess } from ${JSON.stringify(new URL('../../../../dist/load/spec/load-process.js', import.meta.url).href)}
      const line = openLoadProcess({ onMessage() {}, onLost() {} })
      console.log(line.pid)
      line.close()
      new LoadGenerator().generateLoad({ url: ${JSON.stringify(target.url)}, connections: 100, duration: 60_000 }).catch(() => {})`
    const worker = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(worker.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    await delay(700)
    expect(isAlive(pid)).toBe(true)
    if (frozen) process.kill(pid, 'SIGSTOP')
    worker.kill('SIGKILL')
    await expect.poll(() => isAlive(pid), { timeout: 4_000 }).toBe(false)
  })

  it('lets the process exit when no load runs', async () => {
    const script = `
      import { warmLoadProcess } from ${JSON.stringify(new URL('../../../../dist/load/spec/load-process.js', import.meta.url).href)}
      warmLoadProcess()`
    const worker = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
    const [code] = (await once(worker, 'exit')) as [number]
    expect(code).toBe(0)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('refuses before the first request', () => {
  it('every bad option at once', async () => {
    const error = await rejection(
      new LoadGenerator().generateLoad({ url: 'localhost:3000', duration: 0, connections: 1.5 }),
    )
    expect(error).toMatchObject({ name: 'PerfOptionsError', code: 'PERF_INVALID_OPTIONS' })
    expect(
      (error as unknown as { issues: { option: string }[] }).issues.map(({ option }) => option).toSorted(),
    ).toEqual(['connections', 'duration', 'url'])
  })

  it('a load that its test has no time for, and names the timeout to set', async () => {
    const target = await startTarget('load-http.mjs')
    const lifetime = { signal: new AbortController().signal, deadline: performance.now() + 4_000, timeout: 5_000 }
    const generator = new LoadGenerator({ lifetime })
    const error = await rejection(
      generator.generateLoad({ url: target.url, duration: 4_000, warmup: { duration: 1_000 } }),
    )
    expect(error).toMatchObject({ name: 'PerfOptionsError' })
    expect(error.message).toMatch(/takes 5\.00 s with its warm-up, .* of its 5\.00 s; .*timeout: 7000/)
    expect((await target.counts()).received).toBe(0)
    const byAmount = await rejection(generator.generateLoad({ url: target.url, rate: 10, amount: 100 }))
    expect(byAmount.message).toMatch(/takes 9\.90 s/)
    expect((await target.counts()).received).toBe(0)
    expect((await generator.generateLoad({ url: target.url, duration: 300 })).requests).toBeGreaterThan(0)
    expect((await generator.generateLoad({ url: target.url, amount: 10 })).requests).toBe(10)
  })
})

describe('thresholds', () => {
  it('that fail reject with every value and verdict, and with the result', async () => {
    const target = await startTarget('load-http.mjs')
    const endings: LoadEnding[] = []
    const generator = new LoadGenerator({ observe: { onEnd: (_id, ending) => endings.push(ending) } })
    const thresholds = { 'latency.p50': '<5000', requests: ['>10', '<20'], 'statusCodes.503': '>0' } as const
    const error = await rejection(generator.generateLoad({ url: target.url, amount: 100, thresholds }))
    expect(error).toMatchObject({ name: 'LoadError', partial: { requests: 100, aborted: false } })
    expect(error.message).toMatch(/failed 2 of 4 thresholds/)
    expect(
      error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim()[0]),
    ).toEqual(['✓', '✓', '✗', '✗'])
    expect(endings).toMatchObject([
      {
        outcome: 'failed',
        error: error.message,
        thresholds: [{ passed: true }, { passed: true }, { passed: false }, { passed: false, value: 0 }],
      },
    ])
    const passed = await generator.generateLoad({ url: target.url, amount: 100, thresholds: { requests: '==100' } })
    expect(passed.requests).toBe(100)
  })

  it('end the load early with abortOnFail', async () => {
    const target = await startTarget('load-http.mjs')
    const error = await rejection(
      new LoadGenerator().generateLoad({
        url: `${target.url}/flaky`,
        connections: 2,
        duration: 15_000,
        thresholds: { requests: '>1e9', 'errors.total': '<10' },
        abortOnFail: true,
      }),
    )
    expect(error.message).toMatch(/failed 2 of 2 thresholds and was ended after .* \(abortOnFail\)/)
    expect(error.partial).toMatchObject({ aborted: true })
    expect(error.partial.duration).toBeLessThan(10_000)
  })
})

describe('what others see of it', () => {
  it('the observer hears of start, progress and end under one id, and cannot disturb', async () => {
    const target = await startTarget('load-http.mjs')
    const heard: [string, string, unknown][] = []
    const generator = new LoadGenerator({
      defaults: { connections: 3, headers: { a: '1' } },
      observe: {
        onStart: (id, plan, title) => {
          heard.push([id, 'start', { plan, title }])
          throw new Error('mine')
        },
        onProgress: (id, { progress }) => heard.push([id, 'progress', progress]),
        onEnd: (id, { outcome, plan }) => heard.push([id, 'end', { outcome, plan }]),
      },
    })
    const result = await generator.generateLoad({
      url: target.url,
      duration: 300,
      progressInterval: 100,
      headers: { b: '2' },
    })
    const plan = { connections: 3, duration: 300, method: 'GET', url: `${target.url}/` }
    expect(heard[0]).toEqual([measurementId(result), 'start', { plan, title: 'GET /' }])
    expect(heard.at(-1)).toEqual([measurementId(result), 'end', { outcome: 'completed', plan }])
    expect(heard.filter(([, what]) => what === 'progress').length).toBeGreaterThanOrEqual(2)
    expect(new Set(heard.map(([id]) => id)).size).toBe(1)
    expect((await target.counts()).headers).toMatchObject({ a: '1', b: '2' })
  })

  it('counts requests under way in a collection, and completed requests while it runs', async () => {
    const target = await startTarget('load-http.mjs')
    const generator = new LoadGenerator()
    const load = generator.generateLoad({ url: `${target.url}/slow/50`, connections: 10, duration: 1_200 })
    await delay(600)
    const early = generator.requestsCompleted()
    // Each of ten connections has one request under way at any time, and begins one more in 50 ms.
    generator.noteCollection({ startedAt: Date.now() - 60, duration: 50 })
    const result = await load
    expect(early).toBeGreaterThan(10)
    expect(generator.requestsCompleted()).toBeGreaterThanOrEqual(result.requests)
    expect(result.collections).toMatchObject({ count: 1, time: 50 })
    expect(result.collections?.requestsHit).toBeGreaterThanOrEqual(10)
    expect(result.collections?.requestsHit).toBeLessThanOrEqual(32)
  })

  it('its own cost', async () => {
    const target = await startTarget('load-http.mjs')
    const { generator, throughput, requests } = await new LoadGenerator().generateLoad({
      url: target.url,
      duration: 400,
    })
    expect(generator.cpuPerRequest).toBeGreaterThan(0)
    expect(generator.cpuPerRequest).toBeLessThan(5)
    expect(generator.eventLoopUtilization).toBeGreaterThan(0)
    expect(generator.eventLoopUtilization).toBeLessThanOrEqual(1)
    expect(throughput.bytes / requests).toBeGreaterThan(100)
  })
})
