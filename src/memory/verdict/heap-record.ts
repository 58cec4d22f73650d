import type { IsolateHeap } from '../../probe/protocol.ts'

/** What one round of forced collections left: memory of each isolate of the target. */
export interface HeapRecord {
  /** Unix time in milliseconds. */
  readonly timestamp: number
  readonly requests?: number
  /** Requests by isolate, also of those that have ended. */
  readonly requestsOf?: ReadonlyMap<string, number>
  /** Isolates that live and did not answer. */
  readonly silent?: ReadonlySet<string>
  readonly isolates: ReadonlyMap<string, IsolateHeap>
  /** Milliseconds that the slowest isolate stood still. */
  readonly time: number
  /** The same without what other programs of the machine took of it. */
  readonly cost: number
  /** How many heap snapshots came before it. */
  readonly segment?: number
}
