import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeHeapSnapshot } from 'node:v8'
import { afterAll, describe, expect, it } from 'vitest'
import { compareCensuses, takeCensus, type HeapCensus, type HeapSnapshot } from '../../../src/memory/heap-census.ts'
import { formatGrowth } from '../../../src/results/constructor-growth.ts'

const file = join(tmpdir(), `perf-census-${process.pid}.heapsnapshot`)
afterAll(() => rmSync(file, { force: true }))

class Invoice {
  readonly number: number
  constructor(number: number) {
    this.number = number
  }
}
const kept: unknown[] = []

function census(): HeapCensus {
  writeHeapSnapshot(file)
  return takeCensus(JSON.parse(readFileSync(file, 'utf8')) as HeapSnapshot)
}

describe('takeCensus', () => {
  it('counts what this process holds, by constructor, with functions, strings and the bytes of buffers', () => {
    const before = census()
    for (let number = 0; number < 3_000; number += 1) kept.push(new Invoice(number))
    for (let number = 0; number < 400; number += 1) kept.push(function rememberMe() {})
    for (let number = 0; number < 300; number += 1) kept.push(Buffer.alloc(10_000))
    const after = census()
    expect(after.get('Invoice')?.count).toBe(3_000)
    // A header of three words, and the number.
    expect(after.get('Invoice')?.bytes).toBeGreaterThanOrEqual(3_000 * 16)
    const grown = new Map(compareCensuses(before, after, 1_000).map((kind) => [kind.name, kind]))
    expect(grown.get('(bytes of buffers)')?.bytes).toBeGreaterThanOrEqual(300 * 10_000)
    expect((after.get('function rememberMe')?.count ?? 0) - (before.get('function rememberMe')?.count ?? 0)).toBe(400)
    for (const name of after.keys()) expect(name).not.toMatch(/^system/)
  }, 60_000)
})

describe('compareCensuses', () => {
  const counted = (rows: Record<string, [count: number, bytes: number]>): HeapCensus =>
    new Map(Object.entries(rows).map(([name, [count, bytes]]) => [name, { count, bytes }]))

  it('names what grew, the most bytes first, without what is next to nothing', () => {
    const before = counted({ Order: [10, 1_000], Map: [5, 500], Gone: [9, 9_000], Same: [1, 10] })
    const after = counted({ Order: [30, 3_000], Map: [4, 400], Same: [1, 10], New: [100, 8_000], Tiny: [1, 8] })
    expect(compareCensuses(before, after, 10)).toEqual([
      { name: 'New', count: 100, bytes: 8_000 },
      { name: 'Order', count: 20, bytes: 2_000 },
    ])
    expect(compareCensuses(before, after, 1)).toHaveLength(1)
    expect(compareCensuses(after, after, 10)).toEqual([])
  })
})

describe('formatGrowth', () => {
  it('puts what has a name first, and is empty without data', () => {
    const kinds = ['(string)', 'Order', '(number)', 'Map'].map((name) => ({ name, count: 1_000, bytes: 2_048 }))
    expect(formatGrowth(kinds)).toBe('Order +1,000 (2.00 KB), Map +1,000 (2.00 KB), (string) +1,000 (2.00 KB)')
    expect(formatGrowth([])).toBe('')
    expect(formatGrowth(undefined)).toBe('')
  })
})
