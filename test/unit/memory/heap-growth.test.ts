import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { HeapGrowth } from '../../../dist/memory/heap-growth.js'
import { ProbedServer } from '../../../dist/memory/probed-server.js'
import type { MemorySource } from '../../../src/memory/memory-source.ts'
import { spawnServer } from './spawned-server.ts'

const snapshots = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`perf-heap-${process.pid}-`))

async function sourceOf(target: ConstructorParameters<typeof ProbedServer>[0]): Promise<[MemorySource, string]> {
  const source: MemorySource = new ProbedServer(target, 'server')
  const floor = await source.collect?.('')
  return [source, [...(floor?.isolates.keys() ?? [])][0] ?? '']
}

describe('what grew between two heap snapshots', () => {
  it('is named by constructor, and the snapshots are removed', async () => {
    await using server = await spawnServer('leaks/in-heap', 'listener')
    await server.load(500, 200)
    const growth = new HeapGrowth(...(await sourceOf(server.target)))
    expect(await growth.begin()).toBeGreaterThan(0)
    expect(snapshots()).toHaveLength(1)
    const sent = await server.load(1_000, 300)
    const grown = await growth.end()
    const responses = grown?.find(({ name }) => name === 'ServerResponse')
    expect(Math.abs((responses?.count ?? 0) - sent)).toBeLessThanOrEqual(20)
    await growth.close()
    expect(snapshots()).toEqual([])
  }, 30_000)

  it('is left out where the heap is too large, without an error', async () => {
    await using server = await spawnServer('lookalikes/bounded', 'plain')
    const [source, isolate] = await sourceOf(server.target)
    const growth = new HeapGrowth(
      { ...source, snapshot: (id: string, file: string) => source.snapshot?.(id, file, 1_000_000) } as MemorySource,
      isolate,
    )
    expect(await growth.begin()).toBeUndefined()
    expect(await growth.end()).toBeUndefined()
    await growth.close()
    expect(snapshots()).toEqual([])
  })

  it('leaves nothing behind where it is closed in mid-snapshot, in mid-comparison, or its server dies', async () => {
    await using server = await spawnServer('lookalikes/bounded', 'plain')
    const closedEarly = new HeapGrowth(...(await sourceOf(server.target)))
    const begun = closedEarly.begin()
    await closedEarly.close()
    await begun
    expect(await closedEarly.end()).toBeUndefined()
    expect(snapshots()).toEqual([])

    const closedLate = new HeapGrowth(...(await sourceOf(server.target)))
    await closedLate.begin()
    const comparing = closedLate.end()
    while (snapshots().length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    await closedLate.close()
    expect(await comparing).toBeUndefined()
    expect(snapshots()).toEqual([])

    const orphaned = new HeapGrowth(...(await sourceOf(server.target)))
    await orphaned.begin()
    process.kill(server.target.pid as number, 'SIGKILL')
    expect(await orphaned.end()).toBeUndefined()
    await orphaned.close()
    expect(snapshots()).toEqual([])
  }, 30_000)
})
