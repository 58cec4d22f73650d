import { MemoryError, PerfAbortError } from '../errors.ts'
import { abortReason } from '../lifecycle/abort.ts'
import type { MemoryResult } from '../results/memory-result.ts'
import type { WatchEnd } from './running-watch.ts'

/** What a watch that came to such an end rejects with. */
export function watchError(end: WatchEnd, target: string, result: MemoryResult | undefined): Error {
  if (end.how === 'aborted') {
    return new PerfAbortError(`The memory watch of ${target} was aborted: ${abortReason(end.signal).message}`, {
      cause: end.signal.reason,
      partial: result,
    })
  }
  if (end.how === 'failed') {
    if (end.cause instanceof MemoryError && end.cause.partial === undefined) {
      return new MemoryError(end.cause.message, { cause: end.cause.cause, partial: result })
    }
    return end.cause
  }
  return new MemoryError(`The memory watch of ${target} was stopped before its first sample`)
}
