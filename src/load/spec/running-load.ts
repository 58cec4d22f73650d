import { randomUUID } from 'node:crypto'
import { LoadError } from '../../errors.ts'
import { abortReason, onAbort } from '../../lifecycle/abort.ts'
import type { Cancel, Clock } from '../../lifecycle/clock.ts'
import { swallow } from '../../lifecycle/debug.ts'
import type { LoadPlanSummary } from '../../results/load-plan-summary.ts'
import type { LoadProgress, LoadResult, LoadSample } from '../../results/load-result.ts'
import { tagMeasurement } from '../../results/measurement-id.ts'
import type { LoadEnd, LoadReportMessage } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { emptyProgress } from './empty-progress.ts'
import { concludeLoad } from './load-conclusion.ts'
import type { LoadEngine, LoadEngineLine } from './load-engine.ts'
import type { LoadEnding, LoadObserver } from './load-observer.ts'
import { summarizePlan, titleOf } from './plan-summary.ts'
import { ProgressCalls, type OnLoadProgress } from './progress-calls.ts'

/** Milliseconds the load process has to answer an abort, or a stop. After that, what it said last is the result. */
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

export interface RunningLoadParts {
  readonly engine: LoadEngine
  readonly clock: Clock
  readonly observe: LoadObserver
  readonly signals: readonly EndingSignal[]
  readonly onProgress: OnLoadProgress | undefined
}

/** From `asked` to `over`. An abort leads from any state to `aborting`, but for `settling` and `over`. */
type State =
  /** The engine was asked to run it, and has told nothing of it. A load process that is lost now was dying when it was asked. */
  | { readonly name: 'asked'; readonly isRetry: boolean }
  | { readonly name: 'running' }
  | { readonly name: 'stopping'; readonly cancel: Cancel }
  | { readonly name: 'aborting'; readonly cancel: Cancel; readonly error: (partial: LoadResult) => Error }
  /** The engine has ended it. Calls of `onProgress` have not settled. */
  | { readonly name: 'settling'; readonly cancel: Cancel }
  | { readonly name: 'over' }

/** One load from the spec's side. */
export class RunningLoad {
  readonly result: Promise<LoadResult>
  /** Requests completed so far, warm-up included. */
  completed = 0
  readonly #id = randomUUID()
  readonly #plan: LoadPlan
  readonly #summary: LoadPlanSummary
  readonly #parts: RunningLoadParts
  readonly #calls: ProgressCalls
  readonly #rows: LoadSample[] = []
  readonly #resolve: (result: LoadResult) => void
  readonly #reject: (error: Error) => void
  readonly #unlisten: (() => void)[] = []
  #state: State = { name: 'asked', isRetry: false }
  #line: LoadEngineLine | undefined
  #latest: LoadProgress

  constructor(plan: LoadPlan, parts: RunningLoadParts) {
    this.#plan = plan
    this.#parts = parts
    this.#summary = summarizePlan(plan)
    this.#calls = new ProgressCalls(parts.onProgress)
    this.#latest = emptyProgress(plan, parts.clock)
    let resolve!: (result: LoadResult) => void
    let reject!: (error: Error) => void
    this.result = new Promise<LoadResult>((onResult, onError) => {
      resolve = onResult
      reject = onError
    })
    this.#resolve = resolve
    this.#reject = reject
    this.#tell(() => parts.observe.onStart?.(this.#id, this.#summary, titleOf(plan)))
    const already = parts.signals.find(({ signal }) => signal.aborted)
    if (already) {
      this.#end(this.#partial(), { outcome: 'aborted' }, already.error(abortReason(already.signal), this.#partial()))
      return
    }
    for (const ending of parts.signals) this.#listen(ending)
    this.#ask()
  }

