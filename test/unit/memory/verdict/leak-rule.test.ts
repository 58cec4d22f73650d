import { describe, expect, it } from 'vitest'
import {
  CALLS_MINIMUM_GROWTH,
  decideLeak,
  looksLikeLeak,
  RSS_MINIMUM_GROWTH,
  SERVER_MINIMUM_GROWTH,
} from '../../../../src/memory/verdict/leak-rule.ts'
import type { MemoryFloor } from '../../../../src/results/memory-result.ts'

const KB = 1024

/** Floors 500 ms and 200 requests apart; `bytes` gives memory at each, in KB. */
function floors(count: number, bytes: (index: number) => number, requests = 200): MemoryFloor[] {
  return Array.from({ length: count }, (_, index) => ({
    timestamp: 1_000_000 + index * 500,
    ...(requests > 0 && { requests: index * requests }),
    bytes: Math.round(bytes(index) * KB),
    heapData: Math.round(bytes(index) * KB),
    external: 0,
    arrayBuffers: 0,
  }))
}

const server = (of: MemoryFloor[]) => decideLeak({ floors: of, minimumGrowth: SERVER_MINIMUM_GROWTH })
/** Noise that is the same in every run. */
const noise = (index: number) => ((index * 7919) % 13) - 6

describe('decideLeak', () => {
  it('calls steady growth that goes on a leak, per request and per second', () => {
    const { leak, growth } = server(floors(20, (index) => 5_000 + index * 50 + noise(index)))
    expect(leak).toMatchObject({ verdict: 'leak', metric: 'heapUsed' })
    expect(leak.bytesPerRequest).toBeGreaterThan(0.9 * 256)
    expect(leak.bytesPerRequest).toBeLessThan(1.1 * 256)
    expect(leak.bytesPerSecond).toBeCloseTo((leak.bytesPerRequest ?? 0) * 400, 0)
    expect(leak.pValue).toBeLessThan(0.01)
    expect(leak.reason).toMatch(/kept growing by 2\d\d B per request .* over 3,800 requests/)
    expect(growth.bytes).toBeGreaterThan(900 * KB)
    expect(growth.interval[0]).toBeLessThan(growth.bytesPerSecond)
    expect(growth.interval[1]).toBeGreaterThan(growth.bytesPerSecond)
  })

  it('measures per second where nobody counted requests', () => {
    const { leak } = server(floors(20, (index) => 5_000 + index * 50, 0))
    expect(leak.verdict).toBe('leak')
    expect(leak.bytesPerRequest).toBeUndefined()
    expect(leak.bytesPerSecond).toBeCloseTo(100 * KB, 0)
    expect(leak.reason).toContain('100 KB per second')
  })

  it('calls a level series stable and says what it could not have seen', () => {
    const { leak } = server(floors(20, (index) => 5_000 + noise(index)))
    expect(leak.verdict).toBe('stable')
    expect(leak.reason).toContain('less than 43 B per request')
  })

  it('calls a cache that has filled stable', () => {
    expect(server(floors(24, (index) => 5_000 + Math.min(index, 14) * 60 + noise(index))).leak.verdict).toBe('stable')
  })

  it('calls one that filled in the first quarter stable', () => {
    const { leak } = server(floors(24, (index) => 5_000 + Math.min(index, 5) * 200 + noise(index)))
    expect(leak.verdict).toBe('stable')
  })

  it('calls a sawtooth stable', () => {
    expect(server(floors(24, (index) => 5_000 + (index % 5) * 200)).leak.verdict).toBe('stable')
  })

  it.each([0.3, 0.5, 0.7, 0.8])('accuses no cache that filled after %d of the run', (filled) => {
    const { leak } = server(floors(24, (index) => 5_000 + Math.min(index, filled * 24) * 60 + noise(index)))
    expect(leak.verdict).not.toBe('leak')
  })

  it('accuses no part that is loaded late', () => {
    expect(server(floors(24, (index) => 5_000 + index + (index > 12 ? 2_000 : 0))).leak.verdict).not.toBe('leak')
    const stages = floors(
      24,
      (index) => 5_000 + noise(index) / 6 + [3, 8, 12, 16, 20].filter((at) => at < index).length * 300,
    )
    expect(server(stages).leak).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('steps') })
    const twice = floors(24, (index) => 5_000 + index + (index > 11 ? 700 : 0) + (index > 19 ? 700 : 0))
    expect(server(twice).leak).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('steps') })
  })

  it('accuses nobody where it is not sure that growth went on in the last half', () => {
    // Recorded: Fastify with a cache that is full at request 1800 of 3200; at the end a heap snapshot was taken.
    const heap = [
      5875, 5887, 5899, 6157, 5927, 5941, 6114, 6014, 6002, 6013, 6026, 6038, 6034, 6093, 6095, 6202, 7151, 7142,
    ]
    const requests = [
      297, 433, 569, 706, 846, 984, 1119, 1255, 1394, 1532, 1667, 1811, 1951, 2089, 2250, 2407, 2935, 3084,
    ]
    const recorded = floors(heap.length, (index) => heap[index] as number).map((floor, index) => ({
      ...floor,
      requests: requests[index] as number,
      ...(index > 15 && { segment: 1 }),
    }))
    expect(server(recorded).leak).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('its last half is too uneven'),
    })
  })

  it('accuses no slow cycle', () => {
    const { leak } = server(floors(24, (index) => 5_000 + (index < 14 ? index : index - 14) * 200 + index * 60))
    expect(leak.verdict).not.toBe('leak')
  })

  it('accuses nobody where memory grows with the rate of the load', () => {
    // 100 requests a floor, then 600; memory follows the rate and not the requests.
    const requests = (index: number) => 100 * index + 500 * Math.max(0, index - 15)
    const ramp = (bytes: (index: number) => number) =>
      floors(24, bytes).map((floor, index) => ({ ...floor, requests: requests(index) }))
    const rising = ramp((index) => 5_000 + index + Math.max(0, index - 14) * 100)
    expect(server(rising).leak).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('constant rate'),
    })
  })

  it('does not accuse over drift that sound programs show', () => {
    expect(server(floors(20, (index) => 5_000 + index * 2)).leak.verdict).toBe('stable')
  })

  it('asks for more load where growth is steady and small', () => {
    const { leak } = server(floors(20, (index) => 5_000 + index * 6))
    expect(leak.verdict).toBe('inconclusive')
    expect(leak.reason).toMatch(/about [12],\d\d\d more \(\d\.\d+ s at this rate\) requests would decide/)
  })

  it('accuses nobody over fewer than 1000 requests', () => {
    const { leak } = server(floors(20, (index) => 5_000 + index * 50, 40))
    expect(leak.verdict).toBe('inconclusive')
    expect(leak.reason).toContain('about 240 more')
  })

  it('decides nothing over a few floors, and says how many are missing', () => {
    const { leak } = decideLeak({
      floors: floors(6, (index) => 5_000 + index * 500),
      minimumGrowth: SERVER_MINIMUM_GROWTH,
      hindrance: 'its event loop was blocked',
    })
    expect(leak.verdict).toBe('inconclusive')
    expect(leak.reason).toContain('Only 6 of the 8 readings')
    expect(leak.reason).toContain('its event loop was blocked')
  })

  it.each([0, 1])('decides nothing over %d floors', (count) => {
    const { leak, growth } = server(floors(count, () => 5_000))
    expect(leak.verdict).toBe('inconclusive')
    expect(growth.bytes).toBe(0)
  })

  it('is not misled by the step that a heap snapshot makes', () => {
    const stepped = (perFloor: number, step: number) =>
      floors(20, (index) => 5_000 + index * perFloor + noise(index) + (index > 11 ? step : 0)).map((floor, index) =>
        index > 11 ? { ...floor, segment: 1 } : floor,
      )
    const { leak, growth } = server(stepped(50, -800))
    expect(leak.verdict).toBe('leak')
    expect(leak.bytesPerRequest).toBeGreaterThan(0.9 * 256)
    expect(leak.bytesPerRequest).toBeLessThan(1.1 * 256)
    expect(growth.bytes).toBeGreaterThan(800 * KB)
    expect(server(stepped(0, 800)).leak.verdict).toBe('stable')
  })

  /** Heap grows by `perFloor` KB a floor; `external` is beside it, in KB. */
  const withExternal = (perFloor: number, external: (index: number) => number) =>
    floors(24, (index) => 5_000 + index * perFloor + noise(index)).map((floor, index) => {
      const outside = Math.round(external(index) * KB)
      return { ...floor, external: outside, arrayBuffers: outside, bytes: floor.bytes + outside }
    })

  it('finds a leak of the heap behind buffers that come and go', () => {
    const { leak } = server(withExternal(20, (index) => ((index * 7919) % 17) * 500))
    expect(leak).toMatchObject({ verdict: 'leak', metric: 'heapUsed' })
    expect(leak.reason).toContain('Heap left after full collections kept growing')
    expect(server(withExternal(0, (index) => ((index * 7919) % 17) * 500)).leak.verdict).not.toBe('leak')
  })

  it('accuses nobody where memory only moved from one part to the other', () => {
    expect(server(withExternal(50, (index) => 3_000 - index * 50)).leak.verdict).not.toBe('leak')
  })

  it('says what could not have been seen as the floors vary', () => {
    const { leak } = server(withExternal(0, (index) => ((index * 7919) % 17) * 500))
    const seen = /less than ([\d.]+) (B|KB) per request/.exec(leak.reason)
    expect(Number(seen?.[1]) * (seen?.[2] === 'KB' ? KB : 1)).toBeGreaterThan(200)
  })

  it('names the part of memory that grows', () => {
    const grown = floors(20, (index) => 5_000 + index * 50)
    const buffers = grown.map((floor) => ({ ...floor, heapData: 0, external: floor.bytes, arrayBuffers: floor.bytes }))
    const external = grown.map((floor) => ({ ...floor, heapData: 0, external: floor.bytes }))
    expect(server(buffers).leak.metric).toBe('arrayBuffers')
    expect(server(external).leak.metric).toBe('external')
  })

  it('counts calls of a function, however few', () => {
    const { leak } = decideLeak({
      floors: floors(24, (index) => 5_000 + index * 10, 10),
      minimumGrowth: CALLS_MINIMUM_GROWTH,
      unit: 'call',
    })
    expect(leak.verdict).toBe('leak')
    expect(leak.reason).toContain('per call')
  })

  it('calls nothing stable of which it has seen next to nothing', () => {
    const level = (requests: number) =>
      decideLeak({ floors: floors(24, () => 5_000, requests), minimumGrowth: CALLS_MINIMUM_GROWTH, unit: 'call' }).leak
    expect(level(1).verdict).toBe('inconclusive')
    expect(level(1).reason).toContain('ten times as much would decide')
    expect(level(10).verdict).toBe('stable')
    const short = decideLeak({
      floors: floors(6 * 2, () => 50_000, 0).map((floor, index) => ({ ...floor, timestamp: index * 100 })),
      minimumGrowth: RSS_MINIMUM_GROWTH,
      resident: true,
    })
    expect(short.leak.verdict).toBe('inconclusive')
  })

  it('says what would decide where more load would not', () => {
    const { leak } = decideLeak({
      floors: [],
      minimumGrowth: SERVER_MINIMUM_GROWTH,
      hindrance: 'all were replaced',
      remedy: 'watch a process that lives longer',
    })
    expect(leak.reason).toBe(
      'Only 0 of the 8 readings of memory that a verdict needs could be taken (all were replaced); watch a process that lives longer.',
    )
  })

  it('judges resident memory by megabytes', () => {
    const resident = (perFloor: number) =>
      decideLeak({
        floors: floors(24, (index) => 50_000 + index * perFloor, 0),
        minimumGrowth: RSS_MINIMUM_GROWTH,
        resident: true,
      }).leak
    expect(resident(1_000)).toMatchObject({ verdict: 'leak', metric: 'rss' })
    expect(resident(500).verdict).toBe('inconclusive')
    expect(resident(0).verdict).toBe('stable')
  })
})

describe('looksLikeLeak', () => {
  it('suspects early what a verdict would need longer for', () => {
    expect(looksLikeLeak(floors(6, (index) => 5_000 + index * 50))).toBe(true)
    expect(looksLikeLeak(floors(6, (index) => 5_000 + noise(index)))).toBe(false)
    expect(looksLikeLeak([])).toBe(false)
    const hidden = floors(8, (index) => 5_000 + index * 50).map((floor, index) => {
      const external = ((index * 7919) % 17) * 5_000 * KB
      return { ...floor, external, bytes: floor.bytes + external }
    })
    expect(looksLikeLeak(hidden)).toBe(true)
  })
})
