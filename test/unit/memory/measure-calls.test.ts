import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
// Errors and the monitor from one build: `instanceof` has to hold.
import { PerfAbortError } from '../../../dist/errors.js'
import { MemoryMonitor } from '../../../dist/memory/monitor.js'
import type { NodeMemoryResult } from '../../../src/results/memory-result.ts'
import { rejection } from '../rejection.ts'

afterAll(async () => {
  await delay(20)
  expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate')).toEqual([])
})

// A collection of a worker of Vitest takes a while where the machine has other work.
describe('measure', { timeout: 60_000 }, () => {
  const kept: object[] = []
  class Invoice {
    readonly lines = [1, 2, 3]
  }

  it('waits its turn, also behind one that gave up waiting', async () => {
    const monitor = new MemoryMonitor()
    const calls: string[] = []
    const named = (name: string) => () => void calls.push(name)
    const first = monitor.measure(named('first'), { iterations: 300 })
    const given = new AbortController()
    const second = rejection<unknown>(monitor.measure(named('second'), { iterations: 300 }, { signal: given.signal }))
    const third = monitor.measure(named('third'), { iterations: 300 })
    await delay(20)
    given.abort(new Error('no more'))
    expect(await second).toBeInstanceOf(PerfAbortError)
    await Promise.all([first, third])
    expect(calls).not.toContain('second')
    expect(calls.lastIndexOf('first')).toBeLessThan(calls.indexOf('third'))
  })

  it('finds a function that keeps memory, per call, and names what it keeps', async () => {
    const result = await new MemoryMonitor().measure(
      function keepObject() {
        kept.push(new Invoice())
      },
      { iterations: 6_000 },
    )
    expect(result.leak, result.leak.reason).toMatchObject({ verdict: 'leak', metric: 'heapUsed' })
    expect(result.leak.reason).toContain('per call')
    expect(result.leak.bytesPerRequest).toBeGreaterThan(50)
    // V8 may inline the constructor, or name it for what it allocates.
    expect(['keepObject', 'Invoice']).toContain(result.leak.suspects?.[0]?.function)
    const invoices = result.leak.constructors?.find(({ name }) => name === 'Invoice')
    // A quarter of the calls was made again.
    expect(invoices?.count).toBe(1_500)
    expect(kept.length).toBeLessThanOrEqual(6_000 * 1.25 + 12 * 50)
    kept.length = 0
  })

  it('calls one that keeps none stable, and awaits it', async () => {
    let running = 0
    let most = 0
    const result = await new MemoryMonitor().measure(
      async () => {
        most = Math.max(most, (running += 1))
        await delay(0)
        running -= 1
        return new Array(100).fill(0)
      },
      { iterations: 1_200 },
    )
    expect(result.leak.verdict, result.leak.reason).not.toBe('leak')
    expect(most).toBe(1)
    expect(result.floors.at(-1)?.requests).toBe(1_200)
  })

  it('calls as often again where it grew and may have stopped, and sees that it has', async () => {
    const cache: number[][] = []
    let calls = 0
    const warmup = 12 * 50
    // The cache is full shortly before the end: too late to tell it from a leak.
    const fill = () => {
      calls += 1
      if (calls < warmup + 0.87 * 6_000) cache.push(new Array(60).fill(calls))
    }
    const { leak, floors } = await new MemoryMonitor().measure(fill, { iterations: 6_000 })
    expect(leak.verdict, leak.reason).toBe('stable')
    expect(floors.at(-1)?.requests).toBe(12_000)

    const lifetime = { signal: new AbortController().signal, deadline: performance.now() + 300, timeout: 300 }
    calls = 0
    cache.length = 0
    const short = await new MemoryMonitor({ lifetime }).measure(fill, { iterations: 6_000 })
    expect(short.leak.verdict, short.leak.reason).toBe('inconclusive')
    expect(short.floors.at(-1)?.requests).toBe(6_000)
  })

  it('does not lose its verdict where the test has no time left for what grew', async () => {
    const lifetime = { signal: new AbortController().signal, deadline: performance.now() + 1_500, timeout: 1_500 }
    const result = await new MemoryMonitor({ lifetime }).measure(() => kept.push(new Invoice()), { iterations: 6_000 })
    expect(result.leak, result.leak.reason).toMatchObject({ verdict: 'leak', suspects: expect.any(Array) })
    expect(result.leak.constructors).toBeUndefined()
    kept.length = 0
  })

  it('passes on what the function throws', async () => {
    const failure = new Error('broken')
    const error = await rejection<unknown>(
      new MemoryMonitor().measure(
        () => {
          throw failure
        },
        { iterations: 10 },
      ),
    )
    expect(error).toBe(failure)
  })

  it('gives way to an abort between calls', async () => {
    const signal = AbortSignal.timeout(100)
    const busy = () => {
      const until = performance.now() + 2
      while (performance.now() < until);
    }
    const error = await rejection<unknown>(new MemoryMonitor().measure(busy, { iterations: 100_000 }, { signal }))
    expect(error).toBeInstanceOf(PerfAbortError)
    expect((error as PerfAbortError<NodeMemoryResult>).partial.aborted).toBe(true)
  })

  it.each(['abort', 'stop'] as const)(
    'does not wait for a call that hangs at %s',
    async (how) => {
      const monitor = new MemoryMonitor()
      const ending = new AbortController()
      const hang = () => new Promise(() => {})
      const measured = monitor.measure(hang, { iterations: 10 }, { signal: ending.signal })
      setTimeout(() => (how === 'abort' ? ending.abort() : void monitor.stop()), 50)
      if (how === 'stop')
        return expect(await measured).toMatchObject({ leak: { verdict: 'inconclusive' }, aborted: true })
      expect(await rejection<unknown>(measured)).toMatchObject({ code: 'PERF_ABORTED', partial: { aborted: true } })
    },
    5_000,
  )
})
