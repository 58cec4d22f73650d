import type { MemorySnapshot } from '../results/memory-result.ts'
import type { HeapRecord } from './verdict/heap-record.ts'
import type { AllocationProfile, LoopDelay } from '../probe/protocol.ts'

/** One look at a target. */
export interface SourceReading {
  readonly snapshot: MemorySnapshot
  /** Whether an isolate did not answer in time. Its last known figures are used instead. */
  readonly stale: boolean
  /** HTTP responses that the target finished since the watch began, where it can tell. */
  readonly requests?: number
  readonly loop?: LoopDelay
  readonly gc?: { readonly count: number; readonly time: number }
}

/** A pause that was forced on a target: Unix time and length in milliseconds. */
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
  /** Describes which isolates did not answer, and which processes of the tree have no probe. */
  readonly unseen?: string | undefined
  readonly otherProcesses?: string | undefined
  /** Calls of spies that the test runner has recorded in it and keeps. */
  readonly keptCalls?: number
  /**
   * Reads the target now. Without a `watch` nothing is kept in the target. Rejects with a `MemoryError` if there is
   * nothing left to read.
   */
  read(watch?: string): SourceReading | Promise<SourceReading>
  /** Resolves with `undefined` if any isolate did not answer: a partial record is discarded. Absent where a collection cannot be forced. */
  collect?(watch: string): Promise<HeapRecord | undefined>
  /** Begins to sample allocations; `sites` ends it and says what is still alive, or was when `rememberSites` was called. */
  profile?(): Promise<void>
  rememberSites?(): Promise<void>
  sites?(): Promise<AllocationProfile>
  /**
   * Writes a heap snapshot of one isolate to `file`. Resolves with the milliseconds that it took; `undefined` if its
   * heap is larger than `largestHeap` bytes or it did not answer. Absent if the target cannot take snapshots.
   */
  snapshot?(isolate: string, file: string, largestHeap: number): Promise<number | undefined>
  /** Whether the heap after a collection is not comparable any more once a snapshot was taken. */
  readonly snapshotShiftsHeap?: boolean
  release(watch: string): void
}
