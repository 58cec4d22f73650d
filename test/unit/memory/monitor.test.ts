import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
// Errors and the monitor from one build: `instanceof` has to hold, and servers under test need the built probe.
import { MemoryError, PerfAbortError, PerfOptionsError } from '../../../dist/errors.js'
import { LoadGenerator } from '../../../dist/load/spec/load-generator.js'
import { MemoryMonitor, snapshotOfServer } from '../../../dist/memory/monitor.js'
import type { MemoryObserver } from '../../../src/memory/memory-observer.ts'
import type { NodeMemoryResult } from '../../../src/results/memory-result.ts'
import { spawnServer } from './spawned-server.ts'
import { rejection } from '../rejection.ts'

const HEAP_FIGURES = ['arrayBuffers', 'external', 'heapTotal', 'heapUsed', 'rss', 'timestamp']

afterAll(async () => {
  await delay(20)
  expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate')).toEqual([])
})

describe('takeSnapshot', () => {
  it('reads this process, now', () => {
    const before = Date.now()
    const snapshot = new MemoryMonitor().takeSnapshot()
    expect(Object.keys(snapshot).toSorted()).toEqual(HEAP_FIGURES)
    expect(snapshot.timestamp).toBeGreaterThanOrEqual(before)
    expect(Math.abs(snapshot.rss - process.memoryUsage().rss)).toBeLessThan(64 * 1024 * 1024)
  })
})

describe('monitor', () => {
  it('samples this process where there is no server', async () => {
    const result = (await new MemoryMonitor().monitor(600, { intervalMs: 20, title: 'mine' })) as NodeMemoryResult
    expect(result).toMatchObject({ kind: 'node', title: 'mine', aborted: false })
    expect(result.duration).toBeGreaterThanOrEqual(600)
    expect(result.samples.length).toBeGreaterThan(5)
    expect(result.baseline).toMatchObject({ timestamp: result.samples[3]?.timestamp })
    expect(result.peak.heapUsed).toBe(Math.max(...result.samples.map(({ heapUsed }) => heapUsed)))
    expect(result.final.timestamp).toBe(result.samples.at(-1)?.timestamp)
    expect(result.eventLoopDelay.p99).toBeGreaterThanOrEqual(result.eventLoopDelay.p50)
    expect(result.collections?.count).toBeGreaterThan(0)
    expect(result.leak.verdict).toBe('inconclusive')
  })

  it('ends after `sampleCount` samples', async () => {
    const result = await new MemoryMonitor().monitor(20_000, { intervalMs: 10, sampleCount: 5, gc: false })
    expect(result.samples.length).toBe(5)
    expect(result.duration).toBeLessThan(5_000)
  })

  it('forces no collection and gives no verdict with `gc: false`', async () => {
    const result = await new MemoryMonitor().monitor(200, { intervalMs: 20, gc: false })
    expect(result.collections).toBeUndefined()
    expect(result.leak).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('gc: false') })
  })

  it('says what it does to an observer', async () => {
    const told: string[] = []
    const pauses: number[] = []
    const observe: MemoryObserver = {
      onStart: (id, { title, target, planned }) => void told.push(`start ${title} ${target} ${planned}`),
      onProgress: (id, { progress, samples }) =>
        void told.push(`progress ${progress > 0 && progress <= 1} ${samples > 0}`),
      onEnd: (id, { outcome, target, result }) => void told.push(`end ${outcome} ${target} ${result?.kind}`),
    }
    const monitor = new MemoryMonitor({ observe, onCollection: ({ duration }) => void pauses.push(duration) })
    const result = await monitor.monitor(1_300, { title: 'watched' })
    expect(told[0]).toBe('start watched this process 1300')
    expect(told).toContain('progress true true')
    expect(told.at(-1)).toBe('end completed this process node')
    expect(pauses).toHaveLength(result.collections?.count ?? -1)
    expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBeCloseTo(result.collections?.time ?? -1, 5)
  })

  it.each([
    ['a negative duration', -1, {}],
    ['a duration of 0', 0, {}],
    ['an interval of 0', 100, { intervalMs: 0 }],
    ['an unknown option', 100, { interval: 10 }],
  ])('refuses %s', async (_, duration, config) => {
    expect(await rejection<unknown>(new MemoryMonitor().monitor(duration, config as object))).toBeInstanceOf(
      PerfOptionsError,
    )
  })

  it('refuses a watch that its test cannot wait for', async () => {
    const lifetime = { signal: new AbortController().signal, deadline: performance.now() + 2_000, timeout: 2_000 }
    const error = await rejection<unknown>(new MemoryMonitor({ lifetime }).monitor(5_000))
    expect(error).toBeInstanceOf(PerfOptionsError)
    expect((error as Error).message).toMatch(/timeout of 2000 ms leaves \(set the test's timeout to [67]000\)/)
  })

  it('runs several watches at once, each for itself', async () => {
    const monitor = new MemoryMonitor()
    const [long, short] = await Promise.all([
      monitor.monitor(500, { intervalMs: 20 }),
      monitor.monitor(150, { intervalMs: 50, gc: false }),
    ])
    expect(long.duration).toBeGreaterThan(short.duration)
    expect(long.samples.length).toBeGreaterThan(short.samples.length)
    expect((short as NodeMemoryResult).eventLoopDelay.max).toBeGreaterThanOrEqual(0)
  })
})

