import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { describe, expect, it, vi } from 'vitest'
import { watchdogPid } from '../../../src/lifecycle/watchdog.ts'
import { Diagnosis, type DiagnosisPlan } from '../../../src/memory/diagnosis.ts'
import type { MemorySource } from '../../../src/memory/memory-source.ts'
import type { HeapRecord } from '../../../src/memory/verdict/heap-record.ts'

const snapshots = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`perf-heap-${process.pid}-`))

/** A source whose profile and snapshots wait until they are let go. */
function scripted(source: Partial<MemorySource> = {}) {
  const calls: string[] = []
  const waiting: (() => void)[] = []
  const wait = (name: string) => {
    calls.push(name)
    return new Promise<void>((resolve) => waiting.push(resolve))
  }
  const plan: DiagnosisPlan = {
    source: {
      kind: 'node',
      name: 'server',
      read: () => ({ snapshot: { timestamp: 0, rss: 1 }, stale: false }),
      release: () => {},
      profile: () => wait('profile'),
      async sites() {
        calls.push('sites')
        return { sites: [], total: 0 }
      },
      async snapshot(_, file) {
        await wait('snapshot')
        await writeFile(file, '{}')
        return 1
      },
      ...source,
    },
    always: true,
    minimumGrowth: 1,
    timeLeft: () => Infinity,
    repeat: () => wait('repeat'),
    onPause: () => void calls.push('pause'),
  }
  return { calls, go: () => waiting.shift()?.(), diagnosis: new Diagnosis(plan) }
}

const RECORDS: HeapRecord[] = [
  {
    timestamp: 1,
    time: 1,
    cost: 1,
    isolates: new Map([['1:0', { heapData: 1, machineCode: 0, external: 0, arrayBuffers: 0, time: 1, cost: 1 }]]),
  },
]

describe('a diagnosis that is released', () => {
  it('in mid-snapshot leaves no snapshot and no watchdog behind', async () => {
    const { calls, go, diagnosis } = scripted()
    void diagnosis.begin()
    go()
    const onRecord = diagnosis.onRecord(RECORDS)
    await vi.waitFor(() => expect(calls).toContain('snapshot'))
    diagnosis.release()
    go()
    await onRecord
    await vi.waitFor(() => expect(snapshots()).toEqual([]))
    await vi.waitFor(() => expect(watchdogPid()).toBeUndefined())
    expect(calls).toEqual(['profile', 'snapshot', 'sites'])
  })

  it('begins nothing any more: no profile, no snapshot, no repetition', async () => {
    const { calls, diagnosis } = scripted()
    diagnosis.release()
    await diagnosis.begin()
    await diagnosis.onRecord(RECORDS)
    await diagnosis.conclude(true)
    expect(calls).toEqual([])
    expect(watchdogPid()).toBeUndefined()
  })

  it('while it concludes takes no second snapshot, and ends its profile once', async () => {
    const { calls, go, diagnosis } = scripted({ snapshotShiftsHeap: true })
    void diagnosis.begin()
    go()
    const concluding = diagnosis.conclude(true)
    await vi.waitFor(() => expect(calls).toContain('snapshot'))
    go()
    await vi.waitFor(() => expect(calls).toContain('repeat'))
    diagnosis.release()
    go()
    await concluding
    expect(calls.filter((call) => call === 'snapshot')).toHaveLength(1)
    expect(calls.filter((call) => call === 'sites')).toHaveLength(1)
    await vi.waitFor(() => expect(snapshots()).toEqual([]))
    await vi.waitFor(() => expect(watchdogPid()).toBeUndefined())
  })
})
