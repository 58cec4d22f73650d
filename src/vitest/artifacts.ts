import type {} from 'vitest'
import type { HealthAttempt } from '../errors.ts'
import type { Capacity } from '../results/capacity.ts'
import type { Comparison } from '../results/comparison.ts'
import type { LoadPlanSummary } from '../results/load-plan-summary.ts'
import type { LoadResult } from '../results/load-result.ts'
import type { MemoryResult, MemorySnapshot } from '../results/memory-result.ts'
import type { LoadProfile } from '../results/profile-result.ts'
import type { ThresholdOutcome } from '../results/threshold.ts'

// Types only: the reporter's side reads this file too, and must not load anything of the worker's.

interface ArtifactOf<Type extends string> {
  /** Tells the artifacts apart. */
  type: Type
  /** Unique in its test: ties a progress to the result it ends in. */
  id: string
  /** 0 for the first attempt of a test, 1 for its first retry. */
  attempt: number
}

/** How a measurement ended: as planned, by `stop()`, by an abort, by its own thresholds (`abortOnFail`) or by an error. */
export type MeasurementOutcome = 'completed' | 'stopped' | 'aborted' | 'failed'

/** A load that has ended. */
export interface PerfLoadArtifact extends ArtifactOf<'perf:load'> {
  /** How the load ended. */
  outcome: MeasurementOutcome
  /** What it measured, also where it was aborted. */
  result: LoadResult
  /** What was asked for, as far as a report shows it. */
  plan: LoadPlanSummary
  /** Outcomes of the load's own `thresholds`. */
  thresholds?: ThresholdOutcome[]
  /** Message of the error that ended it. */
  error?: string
}

/** A memory watch that has ended. */
export interface PerfMemoryArtifact extends ArtifactOf<'perf:memory'> {
  /** How the watch ended. */
  outcome: MeasurementOutcome
  /** What it sampled, also where it was aborted. */
  result: MemoryResult
  /** `this process`, `server`, or `pid 123`. */
  target: string
  /** Message of the error that ended it. */
  error?: string
}

/** What happened to a server. */
export interface PerfServerArtifact extends ArtifactOf<'perf:server'> {
  /** What happened to the server. */
  event: 'ready' | 'failed' | 'exited' | 'stopped'
  /** The command line, module file or URL. */
  source: string
  /** Where it answered. */
  url?: string
  /** Its process. */
  pid?: number
  /** Milliseconds from spawn to healthy. */
  readyAfter?: number
  /** Of its process; with `exited` and `failed`. */
  exitCode?: number | null
  /** Of its process; with `exited` and `failed`. */
  exitSignal?: string | null
  /** The last lines of stdout and stderr: with 'failed' and 'exited', and where the test failed. */
  output?: string
  /** The line of the output that names the fault; with 'failed' and 'exited', where one does. */
  fault?: string
  /** The last look at a server that was not ready; with 'failed'. */
  lastAttempt?: HealthAttempt
  /** Milliseconds that its process lived; with 'failed' and 'exited'. */
  lifetime?: number
  /** Message of its failure. */
  error?: string
}

/** The end of an attempt of a test that used a fixture of this package, even if it measured nothing. */
export interface PerfAttemptArtifact extends ArtifactOf<'perf:attempt'> {
  /** How often its body called `expect`. */
  assertions: number
}

/** What a running measurement shows. Small on purpose: an hour of these must stay cheap. */
export interface PerfProgressArtifact extends ArtifactOf<'perf:progress'> {
  /** `load`, `memory`, or a further kind of measurement, in a word or two that a line can begin with. */
  kind: string
  /** Name of the measurement. */
  title: string
  /** 0 to 1. */
  progress: number
  /** Milliseconds since it started, and how long it is planned to take (absent where that is not known). */
  elapsed: number
  /** Milliseconds it will take in all; absent where that is not known. */
  planned?: number
  /** In the last interval. */
  requestsPerSecond?: number
  /** Milliseconds, in the last interval. */
  p50?: number
  /** Milliseconds, in the last interval. */
  p99?: number
  /** All errors so far. */
  errors?: number
  /** The last sample. */
  memory?: MemorySnapshot
  /** What it has found so far, in a few words. */
  note?: string
}

/** What a matcher (`toMeetThresholds`, `toLeakMemory`) decided, and of which measurement. */
export interface PerfThresholdArtifact extends ArtifactOf<'perf:threshold'> {
  /** `id` of the load or memory artifact that was judged, where it came from a fixture. */
  measurement?: string
  /** Name of the measurement. */
  title?: string
  /** What became of each condition. */
  outcomes: ThresholdOutcome[]
}

/** What a profile of a load saw. */
export interface PerfProfileArtifact extends ArtifactOf<'perf:profile'> {
  /** `id` of the load's artifact. */
  measurement?: string
  /** Of the load. */
  title?: string
  /** The profile. */
  profile: LoadProfile
}

/** Two servers that were compared (`compareServers`). */
export interface PerfCompareArtifact extends ArtifactOf<'perf:compare'> {
  /** How the comparison ended. */
  outcome: 'completed' | 'aborted' | 'failed'
  /** Absent where nothing was compared: the base could not be made, or a server did not start. */
  comparison?: Comparison
  /** Of a comparison that has no `comparison`. */
  title: string
  /** Message of the error that ended it. */
  error?: string
}

/** A search for the highest rate that holds (`findCapacity`). */
export interface PerfCapacityArtifact extends ArtifactOf<'perf:capacity'> {
  /** How the search ended. */
  outcome: MeasurementOutcome
  /** Absent where it did not come to a first step. */
  capacity?: Capacity
  /** Name of the search. */
  title: string
  /** Message of the error that ended it. */
  error?: string
}

/** All artifacts of this package. Vitest hands them to `onTestCaseArtifactRecord` of a reporter. */
export type PerfArtifact =
  | PerfLoadArtifact
  | PerfMemoryArtifact
  | PerfServerArtifact
  | PerfProgressArtifact
  | PerfThresholdArtifact
  | PerfProfileArtifact
  | PerfCompareArtifact
  | PerfCapacityArtifact
  | PerfAttemptArtifact

declare module 'vitest' {
  interface TestArtifactRegistry {
    perfLoad: PerfLoadArtifact
    perfMemory: PerfMemoryArtifact
    perfServer: PerfServerArtifact
    perfProgress: PerfProgressArtifact
    perfThreshold: PerfThresholdArtifact
    perfProfile: PerfProfileArtifact
    perfCompare: PerfCompareArtifact
    perfCapacity: PerfCapacityArtifact
    perfAttempt: PerfAttemptArtifact
  }
}