describe('stop and abort', () => {
  it('resolves what runs with what it sampled', async () => {
    const monitor = new MemoryMonitor()
    const watch = monitor.monitor(30_000, { intervalMs: 20 })
    await delay(150)
    const stopped = await monitor.stop()
    const result = await watch
    expect(result.samples.length).toBeGreaterThan(1)
    expect(stopped?.samples.length).toBe(result.samples.length)
    expect(result).toMatchObject({ aborted: true })
    expect(result.duration).toBeLessThan(5_000)
    expect(await monitor.stop()).toBeUndefined()
  })

  it.each(['lifetime', 'config'] as const)(
    'rejects with what it sampled when the signal of its %s aborts',
    async (whose) => {
      const test = new AbortController()
      const monitor = new MemoryMonitor(whose === 'lifetime' ? { lifetime: { signal: test.signal } } : {})
      const watch = monitor.monitor(30_000, { intervalMs: 20, ...(whose === 'config' && { signal: test.signal }) })
      setTimeout(() => test.abort(new Error('too late')), 150)
      const error = (await rejection<unknown>(watch)) as PerfAbortError<NodeMemoryResult>
      expect(error).toBeInstanceOf(PerfAbortError)
      expect(error).toMatchObject({ name: 'AbortError', code: 'PERF_ABORTED', cause: { message: 'too late' } })
      expect(error.partial.samples.length).toBeGreaterThan(0)
      expect(error.partial.aborted).toBe(true)
    },
  )

  it('rejects at once where the signal is aborted before', async () => {
    for (const target of [undefined, process.ppid]) {
      const config = { signal: AbortSignal.abort(), ...(target !== undefined && { target }) }
      const error = await rejection<unknown>(new MemoryMonitor().monitor(30_000, config))
      expect(error).toBeInstanceOf(PerfAbortError)
      expect((error as PerfAbortError<NodeMemoryResult>).partial).toMatchObject({ aborted: true, samples: [{}] })
    }
  })

  it('does not start work whose signal is aborted before', async () => {
    let ran = false
    const error = await rejection<unknown>(
      new MemoryMonitor().during(() => (ran = true), { signal: AbortSignal.abort() }),
    )
    expect(error).toBeInstanceOf(PerfAbortError)
    expect(ran).toBe(false)
  })

  it('resolves also where it is stopped before its first sample', async () => {
    const monitor = new MemoryMonitor()
    const watch = monitor.monitor(30_000, { target: process.ppid })
    await monitor.stop()
    expect((await watch).samples.length).toBeGreaterThan(0)
  })
})

describe('during', () => {
  it('returns what the work returned', async () => {
    const result = await new MemoryMonitor().during(async () => delay(120, 'done'), { intervalMs: 20 })
    expect(result.value).toBe('done')
    expect(result.samples.length).toBeGreaterThan(1)
  })

  it('passes on what the work threw, and tells the observer what was sampled', async () => {
    const failure = new Error('the load failed')
    const ends: unknown[] = []
    const monitor = new MemoryMonitor({ observe: { onEnd: (id, end) => void ends.push(end) } })
    const error = await rejection<unknown>(
      monitor.during(async () => {
        await delay(60)
        throw failure
      }),
    )
    expect(error).toBe(failure)
    expect(ends).toMatchObject([{ outcome: 'failed', error: 'the load failed', result: { kind: 'node' } }])
  })

  it('aborts the work with itself', async () => {
    const test = new AbortController()
    let reason: unknown
    setTimeout(() => test.abort(new Error('too late')), 60)
    const error = await rejection<unknown>(
      new MemoryMonitor().during(
        (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve((reason = signal.reason)))),
        { signal: test.signal },
      ),
    )
    expect(error).toBeInstanceOf(PerfAbortError)
    expect(reason).toMatchObject({ message: 'too late' })
  })

  it('stops sampling at `stop()` and still waits for the value', async () => {
    const monitor = new MemoryMonitor()
    const watch = monitor.during(async () => delay(400, 'done'), { intervalMs: 20 })
    await delay(100)
    await monitor.stop()
    const result = await watch
    expect(result.value).toBe('done')
    expect(result.duration).toBeLessThan(390)
  })
})

