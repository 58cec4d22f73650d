import { fromCaller } from './call-site.ts'
import { delay } from './real-timers.ts'

/** A signal's reason as an Error that can stand as a `cause`. */
export function abortReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason
  return reason instanceof Error ? reason : new Error(String(reason ?? 'aborted'))
}

/** Rejects with the signal's reason as soon as it aborts, whatever `work` does; its listener never outlives `work`. */
export function raceSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => {})
    return Promise.reject(abortReason(signal))
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Waits; resolves `false` at once when the signal aborts, `true` when the time is over. Never rejects. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await delay(milliseconds, undefined, signal ? { signal } : {})
    return true
  } catch {
    return false
  }
}

/** `work`, or `'timeout'` when it takes longer than `milliseconds`. The timer never outlives the race. */
export async function withDeadline<T>(work: Promise<T>, milliseconds: number): Promise<T | 'timeout'> {
  const timer = new AbortController()
  try {
    return await Promise.race([work, delay(milliseconds, 'timeout' as const, { signal: timer.signal })])
  } finally {
    timer.abort()
  }
}

/**
 * The same work, to be called from the public function that returns it. An error of ours gets the frames of the line that called.
 * A rejection after `signal` has aborted is handled if nobody waits for it any more: a test that failed leaves its loads behind,
 * and their abort must not be a second failure.
 */
export function leftBehindBy<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  const told = fromCaller(work)
  if (!signal) return told
  const settled = new AbortController()
  const watched = told.finally(() => settled.abort())
  const forgive = () => void watched.catch(() => {})
  if (signal.aborted) forgive()
  else signal.addEventListener('abort', forgive, { once: true, signal: settled.signal })
  return watched
}
