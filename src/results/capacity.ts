import type { LoadResult } from './load-result.ts'
import type { ThresholdOutcome } from './threshold.ts'

/** What ended the search: a threshold that no longer held, the load process, or the highest rate asked for. */
export type CapacityLimit = 'threshold' | 'generator' | 'to'

/** One load of the search, on connections of its own. */
export interface CapacityStep {
  /** Arrivals per second that were asked for. */
  rate: number
  /** Whether the server kept up, and all thresholds held. */
  holds: boolean
  /** 1, or 2 for a step that failed and was tried again. */
  attempt: number
  /** Why it did not hold, in a sentence. */
  reason?: string
  /** Whether the load process, not the server, may be why it did not hold. */
  saturated: boolean
  /** What became of each condition. */
  thresholds: ThresholdOutcome[]
  /** Without its rows and its histogram. */
  result: Omit<LoadResult, 'samples' | 'latencyHistogram'>
}

/** The highest rate at which all thresholds hold. Plain JSON. */
export interface Capacity {
  /** As given in the options. */
  title?: string
  /** The URL of the load. */
  url: string
  /** Unix time in milliseconds. */
  startedAt: number
  /** Milliseconds of the whole search. */
  duration: number
  /** Arrivals per second at which everything held; 0 where nothing did. */
  rate: number
  /** The highest rate that held, and the lowest that did not; the second is `null` where none failed. */
  interval: [holds: number, fails: number | null]
  /** What ended the search. */
  limitedBy: CapacityLimit
  /** Whether `interval` is as narrow as `precision` asks for; false where the time was over first. */
  precise: boolean
  /** What was found, in a sentence. */
  reason: string
  /** All steps in their order. */
  steps: CapacityStep[]
  /** Whether the search was ended before its time, also by `stop()`. */
  aborted: boolean
}
