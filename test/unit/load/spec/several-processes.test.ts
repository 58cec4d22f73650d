import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { LoadGenerator } from '../../../../dist/load/spec/load-generator.js'
import { openLoadProcess } from '../../../../dist/load/spec/load-process.js'
import type { LoadOptions } from '../../../../src/load/plan/load-options.ts'
import type { LoadProgress, LoadResult } from '../../../../src/results/load-result.ts'
import { mergeLatency } from '../../../../src/results/merged-latency.ts'
import { freePort, startTarget } from './target.ts'

// Real processes: what each counts, and how that is merged, is tested without them beside this file.

async function rejection(work: Promise<unknown>): Promise<Error & { partial: LoadResult }> {
  return work.then(
    () => {
      throw new Error('did not reject')
    },
    (error: unknown) => error as Error & { partial: LoadResult },
  )
}

function pidOf(slot: number): number {
  const line = openLoadProcess({ onMessage() {}, onLost() {} }, slot)
  line.close()
  return line.pid as number
}

function untilMeasured(options: LoadOptions) {
  const generator = new LoadGenerator()
  let resolve!: () => void
  const measured = new Promise<void>((onMeasured) => (resolve = onMeasured))
  const load = generator.generateLoad({ progressInterval: 100, ...options }, ({ requests }: LoadProgress) => {
    if (requests > 50) resolve()
  })
  return { generator, load, measured }
}

describe('several processes', () => {
  it.for([
    { amount: 1_001, connections: 5, processes: 3 },
    { amount: 2, connections: 5, processes: 3 },
    { rate: 200, duration: 1_000, processes: 2, warmup: { duration: 200 } },
    { rate: 1_000, amount: 301, processes: 2 },
    {
      stages: [
        { duration: 500, rate: 200 },
        { duration: 500, rate: 0 },
      ],
      processes: 2,
    },
  ])('send exactly what was asked for: %o', async (options) => {
    const target = await startTarget('load-http.mjs')
    const result = await new LoadGenerator().generateLoad({ url: target.url, ...options })
    const expected = options.amount ?? (options.stages ? 100 : 200)
    expect(result.requests + result.dropped + result.unanswered + result.errors.total).toBe(expected)
    const { received } = await target.counts()
    // The target has counted the warm-up too, whose last requests the measured part may have cut off.
    if (options.warmup) expect(received).toBeGreaterThan(expected - result.dropped)
    else expect(received).toBe(expected - result.dropped)
    const { p50, p99, max } = mergeLatency([result])
    expect([p50, p99, max]).toEqual([result.latency.p50, result.latency.p99, result.latency.max])
    expect(result.samples.reduce((sum, row) => sum + row.requests, 0)).toBe(result.requests)
    expect(result.byName['GET /']?.requests).toBe(result.requests)
  })

  it('deal a list out as one', async () => {
    const target = await startTarget('load-http.mjs')
    const requests = Array.from({ length: 7 }, (_, index) => ({ path: `/?${index}`, name: String(index) }))
    const options = { url: target.url, requests, amount: 70, connections: 4, processes: 2 }
    const { byName } = await new LoadGenerator().generateLoad(options)
    expect(Object.values(byName).map((name) => name.requests)).toEqual(requests.map(() => 10))
  })

  it('tell of the whole while they run', async () => {
    const target = await startTarget('load-http.mjs')
    const seen: LoadProgress[] = []
    const options = { url: target.url, rate: 200, duration: 1_000, processes: 2, progressInterval: 200 }
    const result = await new LoadGenerator().generateLoad(options, (progress: LoadProgress) => seen.push(progress))
    expect(seen.length).toBeGreaterThanOrEqual(3)
    expect(seen.map(({ requests }) => requests)).toEqual(seen.map(({ requests }) => requests).toSorted((a, b) => a - b))
    expect(seen.at(-1)).toMatchObject({ progress: 1, requests: result.requests })
    for (const progress of seen) expect(progress).not.toHaveProperty('histograms')
    expect(result.samples.at(0)?.connections).toBe(10)
    expect(result.generator.cpuPerRequest).toBeGreaterThan(0)
  })

  it('are judged as one by thresholds, also with abortOnFail', async () => {
    const target = await startTarget('load-http.mjs')
    const options = { url: target.url, processes: 2, thresholds: { requests: '<100' } } as const
    const early = await rejection(new LoadGenerator().generateLoad({ ...options, duration: 20_000, abortOnFail: true }))
    expect(early.message).toMatch(/failed 1 of 1 thresholds and was ended after .* \(abortOnFail\)/)
    expect(early.partial.duration).toBeLessThan(10_000)
    // No process by itself sends so many.
    const late = await rejection(new LoadGenerator().generateLoad({ ...options, amount: 150 }))
    expect(late.message).toMatch(/failed 1 of 1 thresholds:/)
    expect(late.partial).toMatchObject({ requests: 150, aborted: false })
  })

  it('end together by stop() and by an abort, with what all had measured', async () => {
    const target = await startTarget('load-http.mjs')
    const stopped = untilMeasured({ url: target.url, processes: 2, duration: 60_000 })
    await stopped.measured
    await stopped.generator.stop()
    expect((await stopped.load).requests).toBeGreaterThan(50)
    const controller = new AbortController()
    const aborted = untilMeasured({ url: target.url, processes: 2, duration: 60_000, signal: controller.signal })
    const error = rejection(aborted.load)
    await aborted.measured
    const at = performance.now()
    controller.abort()
    expect(await error).toMatchObject({ name: 'AbortError', partial: { aborted: true } })
    expect(performance.now() - at).toBeLessThan(250)
    const { received } = await target.counts()
    await delay(300)
    expect((await target.counts()).received).toBeLessThanOrEqual(received + 10)
  })

  it.for([0, 1])('are lost with one of them, with what all had measured: process %i', async (slot) => {
    const target = await startTarget('load-http.mjs')
    const { load, measured } = untilMeasured({ url: target.url, processes: 2, duration: 60_000 })
    const error = rejection(load)
    await measured
    process.kill(pidOf(slot), 'SIGKILL')
    const { message, partial } = await error
    expect(message).toMatch(
      new RegExp(`was ended by SIGKILL; .* \\(process ${slot + 1} of 2; the others were ended\\)`),
    )
    expect(partial).toMatchObject({ aborted: true })
    expect(partial.requests).toBeGreaterThan(50)
    const { received } = await target.counts()
    await delay(300)
    expect((await target.counts()).received).toBeLessThanOrEqual(received + 10)
  })

  it('are replaced where one was dying when it was asked', async () => {
    const target = await startTarget('load-http.mjs')
    const options = { url: target.url, amount: 20, processes: 2 }
    await new LoadGenerator().generateLoad(options)
    for (const slot of [0, 1]) {
      process.kill(pidOf(slot), 'SIGKILL')
      expect((await new LoadGenerator().generateLoad(options)).requests).toBe(20)
    }
  })

  it('say that the target is not there', async () => {
    const port = await freePort()
    const error = await rejection(
      new LoadGenerator().generateLoad({ url: `http://127.0.0.1:${port}/`, processes: 2, duration: 20_000 }),
    )
    expect(error.message).toMatch(/No connection to .* ECONNREFUSED/)
  })
})
