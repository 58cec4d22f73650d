import type { Capacity } from '../../results/capacity.ts'
import type { LoadPlanSummary } from '../../results/load-plan-summary.ts'
import type { LoadProgress, LoadResult } from '../../results/load-result.ts'
import type { ThresholdOutcome } from '../../results/threshold.ts'

/** How a load ended: by itself, by `stop()`, by an abort, or by an error or its own thresholds. */
export type LoadOutcome = 'completed' | 'stopped' | 'aborted' | 'failed'

export interface LoadEnding {
  outcome: LoadOutcome
  /** Absent if the load ended before it was planned. */
  result?: LoadResult
  plan: LoadPlanSummary
  thresholds?: ThresholdOutcome[]
  /** Message of the error that ended it. */
  error?: string
}

/** How far a search is, for the live row. */
export interface CapacityProgress {
  readonly title: string
  /** 0 to 1. */
  readonly progress: number
  readonly elapsed: number
  readonly planned: number
  /** Arrivals per second of the step under way, and the bounds so far. */
  readonly rate: number
  readonly holds: number
  readonly fails: number | undefined
  readonly load?: LoadProgress
}

/** How a search for the capacity ended. */
export interface CapacityEnding {
  outcome: LoadOutcome
  title: string
  /** Absent where it did not come to a first step. */
  capacity?: Capacity
  error?: string
}

/** Hears of every load of a generator; what it throws is ignored (it must not change what a test measures). */
export interface LoadObserver {
  onStart?(id: string, plan: LoadPlanSummary, title: string): void
  onProgress?(id: string, progress: LoadProgress): void
  onEnd?(id: string, ending: LoadEnding): void
  onCapacityProgress?(id: string, progress: CapacityProgress): void
  onCapacityEnd?(id: string, ending: CapacityEnding): void
}
