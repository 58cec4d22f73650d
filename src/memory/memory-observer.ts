import type { MemoryProgress, MemoryResult } from '../results/memory-result.ts'

/** Hears of the watches of a monitor. */
export interface MemoryObserver {
  onStart?(id: string, watch: { title: string | undefined; target: string; planned: number | undefined }): void
  onProgress?(id: string, progress: MemoryProgress): void
  onEnd?(
    id: string,
    end: {
      outcome: 'completed' | 'stopped' | 'aborted' | 'failed'
      target: string
      /** Absent where not one sample was taken. */
      result?: MemoryResult
      /** Message of the error that ended it. */
      error?: string
    },
  ): void
}
