import { LoadError } from '../../errors.ts'
import type { LoadResult } from '../../results/load-result.ts'
import { saturationLead } from '../../results/saturation-lead.ts'
import { evaluateThresholds, formatOutcomes, type ThresholdOutcome } from '../../results/threshold.ts'
import { formatDuration } from '../../units.ts'
import type { LoadEnd } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { LoadOutcome } from './load-observer.ts'
import { titleOf } from './plan-summary.ts'

/** What becomes of a load's promise. It rejects if there is an `error`. */
export interface Conclusion {
  readonly outcome: LoadOutcome
  readonly error?: LoadError<LoadResult>
  readonly thresholds?: ThresholdOutcome[]
}

export interface EndedLoad {
  readonly plan: LoadPlan
  readonly result: LoadResult
  /** How the load process says it ended. */
  readonly end: LoadEnd
  /** What `onProgress` threw. */
  readonly callFailure: { readonly error: unknown } | undefined
}

/** Judges a load that its load process has ended: its own failure first, then `onProgress`, then its thresholds. */
export function concludeLoad({ plan, result, end, callFailure }: EndedLoad): Conclusion {
  if (end.outcome === 'failed') return { outcome: 'failed', error: new LoadError(end.message, { partial: result }) }
  if (end.outcome === 'failed-threshold') {
    // Answers that were under way are in the result, and in none of the figures that ended the load.
    const whole = evaluateThresholds(result, plan.thresholds)
    const thresholds = whole.some(({ passed }) => !passed) ? whole : end.thresholds
    return missed(plan, result, thresholds, ` and was ended after ${formatDuration(result.duration)} (abortOnFail)`)
  }
  if (callFailure) {
    const { error: cause } = callFailure
    const text = cause instanceof Error ? cause.message : String(cause)
    const message = `onProgress threw: ${text} (the load ran to its end; its result is \`partial\`)`
    return { outcome: 'failed', error: new LoadError(message, { cause, partial: result }) }
  }
  if (end.outcome === 'stopped') return { outcome: 'stopped' }
  const thresholds = plan.thresholds.length > 0 ? evaluateThresholds(result, plan.thresholds) : undefined
  if (thresholds?.some(({ passed }) => !passed)) return missed(plan, result, thresholds, '')
  return { outcome: end.outcome === 'aborted' ? 'stopped' : 'completed', ...(thresholds ? { thresholds } : {}) }
}

function missed(plan: LoadPlan, result: LoadResult, thresholds: ThresholdOutcome[], ended: string): Conclusion {
  const failed = thresholds.filter(({ passed }) => !passed).length
  const message =
    `${saturationLead(result)}${titleOf(plan)} failed ${failed} of ${thresholds.length} thresholds${ended}:\n` +
    formatOutcomes(thresholds)
  return { outcome: 'failed', error: new LoadError(message, { partial: result, thresholds }), thresholds }
}
