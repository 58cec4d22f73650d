import type { LoadPlanSummary } from '../../results/load-plan-summary.ts'
import type { LoadProgress, LoadResult } from '../../results/load-result.ts'
import type { ThresholdOutcome } from '../../results/threshold.ts'

/** How a load ended: by itself, by `stop()`, by an abort, or by an error or its own thresholds. */
export type LoadOutcome = 'completed' | 'stopped' | 'aborted' | 'failed'

export interface LoadEnding {
  outcome: LoadOutcome
  /** Absent where not even an empty measurement came about. */
  result?: LoadResult
  plan: LoadPlanSummary
  thresholds?: ThresholdOutcome[]
  /** Message of the error that ended it. */
  error?: string
}

/** Hears of every load of a generator; what it throws is ignored (it must not change what a test measures). */
export interface LoadObserver {
  onStart?(id: string, plan: LoadPlanSummary, title: string): void
  onProgress?(id: string, progress: LoadProgress): void
  onEnd?(id: string, ending: LoadEnding): void
}
