import { swallow } from '../../lifecycle/debug.ts'
import { randomUUID } from 'node:crypto'
import { LoadError } from '../../errors.ts'
import { abortReason, onAbort, withDeadline } from '../../lifecycle/abort.ts'
import type { LoadProgress, LoadResult, LoadSample } from '../../results/load-result.ts'
import { saturationLead } from '../../results/saturation-lead.ts'
import { tagMeasurement } from '../../results/measurement-id.ts'
import { evaluateThresholds, formatOutcomes, type ThresholdOutcome } from '../../results/threshold.ts'
import { formatDuration } from '../../units.ts'
import { emptyProgress } from './empty-progress.ts'
import type { LoadPlanSummary } from '../../results/load-plan-summary.ts'
import type { LoadEnding, LoadObserver, LoadOutcome } from './load-observer.ts'
import { summarizePlan, titleOf } from './plan-summary.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { chooseEngine } from './choose-engine.ts'
import type { LoadEngineLine } from './load-engine.ts'
import type { LoadEnd, LoadReportMessage } from '../messages.ts'
import { clearTimeout, setImmediate, setTimeout } from '../../lifecycle/real-timers.ts'

/** Called every `progressInterval` while a load runs, and once at its end. */
export type OnLoadProgress = (progress: LoadProgress) => void

/** Milliseconds the load process has to answer an abort, or a stop; then what it said last is the result. */
const ABORT_GRACE = 100
const STOP_GRACE = 1_000

/** Milliseconds that what `onProgress` returned has to settle once the load is over. */
const CALLBACK_GRACE = 250

/** A signal that ends a load. */
export interface EndingSignal {
  readonly signal: AbortSignal
  /** The error to reject with. */
  error(reason: Error, partial: LoadResult): Error
}

/** One load from the spec's side. */
export class RunningLoad {
  readonly result: Promise<LoadResult>
  completed = 0
  readonly #id = randomUUID()
  readonly #plan: LoadPlan
  readonly #summary: LoadPlanSummary
  readonly #observe: LoadObserver
  readonly #onProgress: OnLoadProgress | undefined
  readonly #rows: LoadSample[] = []
  readonly #resolve: (result: LoadResult) => void
  readonly #reject: (error: Error) => void
  #line: LoadEngineLine | undefined
  readonly #unlisten: (() => void)[] = []
  #latest: LoadProgress
  #ending: { error: (partial: LoadResult) => Error } | undefined
  #progressError: { error: unknown } | undefined
  /** What `onProgress` returned and has not settled. */
  readonly #callbacks = new Set<Promise<void>>()
  #grace: NodeJS.Timeout | undefined
  #over = false
  /** Whether the load process has said anything of this load, and whether it was asked for a second time. */
  #heard = false
  #retried = false

  constructor(plan: LoadPlan, observe: LoadObserver, signals: EndingSignal[], onProgress: OnLoadProgress | undefined) {
    this.#plan = plan
    this.#summary = summarizePlan(plan)
    this.#observe = observe
    this.#onProgress = onProgress
    this.#latest = emptyProgress(plan)
    let resolve!: (result: LoadResult) => void
    let reject!: (error: Error) => void
    this.result = new Promise<LoadResult>((onResult, onError) => {
      resolve = onResult
      reject = onError
    })
    this.#resolve = resolve
    this.#reject = reject
    this.#tell(() => this.#observe.onStart?.(this.#id, this.#summary, titleOf(plan)))
    const already = signals.find(({ signal }) => signal.aborted)
    if (already) {
      this.#fail(already.error(abortReason(already.signal), this.#partial()), 'aborted')
      return
    }
    for (const ending of signals) this.#listen(ending)
    this.#run()
  }

