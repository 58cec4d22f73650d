import type { MemoryResult } from '../results/memory-result.ts'

/** How a watch came to its end. */
export type WatchEnd =
  | { readonly how: 'completed' | 'stopped' }
  | { readonly how: 'aborted'; readonly signal: AbortSignal }
  | { readonly how: 'failed'; readonly cause: Error }

/** A watch or a measurement under way. */
export interface RunningWatch {
  /** Ends it; only the first call counts. */
  end(end: WatchEnd): void
  /** What was seen so far; `undefined` before the first sample. */
  result(): MemoryResult | undefined
}
