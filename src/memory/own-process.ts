import type { NodeMemorySnapshot } from '../metrics/memory-result.ts'
import { Isolate } from '../probe/isolate.ts'
import type { AllocationProfile } from '../probe/protocol.ts'
import { floorBytes, type FloorRecord, type MemorySource, type SourceReading } from './memory-source.ts'

// One for all watches: V8 has one heap profiler an isolate.
const isolate = new Isolate()

/** This process (in a thread: this thread's heap and the process's `rss`). */
export class OwnProcess implements MemorySource {
  readonly kind = 'node'
  readonly name = 'this process'

  read(watch?: string): SourceReading & { snapshot: NodeMemorySnapshot } {
    const { memory, requests, loop, gc } = isolate.read(watch)
    return {
      snapshot: { timestamp: Date.now(), ...memory },
      stale: false,
      ...(requests && { requests }),
      ...(loop && { loop }),
      ...(gc && { gc }),
    }
  }

  async collect(watch?: string): Promise<FloorRecord> {
    const floor = await isolate.collect(watch)
    return {
      timestamp: Date.now(),
      isolates: new Map([['self', floorBytes(floor)]]),
      time: floor.time,
      ...(floor.requests && { requests: floor.requests }),
    }
  }

  async profile(): Promise<void> {
    await isolate.answer<'profile'>({ ask: 'profile' })
  }

  sites(): Promise<AllocationProfile> {
    return isolate.answer<'sites'>({ ask: 'sites' })
  }

  release(watch: string): void {
    isolate.forget(watch)
  }
}
