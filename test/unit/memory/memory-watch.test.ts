import { expect, it, vi } from 'vitest'
import { resolveMemoryOptions } from '../../../src/memory/memory-options.ts'
import type { HeapRecord } from '../../../src/memory/verdict/heap-record.ts'
import type { MemorySource } from '../../../src/memory/memory-source.ts'
import { MemoryWatch } from '../../../src/memory/memory-watch.ts'

const MEMORY = { timestamp: 0, heapUsed: 1, heapTotal: 1, external: 0, arrayBuffers: 0, rss: 1 }
const RECORD: HeapRecord = { timestamp: 1_000, time: 50, cost: 50, isolates: new Map() }

/** A watch whose collections end when the test says so. */
function startWatch() {
  const collections: ((record: HeapRecord) => void)[] = []
  const source: MemorySource = {
    kind: 'node',
    name: 'server',
    read: () => ({ snapshot: MEMORY, stale: false, requests: 1 }),
    collect: () => new Promise((resolve) => collections.push(resolve)),
    release() {},
  }
  const config = resolveMemoryOptions({ intervalMs: 20 }, {}, {})
  const watch = new MemoryWatch({ id: 'w', source, config, read: () => source.read(), timeLeft: () => Infinity })
  watch.start()
  return { watch, collections }
}

it('counts the collection that is under way at its end', async () => {
  const { watch, collections } = startWatch()
  await vi.waitFor(() => expect(collections).toHaveLength(1), 5_000)
  watch.end({ how: 'completed' })
  const concluded = watch.conclude()
  setTimeout(() => collections[0]?.(RECORD), 30)
  await concluded
  expect(watch.result()?.collections).toMatchObject({ count: 1, time: 50 })
})

it('does not wait for one that never ends', async () => {
  const { watch, collections } = startWatch()
  await vi.waitFor(() => expect(collections).toHaveLength(1), 5_000)
  watch.end({ how: 'completed' })
  const began = performance.now()
  await watch.conclude()
  expect(performance.now() - began).toBeLessThan(5_000)
  expect(watch.result()?.collections).toMatchObject({ count: 0 })
})
