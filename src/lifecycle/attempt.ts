import { leftBehindBy } from './abort.ts'
import { readClock } from './real-timers.ts'

/**
 * The life of one attempt of a test (or of a file, or of a run without a test): one signal and one deadline for all that
 * the attempt starts.
 */
export interface Lifetime {
  /** Aborts when the attempt is over or must end; `reason` says why. */
  readonly signal: AbortSignal
  /** Of `readClock()`: when the test's timeout expires; absent where there is none. */
  readonly deadline?: number
  /** The timeout the deadline came from, in milliseconds, for messages. */
  readonly timeout?: number
  /**
   * Hears of all work that begins in the attempt: what still runs when the test's body is over was not awaited. Returns the error of a call
   * that came after that end, when nothing can judge it any more.
   */
  follow?(call: FollowedCall, work: Promise<unknown>): Error | undefined
}

/** A call whose promise somebody must await. */
export interface FollowedCall {
  /** As the user wrote it, such as `loadGenerator.generateLoad()`. */
  readonly name: string
  /** The caller's own: work that it has aborted need not be awaited. */
  readonly signal?: AbortSignal | undefined
}

/** Milliseconds left before the deadline; `Infinity` where there is none. */
export function timeLeft(lifetime: Lifetime): number {
  return lifetime.deadline === undefined ? Infinity : lifetime.deadline - readClock()
}

type Follow = (call: FollowedCall, work: Promise<unknown>) => void

let followOutside: Follow | undefined

/** Has `follow` hear of calls that belong to no lifetime. Only the side that knows which test runs can tell whose they are. */
export function followCallsOutside(follow: Follow): void {
  followOutside = follow
}

/**
 * The same work, which the lifetime knows of, and whose end by an abort of the lifetime is no unhandled rejection. Work that is begun after
 * the test has passed rejects so that it is seen.
 */
export function inLifetime<T>(lifetime: Lifetime | undefined, call: FollowedCall, work: Promise<T>): Promise<T> {
  const late = lifetime?.follow?.(call, work)
  if (late) return work.catch((error: unknown) => Promise.reject(isAbort(error) ? late : error))
  const told = leftBehindBy(lifetime?.signal, work)
  if (!lifetime) followOutside?.(call, told)
  return told
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