  #run(): void {
    this.#line = chooseEngine(this.#plan).open({
      onMessage: (message) => this.#onMessage(message),
      onLost: (error) => this.#onLost(error),
    })
    this.#line.send({ type: 'run', id: this.#id, plan: this.#plan })
  }

  stop(): void {
    if (this.#over || this.#ending) return
    this.#line?.send({ type: 'stop', id: this.#id })
    if (!this.#grace) this.#afterGrace(STOP_GRACE, () => this.#succeed(this.#partial(), 'stopped'))
  }

  /** Ends without the load process, unless that answers in time. */
  #afterGrace(milliseconds: number, end: () => void): void {
    clearTimeout(this.#grace)
    const giveUp = () => {
      if (this.#over) return
      this.#giveUpProcess()
      end()
    }
    // This thread may have been blocked: what has come by now is read first.
    this.#grace = setTimeout(() => setImmediate(giveUp), milliseconds)
  }

  /** It does not answer. With it go its sockets; but not where other loads would go too: those see for themselves. */
  #giveUpProcess(): void {
    if (!this.#line?.isShared()) this.#line?.kill()
  }

  noteCollection({ startedAt, duration }: { startedAt: number; duration: number }): void {
    this.#line?.send({ type: 'collection', id: this.#id, startedAt, duration })
  }

  #listen(ending: EndingSignal): void {
    const abort = () => this.#abort((partial) => ending.error(abortReason(ending.signal), partial))
    this.#unlisten.push(onAbort(ending.signal, abort))
  }

  #abort(error: (partial: LoadResult) => Error): void {
    if (this.#over || this.#ending) return
    this.#ending = { error }
    this.#line?.send({ type: 'abort', id: this.#id })
    this.#afterGrace(ABORT_GRACE, () => this.#fail(error(this.#partial()), 'aborted'))
  }

  #onMessage(message: LoadReportMessage): void {
    if (this.#over || message.type === 'ready' || message.type === 'armed' || message.id !== this.#id) return
    if (message.type === 'log') return print(message.level, message.text)
    this.#heard = true
    if ('completed' in message) this.completed = message.completed
    if ('rows' in message) this.#rows.push(...message.rows)
    if (!message.progress) return
    const byName = message.progress.byName ?? this.#latest.byName
    this.#latest = { ...message.progress, byName, samples: this.#rows.slice() }
    tagMeasurement(this.#latest, this.#id)
    if (message.type === 'tick') return
    if (message.type === 'progress') return this.#callOnProgress()
    if (message.left) this.#line?.retire()
    this.#onEnd(message.end)
  }

  #callOnProgress(): void {
    const progress = this.#latest
    this.#tell(() => this.#observe.onProgress?.(this.#id, progress))
    // After its first error it is not called again: the load goes on, and its result is in the error it ends with.
    if (this.#progressError || this.#ending) return
    const fail = (error: unknown) => {
      this.#progressError ??= { error }
    }
    try {
      const returned: unknown = this.#onProgress?.(progress)
      if (typeof (returned as PromiseLike<unknown> | undefined)?.then !== 'function') return
      // An async function's rejection would be nobody's.
      const settled = Promise.resolve(returned)
        .then(() => {}, fail)
        .finally(() => this.#callbacks.delete(settled))
      this.#callbacks.add(settled)
    } catch (error) {
      fail(error)
    }
  }

  #onEnd(end: LoadEnd): void {
    this.#callOnProgress()
    if (this.#callbacks.size === 0 || this.#ending) return this.#conclude(end)
    // Its process has ended it: what is still to come is the callbacks' word.
    clearTimeout(this.#grace)
    void withDeadline(Promise.all(this.#callbacks), CALLBACK_GRACE).then(() => {
      if (!this.#over) this.#conclude(end)
    })
  }

  #conclude(end: LoadEnd): void {
    const ending = this.#ending
    if (ending) return this.#fail(ending.error(this.#partial()), 'aborted')
    const result = this.#finalResult()
    if (end.outcome === 'failed')
      return this.#fail(new LoadError<LoadResult>(end.message, { partial: result }), 'failed')
    if (end.outcome === 'failed-threshold') return this.#failThresholds(end.thresholds, result, true)
    if (this.#progressError) {
      const { error } = this.#progressError
      const text = error instanceof Error ? error.message : String(error)
      const failure = new LoadError<LoadResult>(
        `onProgress threw: ${text} (the load ran to its end; its result is \`partial\`)`,
        {
          cause: error,
          partial: result,
        },
      )
      return this.#fail(failure, 'failed')
    }
    if (end.outcome === 'stopped') return this.#succeed(result, 'stopped')
    const thresholds = this.#plan.thresholds.length > 0 ? evaluateThresholds(result, this.#plan.thresholds) : undefined
    if (thresholds?.some(({ passed }) => !passed)) return this.#failThresholds(thresholds, result, false)
    this.#succeed(result, end.outcome === 'aborted' ? 'stopped' : 'completed', thresholds)
  }

  #failThresholds(thresholds: ThresholdOutcome[], result: LoadResult, early: boolean): void {
    const failed = thresholds.filter(({ passed }) => !passed).length
    const message =
      `${saturationLead(result)}${titleOf(this.#plan)} failed ${failed} of ${thresholds.length} thresholds` +
      `${early ? ` and was ended after ${formatDuration(result.duration)} (abortOnFail)` : ''}:\n${formatOutcomes(thresholds)}`
    this.#fail(new LoadError<LoadResult>(message, { partial: result, thresholds }), 'failed', thresholds)
  }

  #onLost(error: LoadError): void {
    if (!this.#heard && !this.#retried && !this.#ending) {
      // It was dying when we asked it: another one has not lost anything yet.
      this.#retried = true
      return this.#run()
    }
    if (this.#ending) return this.#fail(this.#ending.error(this.#partial()), 'aborted')
    this.#fail(new LoadError<LoadResult>(error.message, { cause: error.cause, partial: this.#partial() }), 'failed')
  }

  /** The last progress without what only a progress has. */
  #finalResult(): LoadResult {
    const { progress: _progress, interval: _interval, ...result } = this.#latest
    tagMeasurement(result, this.#id)
    return result
  }

  #partial(): LoadResult {
    const result = this.#finalResult()
    result.aborted = true
    return result
  }

  #succeed(result: LoadResult, outcome: LoadOutcome, thresholds?: ThresholdOutcome[]): void {
    if (!this.#close()) return
    this.#end({ outcome, result, ...(thresholds ? { thresholds } : {}) })
    this.#resolve(result)
  }

  #fail(error: Error, outcome: LoadOutcome, thresholds?: ThresholdOutcome[]): void {
    if (!this.#close()) return
    const { partial } = error as { partial?: LoadResult }
    this.#end({
      outcome,
      ...(partial ? { result: partial } : {}),
      ...(thresholds ? { thresholds } : {}),
      error: error.message,
    })
    this.#reject(error)
  }

  #end(ending: Omit<LoadEnding, 'plan'>): void {
    this.#tell(() => this.#observe.onEnd?.(this.#id, { ...ending, plan: this.#summary }))
  }

  #close(): boolean {
    if (this.#over) return false
    this.#over = true
    clearTimeout(this.#grace)
    for (const unlisten of this.#unlisten) unlisten()
    this.#line?.close()
    return true
  }

  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      // An observer watches; it does not decide what a test measures.
      swallow('observer of a load')(error)
    }
  }
}

/** For whoever watches the output: Vitest shows it under the test that runs. */
function print(level: 'log' | 'error', text: string): void {
  console[level](text)
}
