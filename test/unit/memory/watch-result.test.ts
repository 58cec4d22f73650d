import type { HeapRecord } from '../../../src/memory/verdict/heap-record.ts'
import { describe, expect, it } from 'vitest'
import { LiveSamples } from '../../../src/memory/live-samples.ts'
import { memoryResult, type Watched } from '../../../src/memory/watch-result.ts'

const FLOORS = 24

/** A watch of 12 s in which the server and the load count so many requests a second, and `perFloor` bytes are kept from floor to floor. */
function watch({ byServer, byLoad, perFloor = 0 }: { byServer: number; byLoad?: number; perFloor?: number }): Watched {
  const live = new LiveSamples(0)
  const memory = { heapUsed: 5e6, heapTotal: 6e6, external: 0, arrayBuffers: 0, rss: 5e7 }
  const records = Array.from({ length: FLOORS }, (_, index): HeapRecord => {
    const timestamp = 1_000_000 + index * 500
    const load = byLoad === undefined ? undefined : (byLoad * index) / 2
    live.add({ snapshot: { timestamp, ...memory }, stale: false }, load)
    const bytes = { heapData: 5e6 + index * perFloor, machineCode: 0, external: 0, arrayBuffers: 0, time: 2, cost: 2 }
    return { timestamp, requests: (byServer * index) / 2, isolates: new Map([['1:0', bytes]]), time: 2, cost: 2 }
  })
  return {
    kind: 'node',
    title: undefined,
    strict: false,
    startedAt: 1_000_000,
    duration: 12_000,
    live,
    records,
    warmupSamples: 0,
    minimumGrowth: 160 * 1024,
    aborted: false,
  }
}

const lastCount = (watched: Watched) => memoryResult(watched).floors.at(-1)?.requests

describe('the requests that growth is measured against', () => {
  it('are those that the server counted, where the load agrees or there is none', () => {
    expect(lastCount(watch({ byServer: 400, byLoad: 395 }))).toBe(4_600)
    expect(lastCount(watch({ byServer: 400 }))).toBe(4_600)
  })

  it("are the load's where a gateway counts each twice", () => {
    expect(lastCount(watch({ byServer: 800, byLoad: 400 }))).toBe(4_600)
  })

  it('are none where only health checks came', () => {
    const { leak, floors } = memoryResult(watch({ byServer: 1, perFloor: 50_000 }))
    expect(floors.at(-1)).not.toHaveProperty('requests')
    expect(leak).toMatchObject({ verdict: 'leak', reason: expect.stringContaining('per second') })
  })
})

describe('a verdict on what did not serve', () => {
  const other = { otherProcesses: 'process 7 (node)' }

  it('is none, and names who did', () => {
    for (const counts of [{ byServer: 0, byLoad: 400 }, { byServer: 0 }]) {
      const { leak } = memoryResult({ ...watch(counts), ...other })
      expect(leak).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('process 7 (node)') })
    }
  })

  it('stands where it served, where nobody else could have, and where it leaks all the same', () => {
    const verdict = (watched: Watched) => memoryResult(watched).leak.verdict
    expect(verdict({ ...watch({ byServer: 400, byLoad: 400 }), ...other })).toBe('stable')
    expect(verdict(watch({ byServer: 0, byLoad: 400 }))).toBe('stable')
    expect(verdict({ ...watch({ byServer: 0 }), otherProcesses: 'process 7 (ffmpeg)' })).toBe('stable')
    expect(verdict({ ...watch({ byServer: 0, byLoad: 400, perFloor: 50_000 }), ...other })).toBe('leak')
  })
})

describe('growth that the records of spies may explain', () => {
  const growing = watch({ byServer: 0, perFloor: 50_000 })

  it('decides nothing, since the test may ask for those calls', () => {
    const { leak } = memoryResult({ ...growing, keptCalls: 4_000 })
    expect(leak).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('spies recorded 4000 calls'),
    })
  })

  it('is a leak where it is far more than those calls can hold', () => {
    expect(memoryResult({ ...growing, keptCalls: 100 }).leak.verdict).toBe('leak')
  })
})
