import { LatencyHistogram } from './latency-histogram.ts'
import type { LatencySummary, LoadResult } from './load-result.ts'

/**
 * Returns the latency that one load with the requests of all `results` would have had, from their histograms: with the same error as
 * that of one load. (Percentiles themselves cannot be averaged.) Takes results of loads and figures of names (`byName`).
 *
 * @throws {TypeError} if a result has no histogram, as a progress has none.
 */
export function mergeLatency(results: readonly Pick<LoadResult, 'latencyHistogram'>[]): LatencySummary {
  const merged = new LatencyHistogram()
  for (const { latencyHistogram } of results) {
    if (!latencyHistogram)
      throw new TypeError('Expected results of loads that have ended, got one without `latencyHistogram`')
    merged.merge(LatencyHistogram.decode(latencyHistogram))
  }
  return merged.summary()
}
