import { inLifetime } from '../../lifecycle/attempt.ts'
import type { LoadResult } from '../../results/load-result.ts'
import type { LoadContext } from './load-context.ts'
import type { LoadOptions } from '../plan/load-options.ts'
import type { LoadOptionsOf } from '../plan/scenario-types.ts'
import type { OnLoadProgress, RunningLoad } from './running-load.ts'

export type { LoadContext } from './load-context.ts'
export type { LoadObserver } from './load-observer.ts'
export type { OnLoadProgress } from './running-load.ts'

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
    const run = () => this.#run(options, onProgress)
    return this.#context.around ? this.#context.around(options, run) : run()
  }

  async #run(options: LoadOptions, onProgress: OnLoadProgress | undefined): Promise<LoadResult> {
    const load = await this.#start(options, onProgress)
    try {
      return await load.result
    } finally {
      this.#loads.delete(load)
      this.#completedBefore += load.completed
    }
  }

  async #start(options: LoadOptions, onProgress: OnLoadProgress | undefined): Promise<RunningLoad> {
    // Imported by the first load: a spec without one must not pay for it.
    const starting = import('./start-load.ts').then(({ startLoad }) => startLoad(options, this.#context, onProgress))
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
   * Ends every load of this generator early, when their promises have resolved with what was measured. Resolves with the result of
   * the one that began last; `undefined` where none ran, or it failed.
   */
  stop(): Promise<LoadResult | undefined> {
    return inLifetime(this.#context.lifetime, { name: 'loadGenerator.stop()' }, this.#stop())
  }

  async #stop(): Promise<LoadResult | undefined> {
    await Promise.allSettled(this.#starting)
    const loads = [...this.#loads]
    for (const load of loads) load.stop()
    const results = await Promise.allSettled(loads.map((load) => load.result))
    const last = results.at(-1)
    return last?.status === 'fulfilled' ? last.value : undefined
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

/** Of options that nobody has checked yet. */
function signalIn(options: unknown): AbortSignal | undefined {
  const signal = (options as { signal?: unknown } | undefined | null)?.signal
  return signal instanceof AbortSignal ? signal : undefined
}
