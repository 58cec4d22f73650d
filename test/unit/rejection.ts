import type { PerfError } from '../../src/errors.ts'
import type { LoadResult } from '../../src/results/load-result.ts'

/** The error of a promise that must reject; of a load, unless another kind is named. */
export async function rejection<E = PerfError & { partial: LoadResult }>(work: Promise<unknown>): Promise<E> {
  return work.then(
    (value) => {
      throw new Error(`resolved with ${JSON.stringify(value)?.slice(0, 300)}`)
    },
    (error: unknown) => error as E,
  )
}
