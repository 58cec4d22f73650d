import type { MemorySnapshot } from '../results/memory-result.ts'
import type { HeapRecord } from './verdict/heap-record.ts'
import type { AllocationProfile, LoopDelay } from '../probe/protocol.ts'

/** One look at a target. */
export interface SourceReading {
  readonly snapshot: MemorySnapshot
  /** Whether a part of the target did not answer in time, so that its last known figures stand in. */
  readonly stale: boolean
  /** HTTP responses that the target finished since the watch began, where it can tell. */
  readonly requests?: number
  readonly loop?: LoopDelay
  readonly gc?: { readonly count: number; readonly time: number }
}

/** Unix time and milliseconds that a target was made to stand still. */
export interface ForcedPause {
  readonly startedAt: number
  readonly duration: number
}

/** What a watch reads from: this process, the isolates of a server, or a process tree. */
export interface MemorySource {
  readonly kind: 'node' | 'process'
  /** `this process`, `server` or `pid 123`. */
  readonly name: string
  /** Aborts when the target dies. */
  readonly gone?: AbortSignal
  /** What of the target cannot be looked into, and which processes of its tree, in words. */
  readonly unseen?: string | undefined
  readonly otherProcesses?: string | undefined
  /** Calls of spies that the test runner has recorded in it and keeps. */
  readonly keptCalls?: number
  /** Without a `watch` nothing goes on in the target. Rejects with a `MemoryError` when there is nothing to read any more. */
  read(watch?: string): SourceReading | Promise<SourceReading>
  /** Resolves with `undefined` if any isolate did not answer: a partial record is discarded. Absent where a collection cannot be forced. */
  collect?(watch: string): Promise<HeapRecord | undefined>
  /** Begins to sample allocations; `sites` ends it and says what is still alive, or was when `rememberSites` was called. */
  profile?(): Promise<void>
  rememberSites?(): Promise<void>
  sites?(): Promise<AllocationProfile>
  /**
   * Writes a heap snapshot of one isolate to `file`; resolves with the milliseconds that it stood still, or `undefined` where its heap
   * is larger than `largestHeap` bytes or it did not answer. Absent where that cannot be had.
   */
  snapshot?(isolate: string, file: string, largestHeap: number): Promise<number | undefined>
  /** Whether the heap after a collection is not comparable any more once a snapshot was taken. */
  readonly snapshotShiftsHeap?: boolean
  release(watch: string): void
}
