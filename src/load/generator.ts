import { LoadError, PerfAbortError, PerfOptionsError } from '../errors.ts'
import { timeLeft, type Lifetime } from '../lifecycle/attempt.ts'
import type { LoadResult } from '../metrics/load-result.ts'
import { optionIssue } from '../options.ts'
import { formatDuration } from '../units.ts'
import type { LoadObserver } from './load-observer.ts'
import type { LoadOptions } from './load-options.ts'
import { resolveLoadOptions, type LoadPlan, type ResolveLoadContext } from './load-plan.ts'
import { ArrivalSchedule } from './schedule.ts'
import { RunningLoad, type EndingSignal, type OnLoadProgress } from './running-load.ts'

export type { LoadObserver } from './load-observer.ts'
export type { OnLoadProgress } from './running-load.ts'

/** What a load generator lives in. All of it is optional: `new LoadGenerator()` works anywhere. */
export interface LoadContext extends Omit<ResolveLoadContext, 'baseUrl'> {
  /** Ends every load, and says how long they may take. */
  lifetime?: Lifetime
  /** The server under test, where there is one: its death ends the load. */
  server?: () => { url: string; signal: AbortSignal } | undefined
  observe?: LoadObserver
}

/** Milliseconds between the end of a load and the end of the test that it must leave. */
const MARGIN = 250
/**
 * Drives HTTP load from a process of its own, shared by all loads of a Vitest worker.
 *
 * ```ts
 * const result = await new LoadGenerator().generateLoad({ url: 'http://127.0.0.1:3000/', connections: 50, duration: 5_000 })
 * ```
 */
export class LoadGenerator {
  readonly #context: LoadContext
  readonly #loads = new Set<RunningLoad>()
  #completedBefore = 0

  constructor(context: LoadContext = {}) {
    this.#context = context
  }

  /**
   * Runs a load to its end.
   *
   * @throws PerfOptionsError before the first request, with every mistake in `options`.
   * @throws PerfAbortError (with `partial`) within 250 ms of an abort by `options.signal` or the end of the test.
   * @throws LoadError (with `partial`) where nothing answered, the load process was lost, a threshold failed, or `onProgress` threw.
   */
  async generateLoad(options: LoadOptions, onProgress?: OnLoadProgress): Promise<LoadResult> {
    const plan = resolveLoadOptions(options, { ...this.#context, baseUrl: this.#context.server?.()?.url })
    if (onProgress !== undefined && typeof onProgress !== 'function') {
      throw new PerfOptionsError('load options', [optionIssue('onProgress', 'a function', onProgress)])
    }
    refuseTooLong(plan, this.#context.lifetime)
    const load = new RunningLoad(plan, this.#context.observe ?? {}, signalsOf(options, this.#context), onProgress)
    this.#loads.add(load)
    try {
      return await load.result
    } finally {
      this.#loads.delete(load)
      this.#completedBefore += load.completed
    }
  }

  /** Ends every load of this generator early; resolves when their promises have resolved with what was measured. */
  async stop(): Promise<void> {
    const loads = [...this.#loads]
    for (const load of loads) load.stop()
    await Promise.allSettled(loads.map((load) => load.result))
  }

  /** Requests completed so far by all loads of this generator, warm-up included; at most 100 ms old. */
  requestsCompleted(): number {
    let total = this.#completedBefore
    for (const load of this.#loads) total += load.completed
    return total
  }

  /** Tells the loads under way that the server stood still from `startedAt` (Unix ms) for `duration` ms: see `LoadResult.collections`. */
  noteCollection(collection: { startedAt: number; duration: number }): void {
    for (const load of this.#loads) load.noteCollection(collection)
  }
}

/** The least time a load takes: with `amount` it ends with the last arrival at the earliest, and in the closed model nobody knows. */
function leastDuration({ duration = Infinity, amount, rate }: LoadPlan): number {
  if (amount === undefined) return duration
  return rate ? Math.min(duration, new ArrivalSchedule(rate).dueAt(amount - 1)) : 0
}

function refuseTooLong(plan: LoadPlan, lifetime: Lifetime | undefined): void {
  if (lifetime?.deadline === undefined) return
  const least = leastDuration(plan)
  const needed = least + (plan.warmup?.duration ?? 0) + MARGIN
  const left = timeLeft(lifetime)
  if (needed <= left) return
  const whole = (lifetime.timeout ?? left) + needed - left
  const suggested = Math.ceil(whole / 1_000) * 1_000
  throw new PerfOptionsError('load options', [
    {
      option: plan.amount === undefined ? 'duration' : 'amount',
      expected: `at most ${Math.max(0, Math.floor(left - needed + least))} ms`,
      received: least,
      message:
        `The load takes ${formatDuration(needed - MARGIN)}${plan.warmup ? ' with its warm-up' : ''}, but its test has ${formatDuration(Math.max(0, left))} left` +
        `${lifetime.timeout === undefined ? '' : ` of its ${formatDuration(lifetime.timeout)}`}; ` +
        `give the test a timeout of at least ${suggested} ms: test(name, { timeout: ${suggested} }, fn), or a shorter \`duration\``,
    },
  ])
}

function signalsOf(options: LoadOptions, context: LoadContext): EndingSignal[] {
  const aborted = (by: string) => (reason: Error, partial: LoadResult) =>
    new PerfAbortError<LoadResult>(`The load was aborted by ${by}: ${reason.message}`, { cause: reason, partial })
  const signals: EndingSignal[] = []
  if (options.signal) signals.push({ signal: options.signal, error: aborted('its signal') })
  if (context.lifetime) signals.push({ signal: context.lifetime.signal, error: aborted('the end of its test') })
  const server = context.server?.()
  if (server) {
    signals.push({
      signal: server.signal,
      error: (reason, partial) =>
        new LoadError<LoadResult>(`The server under load is gone: ${reason.message}`, { cause: reason, partial }),
    })
  }
  return signals
}
