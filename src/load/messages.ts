import type { EncodedHistogram, LoadProgress, LoadSample } from '../results/load-result.ts'
import type { NameCount } from '../results/name-rows.ts'
import type { ThresholdOutcome } from '../results/threshold.ts'
import type { LoadPlan } from './plan/load-plan.ts'
import type { TurnsEnd, TurnSide, TurnsPlan } from './plan/turns-plan.ts'

/** To the load process. */
export type LoadRequestMessage =
  /**
   * `waits`: it gets ready, says `armed`, and begins after `go`. `lease`: it ends after so many milliseconds without a
   * `beat`, so that it cannot outlive a process that was stopped (SIGSTOP).
   */
  | { type: 'run'; id: string; plan: LoadPlan; waits?: boolean; lease?: number }
  /** Renews the lease of a run: the process that asked for it still runs. */
  | { type: 'beat'; id: string }
  /** Begin to send at `at`, on the clock of the machine (`readMachineClock`). */
  | { type: 'go'; id: string; at: number }
  /** Compare two servers in alternating turns. */
  | { type: 'turns'; id: string; plan: TurnsPlan }
  /** Answers `turns-ask-cpu`. */
  | { type: 'turns-cpu'; id: string; cpu: Record<TurnSide, number> | undefined }
  /** End early; what was measured is the result. */
  | { type: 'stop'; id: string }
  /** End at once. */
  | { type: 'abort'; id: string }
  /** The server stood still for a collection: Unix ms and ms. */
  | { type: 'collection'; id: string; startedAt: number; duration: number }

/** How a run ended, as far as the load process knows. */
export type LoadEnd =
  | { outcome: 'completed' | 'stopped' | 'aborted' }
  /** Its own thresholds ended it. */
  | { outcome: 'failed-threshold'; thresholds: ThresholdOutcome[] }
  /** `unanswered`: its requests, if there were any, got no answer; those of another process may have. */
  | { outcome: 'failed'; message: string; unanswered?: boolean }

/** Whether a load took all of its time: one that nobody answered has failed, but nothing has cut it short. */
export function isWhole(end: LoadEnd): boolean {
  return end.outcome === 'completed' || (end.outcome === 'failed' && end.unanswered === true)
}

/** The histograms behind the summaries of a progress, which other processes' are merged with. */
export interface LoadHistograms {
  /** Of the last interval, and of each of the rows that come with it. */
  readonly interval?: EncodedHistogram
  readonly rows?: readonly EncodedHistogram[]
  /** By name, of each of these rows. */
  readonly names?: readonly Readonly<Record<string, NameCount>>[]
  readonly stages?: readonly EncodedHistogram[]
  readonly iterations?: EncodedHistogram
  readonly lateness?: EncodedHistogram
}

/** A progress without its rows: those are sent once each. With `histograms`, and those of all names, where the plan has a `share`. */
export type RowlessProgress = Omit<LoadProgress, 'samples'> & { histograms?: LoadHistograms }

/** A progress of the moment. `byName` is absent with many names: then what the last interval said still stands. */
export type TickProgress = Omit<RowlessProgress, 'byName'> & Partial<Pick<RowlessProgress, 'byName'>>

/** From the load process. */
export type LoadReportMessage =
  | { type: 'ready' }
  | { type: 'armed'; id: string }
  /** All requests completed so far, and what the load would be known by if it ended now. */
  | { type: 'tick'; id: string; completed: number; progress?: TickProgress }
  | { type: 'progress'; id: string; progress: RowlessProgress; rows: LoadSample[] }
  /** A line that a scenario has printed. */
  | { type: 'log'; id: string; level: 'log' | 'error'; text: string }
  /** `left`: something that its scenario has begun still runs, and only the end of the process ends it. */
  | {
      type: 'end'
      id: string
      left?: boolean
      end: LoadEnd
      progress: RowlessProgress
      rows: LoadSample[]
      completed: number
    }

/** From the load process, of a block of turns. */
export type TurnsReportMessage =
  /** It still runs. */
  | { type: 'turns-tick'; id: string }
  /** The block waits for the CPU that each server has used so far. */
  | { type: 'turns-ask-cpu'; id: string }
  | { type: 'turns-end'; id: string; end: TurnsEnd }
