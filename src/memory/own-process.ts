import type { HeapRecord } from './verdict/heap-record.ts'
import type { NodeMemorySnapshot } from '../results/memory-result.ts'
import { Isolate } from '../probe/isolate.ts'
import type { AllocationProfile } from '../probe/protocol.ts'
import type { RunnerRecords } from './runner-records.ts'
import type { MemorySource, SourceReading } from './memory-source.ts'
import { readWallClock } from '../lifecycle/real-timers.ts'

// One for all watches: V8 has one heap profiler an isolate.
const isolate = new Isolate()

/** This process (in a thread: this thread's heap and the process's `rss`). */
export class OwnProcess implements MemorySource {
  readonly kind = 'node'
  readonly name = 'this process'
  // What Vitest and its transforms hold is freed at times by a snapshot, or moved: steps of up to 250 KB, either way.
  readonly snapshotShiftsHeap = true
  readonly #runner: RunnerRecords | undefined

  constructor(runner?: RunnerRecords) {
    this.#runner = runner
  }

  /** Calls that the test runner has recorded and keeps. */
  get keptCalls(): number {
    return this.#runner?.keptCalls() ?? 0
  }

  read(watch?: string): SourceReading & { snapshot: NodeMemorySnapshot } {
    const { memory, requests, loop, gc } = isolate.read(watch)
    return {
      snapshot: { timestamp: readWallClock(), ...memory },
      stale: false,
      ...(requests && { requests }),
      ...(loop && { loop }),
      ...(gc && { gc }),
    }
  }

  async collect(watch?: string): Promise<HeapRecord> {
    this.#runner?.release()
    const heap = await isolate.collect(watch)
    this.#runner?.giveBack()
    return {
      timestamp: readWallClock(),
      isolates: new Map([['self', heap]]),
      time: heap.time,
      cost: heap.cost,
      ...(heap.requests && { requests: heap.requests }),
    }
  }

  async profile(): Promise<void> {
    await isolate.answer('sampleAllocations', {})
  }

  sites(): Promise<AllocationProfile> {
    return isolate.answer('endAllocations', {})
  }

  async snapshot(_isolate: string, file: string, largestHeap: number): Promise<number | undefined> {
    return (await isolate.answer('snapshot', { file, largestHeap })) ?? undefined
  }

  release(watch: string): void {
    this.#runner?.end()
    isolate.forget(watch)
  }
}
