import { fromCaller } from './call-site.ts'
import { inspect } from 'node:util'
import { swallow } from './debug.ts'
import { delay } from './real-timers.ts'

/** Returns a signal's reason as an error, to be thrown or quoted. Anything may be a reason: one that is no error is its `cause`. */
export function abortReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason
  // In the vm pools an error may be of another realm.
  if (typeof (reason as Partial<Error> | undefined | null)?.message === 'string') return reason as Error
  const text = typeof reason === 'string' ? reason : inspect(reason, { breakLength: Infinity, depth: 1 })
  return new Error(text, { cause: reason })
}

const listeners = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Has `callback` run once when the signal aborts; returns what takes it back. A signal gets one listener of ours for all callbacks,
 * so that a dozen loads and servers in one test are no MaxListenersExceededWarning. One that has aborted already calls nothing.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) return () => {}
  const callbacks = listeners.get(signal) ?? listenTo(signal)
  // The same function may be given twice.
  const own = () => callback()
  callbacks.add(own)
  return () => {
    callbacks.delete(own)
    if (callbacks.size === 0) stopListening.get(callbacks)?.()
  }
}

const stopListening = new WeakMap<Set<() => void>, () => void>()

function listenTo(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>()
  const stop = () => {
    listeners.delete(signal)
    signal.removeEventListener('abort', fanOut)
  }
  const fanOut = () => {
    stop()
    for (const callback of callbacks) callback()
  }
  listeners.set(signal, callbacks)
  stopListening.set(callbacks, stop)
  signal.addEventListener('abort', fanOut)
  return callbacks
}

/** Rejects with the signal's reason as soon as it aborts, whatever `work` does; its listener never outlives `work`. */
export function raceSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(swallow('work that was aborted'))
    return Promise.reject(abortReason(signal))
  }
  return new Promise<T>((resolve, reject) => {
    const unlisten = onAbort(signal, () => reject(abortReason(signal)))
    work.then(resolve, reject).finally(unlisten)
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
  const forgive = () => void watched.catch(swallow('work that its test left behind'))
  const unlisten = onAbort(signal, forgive)
  const watched = told.finally(unlisten)
  if (signal.aborted) forgive()
  return watched
}
