import { LatencyHistogram } from '../../results/latency-histogram.ts'
import type { EncodedHistogram, IterationResult } from '../../results/load-result.ts'

/** What became of the iterations of a scenario. */
export class IterationCounts {
  readonly #durations = new LatencyHistogram()
  #failed = 0

  /** Iterations that ended. */
  get count(): number {
    return this.#durations.count
  }

  /** An iteration that took `duration` ms. */
  add(duration: number, failed: boolean): void {
    this.#durations.record(duration)
    if (failed) this.#failed += 1
  }

  encode(): EncodedHistogram {
    return this.#durations.encode()
  }

  /** `elapsed` in milliseconds. */
  result(elapsed: number): IterationResult {
    const { count } = this.#durations
    return {
      count,
      perSecond: elapsed > 0 ? (count * 1_000) / elapsed : 0,
      failed: this.#failed,
      duration: this.#durations.summary(),
    }
  }
}
