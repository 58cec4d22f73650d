import { describe, expect, it } from 'vitest'
import { countAt, joinFloors } from '../../../../src/memory/verdict/joined-floors.ts'

function record(timestamp: number, isolates: Record<string, number>) {
  const bytes = (heapData: number) => ({ heapData, machineCode: 0, external: 10, arrayBuffers: 5, time: 1, cost: 1 })
  return {
    timestamp,
    time: 1,
    cost: 1,
    isolates: new Map(Object.entries(isolates).map(([id, heap]) => [id, bytes(heap)])),
  }
}

describe('joinFloors', () => {
  it('adds up all isolates', () => {
    const { floors } = joinFloors([record(1, { main: 100, worker: 50 })])
    expect(floors).toEqual([{ timestamp: 1, bytes: 170, heapData: 150, external: 20, arrayBuffers: 10 }])
  })

  it('leaves out a thread that hardly ever answers, and a record in which another is silent for once', () => {
    const all = Array.from({ length: 10 }, (_, index) => record(index, { main: 100 + index, worker: 50 }))
    const parked = all.map(({ isolates, ...rest }, index) =>
      index < 2
        ? { ...rest, isolates }
        : { ...rest, silent: new Set(['worker']), isolates: new Map([...isolates].slice(0, 1)) },
    )
    expect(joinFloors(parked).floors.map(({ heapData }) => heapData)).toEqual(all.map((_, index) => 100 + index))
    const blocked = all.map(({ isolates, ...rest }, index) =>
      index % 5 === 4
        ? { ...rest, silent: new Set(['main']), isolates: new Map([...isolates].slice(1)) }
        : { ...rest, isolates },
    )
    const kept = joinFloors(blocked).floors
    expect(kept.map(({ timestamp }) => timestamp)).toEqual([0, 1, 2, 3, 5, 6, 7, 8])
    expect(kept.every(({ heapData = 0 }) => heapData >= 150)).toBe(true)
  })

  it('tells an event loop that is blocked from a process that ended', () => {
    const requestsOf = new Map([
      ['main', 900],
      ['helper', 10],
    ])
    const blocked = Array.from({ length: 10 }, (_, index) => ({
      ...record(index, index < 2 ? { main: 100, helper: 50 } : { helper: 50 }),
      ...(index >= 2 && { silent: new Set(['main']) }),
      requestsOf,
    }))
    expect(joinFloors(blocked)).toEqual({ floors: [], hindrance: expect.stringContaining('event loops are blocked') })
  })

  it('takes off what grows beside compiled code, up to a bound', () => {
    const KB = 1_024
    const at = (timestamp: number, heapData: number, machineCode: number) => ({
      timestamp,
      time: 1,
      cost: 1,
      isolates: new Map([
        [
          'main',
          { heapData: heapData * KB, machineCode: machineCode * KB, external: 0, arrayBuffers: 0, time: 1, cost: 1 },
        ],
      ]),
    })
    const heap = (...records: ReturnType<typeof at>[]) =>
      joinFloors(records).floors.map(({ heapData = 0 }) => heapData / KB)
    // Warm-up: as much beside the code as the code itself.
    expect(heap(at(1, 5_000, 100), at(2, 5_080, 180), at(3, 5_100, 200))).toEqual([5_000, 5_000, 5_000])
    // Code that is thrown away again is not added.
    expect(heap(at(1, 5_000, 100), at(2, 5_000, 60))).toEqual([5_000, 5_000])
    // Compiled functions that are kept for ever: what they hold beside their code shows.
    expect(heap(at(1, 5_000, 100), at(2, 6_000, 1_100), at(3, 7_000, 2_100))).toEqual([5_000, 5_744, 6_744])
  })

  it('counts one that joins', () => {
    const { floors } = joinFloors([record(1, { main: 100 }), record(2, { main: 100, worker: 50 })])
    expect(floors.map(({ heapData }) => heapData)).toEqual([100, 150])
  })

  it('leaves out one that ends, so that it hides no growth of the others', () => {
    const { floors } = joinFloors([record(1, { main: 100, worker: 50 }), record(2, { main: 120 })])
    expect(floors.map(({ heapData }) => heapData)).toEqual([100, 120])
  })

  it('counts one that joins and stays also where another ends', () => {
    const records = [
      record(1, { main: 100, old: 50 }),
      record(2, { main: 100, old: 50, late: 20 }),
      record(3, { main: 110, late: 90 }),
    ]
    expect(joinFloors(records).floors.map(({ heapData }) => heapData)).toEqual([100, 120, 200])
  })

  it('has no floors where those that served the requests were replaced one by one', () => {
    const requestsOf = (served: Record<string, number>) => ({ requestsOf: new Map(Object.entries(served)) })
    const rolling = [
      { ...record(1, { primary: 50, a: 100, b: 100 }), ...requestsOf({ a: 100, b: 100 }) },
      { ...record(2, { primary: 50, b: 120, c: 90 }), ...requestsOf({ a: 400, b: 300, c: 50 }) },
      { ...record(3, { primary: 50, c: 90, d: 90 }), ...requestsOf({ a: 400, b: 500, c: 200, d: 100 }) },
    ]
    expect(joinFloors(rolling)).toMatchObject({
      floors: [],
      hindrance: expect.stringContaining('served'),
      remedy: expect.any(String),
    })
    // A helper that ends is another matter.
    const helper = [
      { ...record(1, { main: 100, helper: 100 }), ...requestsOf({ main: 100, helper: 20 }) },
      { ...record(2, { main: 120 }), ...requestsOf({ main: 400, helper: 30 }) },
    ]
    expect(joinFloors(helper).floors.map(({ heapData }) => heapData)).toEqual([100, 120])
  })

  it('has no floors of a target that was replaced', () => {
    const joined = joinFloors([record(1, { before: 100 }), record(2, { after: 100 })])
    expect(joined.floors).toEqual([])
    expect(joined.hindrance).toContain('none of its processes')
  })

  it('has none of nothing', () => {
    expect(joinFloors([])).toEqual({ floors: [] })
  })
})

describe('countAt', () => {
  const ticks = [
    [1_000, 0],
    [2_000, 100],
    [3_000, 300],
  ] as const

  it.each([
    [500, 0],
    [1_000, 0],
    [1_500, 50],
    [2_250, 150],
    [9_000, 300],
  ])('at %d is %d', (at, count) => {
    expect(countAt(ticks, at)).toBe(count)
  })

  it('is unknown without a count', () => {
    expect(countAt([], 1_000)).toBeUndefined()
  })
})