describe('a server', () => {
  it('that leaks is found out with the function and line that keeps the memory; one that does not is not', async () => {
    await using leaking = await spawnServer('leaks/in-heap', 'array')
    await using sound = await spawnServer('lookalikes/bounded', 'lru')
    const [leak, stable] = await Promise.all(
      [leaking, sound].map(async (server) => {
        let paused = 0
        const onCollection = ({ duration }: { duration: number }) => void (paused += duration)
        const monitor = new MemoryMonitor({ server: () => server.target, onCollection })
        const memory = await monitor.during(() => server.load(7_000, 800), { title: server.url })
        // The load is told of every pause, a heap snapshot's too.
        expect(memory.collections?.time).toBeCloseTo(paused, 5)
        return memory
      }),
    )
    expect(leak?.leak, leak?.leak.reason).toMatchObject({ verdict: 'leak', metric: 'heapUsed' })
    expect(leak?.leak.bytesPerRequest).toBeGreaterThan(100)
    expect(leak?.leak.suspects?.[0]).toMatchObject({
      function: 'rememberInArray',
      location: expect.stringMatching(/leaks\/in-heap\.mjs:\d+$/),
    })
    expect(leak?.floors.at(-1)?.requests).toBeGreaterThan(1_000)
    expect(stable?.leak.verdict, stable?.leak.reason).not.toBe('leak')
    expect(leak?.leak.constructors?.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Date', 'Object', 'Array']),
    )
    expect(stable?.leak.suspects).toBeUndefined()
    expect(stable?.leak.constructors).toBeUndefined()
  }, 60_000)

  it('is watched in all of its processes', async () => {
    await using server = await spawnServer('lookalikes/many-isolates', 'cluster')
    const result = (await new MemoryMonitor({ server: () => server.target }).monitor(300)) as NodeMemoryResult
    // A primary and two workers, of at least 3 MB each; one heap alone has 4 to 6.
    expect(result.baseline.heapUsed).toBeGreaterThan(9 * 1024 * 1024)
    const snapshot = await snapshotOfServer(server.target)
    expect(Object.keys(snapshot).toSorted()).toEqual(HEAP_FIGURES)
  })

  it('with a thread that is parked for good is judged without it, and the verdict says so', async () => {
    await using server = await spawnServer('memory-hidden', 'parked')
    const monitor = new MemoryMonitor({ server: () => server.target })
    const result = await monitor.during(() => server.load(4_000, 400))
    // A round of questions waits for the parked thread; a busy machine leaves time for a few.
    expect(result.floors.length).toBeGreaterThanOrEqual(2)
    expect(result.samples.length).toBeGreaterThan(15)
    expect(result.leak.verdict, result.leak.reason).not.toBe('leak')
    expect(result.leak.reason).toMatch(/Not watched: thread 1 of process \d+; its event loop did not turn/)
  })

  it('that took no probe along where the load went gets no verdict, and is named', async () => {
    await using server = await spawnServer('memory-hidden', 'child')
    const generator = new LoadGenerator()
    const requestsCompleted = () => generator.requestsCompleted()
    const monitor = new MemoryMonitor({ server: () => server.target, requestsCompleted })
    const load = () => generator.generateLoad({ url: server.url, rate: 200, duration: 4_000 })
    const { leak } = await monitor.during(load)
    expect(leak.verdict).toBe('inconclusive')
    expect(leak.reason).toMatch(/served 0 of [6-8]\d\d requests. Beside them runs process \d+ \((node|MainThread)\)/)
  }, 30_000)

  it('that keeps memory as long as its connections is told by what it looked like under load', async () => {
    await using server = await spawnServer('memory-hidden', 'socket')
    const monitor = new MemoryMonitor({ server: () => server.target })
    const { leak } = await monitor.during(() => server.load(7_000, 400))
    expect(leak.verdict, leak.reason).toBe('leak')
    expect(leak.suspects?.[0]?.location).toMatch(/memory-hidden\.mjs:\d+$/)
  }, 30_000)

  it('whose event loop is blocked gives stale samples, and abort does not wait for it', async () => {
    await using server = await spawnServer('memory-moods', 'moody')
    const test = new AbortController()
    const monitor = new MemoryMonitor({ server: () => server.target, lifetime: { signal: test.signal } })
    const watch = rejection<unknown>(monitor.monitor(30_000, { intervalMs: 50 }))
    await delay(400)
    void fetch(`${server.url}/block?ms=4000`)
    await delay(1_200)
    const aborted = performance.now()
    test.abort(new Error('enough'))
    const error = (await watch) as PerfAbortError<NodeMemoryResult>
    expect(performance.now() - aborted).toBeLessThan(250)
    expect(error.partial.samples.some(({ stale }) => stale)).toBe(true)
    expect(error.partial.samples[0]?.stale).toBeUndefined()
  })

  it('that dies while it is watched is an error with what was sampled, and no verdict', async () => {
    await using server = await spawnServer('memory-moods', 'moody')
    const watch = rejection<unknown>(
      new MemoryMonitor({ server: () => server.target }).monitor(30_000, { intervalMs: 50 }),
    )
    await delay(400)
    void fetch(`${server.url}/die`).catch(() => {})
    const error = (await watch) as MemoryError<NodeMemoryResult>
    expect(error).toBeInstanceOf(MemoryError)
    expect(error.message).toMatch(/server ended while its memory was watched: it exited with 3/)
    expect(error.partial?.samples.length).toBeGreaterThan(0)
    expect(error.partial?.leak.verdict).toBe('inconclusive')
  })

  it('that there is none is an error that says what to do', async () => {
    const error = await rejection<unknown>(new MemoryMonitor().monitor(100, { target: 'server' }))
    expect(error).toBeInstanceOf(MemoryError)
    expect((error as Error).message).toContain('name the `server` fixture')
  })

  it('that is being restarted keeps no aborted watch waiting', async () => {
    const { signal } = new AbortController()
    const server = () => ({ pid: process.pid, signal, restarted: new Promise<void>(() => {}) })
    const later = new AbortController()
    setTimeout(() => later.abort('enough'), 50)
    for (const given of [AbortSignal.abort('enough'), later.signal]) {
      const started = performance.now()
      const watch = new MemoryMonitor({ server }).monitor(1_000, { signal: given })
      expect(await rejection<unknown>(watch)).toMatchObject({ code: 'PERF_ABORTED', cause: 'enough' })
      expect(performance.now() - started).toBeLessThan(1_000)
    }
  })

  it('that is given by its URL alone cannot be watched', async () => {
    const target = { pid: undefined, signal: new AbortController().signal }
    const error = await rejection<unknown>(new MemoryMonitor({ server: () => target }).monitor(100))
    expect((error as Error).message).toContain('given by its `url` alone')
  })
})

