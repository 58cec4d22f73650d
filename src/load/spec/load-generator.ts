import { inLifetime } from '../../lifecycle/attempt.ts'
import type { Capacity } from '../../results/capacity.ts'
import type { LoadProgress, LoadResult } from '../../results/load-result.ts'
import type { LoadContext } from './load-context.ts'
import type { CapacityOptions } from '../plan/capacity-options.ts'
import type { LoadOptions } from '../plan/load-options.ts'
import type { CapacityRun } from './capacity-run.ts'
import type { LoadOptionsOf } from '../plan/scenario-types.ts'
import type { OnLoadProgress } from './progress-calls.ts'
import type { RunningLoad } from './running-load.ts'

export type { LoadContext } from './load-context.ts'
export type { LoadObserver } from './load-observer.ts'
export type { OnLoadProgress } from './progress-calls.ts'

/**
 * Drives HTTP load from a process of its own, shared by all loads of a Vitest worker.
 *
 * ```ts
 * const result = await new LoadGenerator().generateLoad({ url: 'http://127.0.0.1:3000/', connections: 50, duration: 5_000 })
 * ```
 */
export class LoadGenerator {
  readonly #context: LoadContext
  readonly #starting = new Set<Promise<RunningLoad>>()
  readonly #loads = new Set<RunningLoad>()
  readonly #searches = new Set<CapacityRun>()
  #completedBefore = 0

  constructor(context: LoadContext = {}) {
    this.#context = context
  }

  /**
   * Runs a load to its end.
   *
   * `Module` is the type of a scenario's module, which `data` and `mix` are then checked against:
   * `generateLoad<typeof import('./shop.scenario.ts')>({ … })`.
   *
   * @throws PerfOptionsError before the first request, with every mistake in `options`.
   * @throws PerfAbortError (with `partial`) within 250 ms of an abort by `options.signal` or the end of the test.
   * @throws LoadError (with `partial`) where nothing answered, the load process was lost, a threshold failed, or `onProgress` threw.
   */
  generateLoad<Module = unknown>(options: LoadOptionsOf<Module>, onProgress?: OnLoadProgress): Promise<LoadResult> {
    const call = { name: 'loadGenerator.generateLoad()', signal: signalIn(options) }
    return inLifetime(this.#context.lifetime, call, this.#generate(options as LoadOptions, onProgress))
  }

  #generate(options: LoadOptions, onProgress: OnLoadProgress | undefined): Promise<LoadResult> {
    const run = () => this.#run(options, this.#context, onProgress)
    return this.#context.around ? this.#context.around(options, run) : run()
  }

  /**
   * Searches for the highest rate (open model) at which all `thresholds` hold: the rate doubles until it fails twice, then the
   * interval between what holds and what does not is halved. Each step is a load on connections of its own.
   *
   * @throws PerfOptionsError before the first request, with every mistake in `options`.
   * @throws PerfAbortError, LoadError (with `partial`, a `Capacity`) as `generateLoad` does.
   */
  findCapacity(options: CapacityOptions): Promise<Capacity> {
    const call = { name: 'loadGenerator.findCapacity()', signal: signalIn(options) }
    return inLifetime(this.#context.lifetime, call, this.#search(options))
  }

  async #search(options: CapacityOptions): Promise<Capacity> {
    const { CapacityRun: Search } = await import('./capacity-run.ts')
    const { observe: _observe, around: _around, ...quiet } = this.#context
    const search = new Search(options, quiet, (step, context, tell: (progress: LoadProgress) => void) =>
      this.#run(step, context, tell),
    )
    this.#searches.add(search)
    const { observe } = this.#context
    const { id, title } = search
    try {
      const capacity = await search.run((progress) => observe?.onCapacityProgress?.(id, progress))
      observe?.onCapacityEnd?.(id, { outcome: capacity.aborted ? 'stopped' : 'completed', title, capacity })
      return capacity
    } catch (error) {
      const { name, message, partial } = error as Error & { partial?: Capacity }
      const outcome = name === 'AbortError' ? 'aborted' : 'failed'
      observe?.onCapacityEnd?.(id, { outcome, title, error: message, ...(partial ? { capacity: partial } : {}) })
      throw error
    } finally {
      this.#searches.delete(search)
    }
  }

  async #run(options: LoadOptions, context: LoadContext, onProgress: OnLoadProgress | undefined): Promise<LoadResult> {
    const load = await this.#start(options, context, onProgress)
    try {
      return await load.result
    } finally {
      this.#loads.delete(load)
      this.#completedBefore += load.completed
    }
  }

  async #start(
    options: LoadOptions,
    context: LoadContext,
    onProgress: OnLoadProgress | undefined,
  ): Promise<RunningLoad> {
    // Imported by the first load: a spec without one must not pay for it.
    const starting = import('./start-load.ts').then(({ startLoad }) => startLoad(options, context, onProgress))
    this.#starting.add(starting)
    try {
      const load = await starting
      this.#loads.add(load)
      return load
    } finally {
      this.#starting.delete(starting)
    }
  }

  /**
   * Ends every load of this generator early; their promises resolve with what was measured. Then resolves with the result of the
   * load that began last, or `undefined` if none ran or it failed.
   */
  stop(): Promise<LoadResult | undefined> {
    return inLifetime(this.#context.lifetime, { name: 'loadGenerator.stop()' }, this.#stop())
  }

  async #stop(): Promise<LoadResult | undefined> {
    for (const search of this.#searches) search.stop()
    await Promise.allSettled(this.#starting)
    const loads = [...this.#loads]
    for (const load of loads) load.stop()
    const results = await Promise.allSettled(loads.map((load) => load.result))
    const last = results.at(-1)
    return last?.status === 'fulfilled' ? last.value : undefined
  }

  /** Requests completed so far by all loads of this generator, warm-up included; at most 100 ms old. @internal */
  requestsCompleted(): number {
    let total = this.#completedBefore
    for (const load of this.#loads) total += load.completed
    return total
  }

  /** Tells the loads under way that the server stood still from `startedAt` (Unix ms) for `duration` ms: see `LoadResult.collections`. @internal */
  noteCollection(collection: { startedAt: number; duration: number }): void {
    for (const load of this.#loads) load.noteCollection(collection)
  }
}

/** Reads options that are not checked yet. */
function signalIn(options: unknown): AbortSignal | undefined {
  const signal = (options as { signal?: unknown } | undefined | null)?.signal
  return signal instanceof AbortSignal ? signal : undefined
}
