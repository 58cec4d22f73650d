import type { LoadResult } from '../../results/load-result.ts'
import type { LoadOptions } from './load-options.ts'

/** A load that is run again for its profile takes at most so many milliseconds, and at least so many. */
export const REPEAT_LIMIT = 5_000
const SHORTEST = 1_000

/** The options of a load that is run again for its profile: the same requests at the same rate, without thresholds. */
export function repeatedLoad(options: LoadOptions, { duration }: Pick<LoadResult, 'duration'>): LoadOptions {
  const { thresholds: _t, abortOnFail: _a, warmup: _w, title: _n, signal: _s, stages, ...load } = options
  return {
    ...load,
    ...(stages && hardestStage(stages)),
    duration: Math.min(REPEAT_LIMIT, Math.max(SHORTEST, Math.ceil(duration))),
    profile: false,
  }
}

function hardestStage(stages: NonNullable<LoadOptions['stages']>): Partial<LoadOptions> {
  const most = (name: 'connections' | 'rate') => Math.max(0, ...stages.map((stage) => stage[name] ?? 0))
  return {
    ...(most('connections') > 0 && { connections: most('connections') }),
    ...(most('rate') > 0 && { rate: most('rate') }),
  }
}