describe('a process that is not Node', () => {
  it('has resident memory alone, of its whole tree', async () => {
    const child = spawn('sh', ['-c', 'sleep 30 & sleep 30; true'], { stdio: 'ignore', detached: true })
    try {
      await delay(100)
      const result = await new MemoryMonitor().monitor(400, { target: child.pid ?? 0, intervalMs: 20 })
      expect(result.kind).toBe('process')
      expect(Object.keys(result.final).toSorted()).toEqual(['rss', 'timestamp'])
      expect(result.final.rss).toBeGreaterThan(1024 * 1024)
      expect(result).not.toHaveProperty('eventLoopDelay')
      expect(result.leak.metric).toBe('rss')
      expect(result.leak.verdict, result.leak.reason).not.toBe('leak')
    } finally {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    }
  })

  it('that does not exist is an error', async () => {
    const error = await rejection<unknown>(new MemoryMonitor().monitor(100, { target: 4_194_303 }))
    expect(error).toBeInstanceOf(MemoryError)
    expect((error as Error).message).toContain('There is no process 4194303')
  })

  it('that ends while it is watched is an error with what was sampled', async () => {
    const child = spawn('sleep', ['0.3'])
    const error = (await rejection<unknown>(
      new MemoryMonitor().monitor(10_000, { target: child.pid ?? 0, intervalMs: 20 }),
    )) as MemoryError<{ samples: unknown[]; leak: { verdict: string } }>
    expect(error).toBeInstanceOf(MemoryError)
    expect(error.partial?.samples.length).toBeGreaterThan(0)
    expect(error.partial?.leak.verdict).toBe('inconclusive')
  })
})
