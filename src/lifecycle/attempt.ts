import { readClock } from './real-timers.ts'
/**
 * The life of one attempt of a test (or of a file, or of a run without a test): one signal and one deadline for all that
 * the attempt starts.
 */
export interface Lifetime {
  /** Aborts when the attempt is over or must end; `reason` says why. */
  readonly signal: AbortSignal
  /** `performance.readClock()` at which the test's timeout expires; absent where there is none. */
  readonly deadline?: number
  /** The timeout the deadline came from, in milliseconds, for messages. */
  readonly timeout?: number
}

/** Milliseconds left before the deadline; `Infinity` where there is none. */
export function timeLeft(lifetime: Lifetime): number {
  return lifetime.deadline === undefined ? Infinity : lifetime.deadline - readClock()
}
