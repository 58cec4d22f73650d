import type { LoadSample } from '../../results/load-result.ts'
import type { Failure } from '../http/failure.ts'
import type { InFlightHistory } from '../measure/in-flight-history.ts'
import type { Measurement } from '../measure/measurement.ts'
import type { RowlessProgress } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { Arrivals } from './arrivals.ts'
import type { LoadMachine } from './load-machine.ts'

/** A part of a load in which it sends: warm-up or measured. Counts what it has begun, and nothing of the part before. */
export interface LoadPhase {
  /** When its sending began, by the clock. */
  readonly start: number
  readonly measurement: Measurement
  /** Whether nothing is left to wait for. */
  readonly isDone: boolean
  /** Whether what is under way when sending ends is waited for. */
  readonly drains: boolean
  /** Sends what is due at its beginning. */
  beginSending(): void
  /** Sends no more, and drops what was due and not sent. What is under way still counts. Idempotent. */
  endSending(): void
  /** Counts nothing any more. Idempotent. */
  close(): void
  /** To be called every `LOOK` milliseconds. */
  look(now: number): void
  /** All so far. */
  soFar(): RowlessProgress
  /** Ends an interval; the `last` one with the last answer, which may be later than the last request. */
  interval(last?: boolean): { progress: RowlessProgress; rows: LoadSample[] }
}

/** What a phase is to do. */
export interface PhasePlan {
  readonly isWarmup: boolean
  /** Open model. */
  readonly arrivals: Arrivals | undefined
  /** Requests or iterations after which no more is begun. */
  readonly amount: number | undefined
}

/** What a load does (requests on connections, or virtual users). The run decides when. */
export interface LoadWork {
  /** Connections that are open. */
  readonly open: number
  /** Whether a connection is open now that was tried for. */
  readonly isConnected: boolean
  /** Gets ready, and says so to its run. */
  prepare(): void
  /** Makes the next phase. The one before has been closed. */
  createPhase(plan: PhasePlan): LoadPhase
  /** Follows a ramp of connections or users, at so many milliseconds of the measured part. */
  resize(elapsed: number): void
  /** To be called every `LOOK` milliseconds. */
  look?(now: number): void
  /** Fails what has had no answer in time. */
  sweep(now: number): void
  /** Says why a load has no result: not one answer in `after` milliseconds. */
  describeNothing(measurement: Measurement, after: number): string
  /** Adds to the cost of the load process what is known of its cause. */
  explainCost?(cost: RowlessProgress['generator']): RowlessProgress['generator']
  /**
   * Ends everything. `isOrderly` if the load was not aborted and has not failed. May resolve later: with whether something that a
   * scenario has begun still runs.
   */
  close(isOrderly: boolean): Promise<boolean> | undefined
}

/** What work tells its run. */
export interface LoadCourse {
  readonly plan: LoadPlan
  readonly machine: LoadMachine
  readonly history: InFlightHistory
  /** It is ready to send. Only the first call counts. */
  onReady(): void
  /** Something of a phase has come to its end. */
  onEnded(): void
  onOpened(): void
  onConnectFailure(failure: Failure): void
  /** Ends the load if its target is to be given up after attempts that failed. */
  giveUpIfUnreachable(): void
  fail(message: string): void
  print(level: 'log' | 'error', text: string): void
}
