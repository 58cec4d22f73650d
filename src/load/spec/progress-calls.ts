import type { LoadProgress } from '../../results/load-result.ts'

/** Called every `progressInterval` while a load runs, and once at its end. */
export type OnLoadProgress = (progress: LoadProgress) => void

/** The calls of `onProgress`, and what became of them. After its first error it is not called again. */
export class ProgressCalls {
  readonly #onProgress: OnLoadProgress | undefined
  /** What async calls returned and has not settled. */
  readonly #pending = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(onProgress: OnLoadProgress | undefined) {
    this.#onProgress = onProgress
  }

  /** The first error, thrown or rejected with. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  get isPending(): boolean {
    return this.#pending.size > 0
  }

  call(progress: LoadProgress): void {
    if (this.#failure) return
    const fail = (error: unknown) => {
      this.#failure ??= { error }
    }
    try {
      const returned: unknown = this.#onProgress?.(progress)
      if (typeof (returned as PromiseLike<unknown> | undefined)?.then !== 'function') return
      // Nobody else handles the rejection of an async function.
      const settled = Promise.resolve(returned)
        .then(() => {}, fail)
        .finally(() => this.#pending.delete(settled))
      this.#pending.add(settled)
    } catch (error) {
      fail(error)
    }
  }

  /** Resolves when all calls so far have settled. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending)
  }
}
