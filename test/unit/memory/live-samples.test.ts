import { describe, expect, it } from 'vitest'
import { LiveSamples, sampleEvery } from '../../../src/memory/live-samples.ts'
import type { SourceReading } from '../../../src/memory/memory-source.ts'

function reading(index: number, more: Partial<SourceReading> = {}): SourceReading {
  const bytes = 123_456_789 + index
  return {
    snapshot: {
      timestamp: 1_800_000_000_000 + index * 100,
      heapUsed: bytes,
      heapTotal: bytes,
      external: bytes,
      arrayBuffers: bytes,
      rss: bytes,
    },
    stale: false,
    loop: { p50: 1, p99: 2, max: 3, latest: 12.345678 },
    gc: { count: index, time: index * 0.5 },
    ...more,
  }
}

describe('LiveSamples', () => {
  it('keeps an hour at 100 ms under a megabyte, from its first to its last sample', () => {
    const live = new LiveSamples(3)
    for (let index = 0; index < 36_000; index += 1) live.add(reading(index), index)
    const rows = live.rows()
    expect(JSON.stringify(rows).length).toBeLessThan(1_000_000)
    expect(rows.length).toBeGreaterThan(900)
    expect(live.taken).toBe(36_000)
    expect(rows.at(-1)?.timestamp).toBe(reading(35_999).snapshot.timestamp)
  })

  it('leaves its warm-up out of the baseline', () => {
    const live = new LiveSamples(2)
    for (let index = 0; index < 5; index += 1) live.add(reading(index), undefined)
    expect(live.baseline).toEqual(reading(2).snapshot)
    expect(live.latest).toEqual(reading(4).snapshot)
  })

  it('has the highest of each figure as its peak', () => {
    const live = new LiveSamples(0)
    const low = reading(0).snapshot
    live.add(reading(0, { snapshot: { ...low, timestamp: 1, rss: 9e9 } }), undefined)
    live.add(reading(0, { snapshot: { ...low, timestamp: 2, heapUsed: 8e9 } } as Partial<SourceReading>), undefined)
    expect(live.peak).toMatchObject({ timestamp: 2, rss: 9e9, heapUsed: 8e9, external: 123_456_789 })
  })

  it('marks what is stale, and says what the collector took since the sample before', () => {
    const live = new LiveSamples(0)
    live.add(reading(4), undefined)
    live.add(reading(6, { stale: true }), undefined)
    expect(live.rows()).toMatchObject([
      { gcTime: 2, eventLoopDelay: 12.35 },
      { gcTime: 1, stale: true },
    ])
    expect(live.rows()[0]).not.toHaveProperty('stale')
  })
})

describe('sampleEvery', () => {
  it('looks until it is told to stop, one look at a time', async () => {
    const stop = new AbortController()
    let looks = 0
    let looking = 0
    await sampleEvery(
      1,
      async () => {
        expect((looking += 1)).toBe(1)
        await new Promise((resolve) => setTimeout(resolve, 5))
        looking -= 1
        if ((looks += 1) === 4) stop.abort()
      },
      stop.signal,
    )
    expect(looks).toBe(4)
  })
})