  #ask(): void {
    this.#line = this.#parts.engine.open({
      onMessage: (message) => this.#onMessage(message),
      onLost: (error) => this.#onLost(error),
    })
    this.#line.send({ type: 'run', id: this.#id, plan: this.#plan })
  }

  #listen(ending: EndingSignal): void {
    const abort = () => this.#abort((partial) => ending.error(abortReason(ending.signal), partial))
    this.#unlisten.push(onAbort(ending.signal, abort))
  }

  noteCollection({ startedAt, duration }: { startedAt: number; duration: number }): void {
    this.#line?.send({ type: 'collection', id: this.#id, startedAt, duration })
  }

  // From one state to the next -----------------------------------------------------------------------------------------

  /** Ends the load early. Its result is what was measured. */
  stop(): void {
    if (this.#state.name !== 'asked' && this.#state.name !== 'running') return
    this.#line?.send({ type: 'stop', id: this.#id })
    const cancel = this.#afterGrace(STOP_GRACE, () => this.#endStopped())
    this.#state = { name: 'stopping', cancel }
  }

  #abort(error: (partial: LoadResult) => Error): void {
    const { name } = this.#state
    if (name === 'aborting' || name === 'over') return
    if (name === 'settling') return this.#endAborted(error)
    this.#cancelState()
    this.#line?.send({ type: 'abort', id: this.#id })
    const cancel = this.#afterGrace(ABORT_GRACE, () => this.#endAborted(error))
    this.#state = { name: 'aborting', cancel, error }
  }

  /** Ends without the load process, unless that answers in time. */
  #afterGrace(milliseconds: number, end: () => void): Cancel {
    const giveUp = () => {
      // It does not answer. With it go its sockets; but not where other loads would go too: those see for themselves.
      if (!this.#line?.isShared()) this.#line?.kill()
      end()
    }
    // This thread may have been blocked: what has come by now is read first.
    let cancel = this.#parts.clock.after(milliseconds, () => {
      cancel = this.#parts.clock.soon(giveUp)
    })
    return () => cancel()
  }

  #onLost({ message, cause }: LoadError): void {
    switch (this.#state.name) {
      case 'asked':
        if (this.#state.isRetry) break
        this.#state = { name: 'asked', isRetry: true }
        return this.#ask()
      case 'stopping':
        return this.#endStopped()
      case 'aborting':
        return this.#endAborted(this.#state.error)
      case 'settling':
      case 'over':
        return
      case 'running':
    }
    const partial = this.#partial()
    this.#end(partial, { outcome: 'failed' }, new LoadError<LoadResult>(message, { cause, partial }))
  }

  #onEngineEnd(end: LoadEnd): void {
    if (this.#state.name !== 'aborting') this.#calls.call(this.#latest)
    // `onProgress` may have aborted it.
    if (this.#state.name === 'aborting') return this.#endAborted(this.#state.error)
    if (!this.#calls.isPending) return this.#conclude(end)
    this.#cancelState()
    const conclude = () => {
      if (this.#state === settling) this.#conclude(end)
    }
    const settling: State = { name: 'settling', cancel: this.#parts.clock.after(CALLBACK_GRACE, conclude) }
    this.#state = settling
    void this.#calls.settled().then(conclude)
  }

  #conclude(end: LoadEnd): void {
    const result = this.#finalResult()
    const { error, ...ending } = concludeLoad({ plan: this.#plan, result, end, callFailure: this.#calls.failure })
    this.#end(result, ending, error)
  }

  #endStopped(): void {
    this.#end(this.#partial(), { outcome: 'stopped' })
  }

  #endAborted(error: (partial: LoadResult) => Error): void {
    const partial = this.#partial()
    this.#end(partial, { outcome: 'aborted' }, error(partial))
  }

  /** The one way to `over`. */
  #end(result: LoadResult, ending: Pick<LoadEnding, 'outcome' | 'thresholds'>, error?: Error): void {
    if (this.#state.name === 'over') return
    this.#cancelState()
    this.#state = { name: 'over' }
    for (const unlisten of this.#unlisten) unlisten()
    this.#line?.close()
    const told = { ...ending, result, plan: this.#summary, ...(error ? { error: error.message } : {}) }
    this.#tell(() => this.#parts.observe.onEnd?.(this.#id, told))
    if (error) this.#reject(error)
    else this.#resolve(result)
  }

  #cancelState(): void {
    if ('cancel' in this.#state) this.#state.cancel()
  }

  // What is told -------------------------------------------------------------------------------------------------------

  #onMessage(message: LoadReportMessage): void {
    const { name } = this.#state
    if (name === 'over' || name === 'settling') return
    if (message.type === 'ready' || message.type === 'armed' || message.id !== this.#id) return
    if (message.type === 'log') return print(message.level, message.text)
    if (name === 'asked') this.#state = { name: 'running' }
    if ('completed' in message) this.completed = message.completed
    if ('rows' in message) this.#rows.push(...message.rows)
    if (!message.progress) return
    const byName = message.progress.byName ?? this.#latest.byName
    this.#latest = { ...message.progress, byName, samples: this.#rows.slice() }
    tagMeasurement(this.#latest, this.#id)
    if (message.type === 'tick') return
    const progress = this.#latest
    this.#tell(() => this.#parts.observe.onProgress?.(this.#id, progress))
    if (message.type === 'end') {
      if (message.left) this.#line?.retire()
      this.#onEngineEnd(message.end)
    } else if (name !== 'aborting') {
      this.#calls.call(progress)
    }
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

  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      // An observer watches; it does not decide what a test measures.
      swallow('observer of a load')(error)
    }
  }
}

/** Prints for the test's output: Vitest shows it under the test that runs. */
function print(level: 'log' | 'error', text: string): void {
  console[level](text)
}
