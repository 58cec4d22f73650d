import { LatencyHistogram } from './latency-histogram.ts'
import type { LatencySummary, LoadResult } from './load-result.ts'

/**
 * Latency of several loads as if they had been one, from the histograms in their results: exact in the same way as that of one load. (Percentiles
 * themselves cannot be averaged.) A result without a histogram, as a progress is, throws.
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
