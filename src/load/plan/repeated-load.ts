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
    ...(stages && hardestMoment(options, stages)),
    duration: Math.min(REPEAT_LIMIT, Math.max(SHORTEST, Math.ceil(duration))),
    profile: false,
  }
}

/** Stages begin at the load's own figure, which may be the highest. */
function hardestMoment(options: LoadOptions, stages: NonNullable<LoadOptions['stages']>): Partial<LoadOptions> {
  const names = ['connections', 'rate', 'virtualUsers'] as const
  const most = names.map((name) => [name, Math.max(0, ...[options, ...stages].map((part) => part[name] ?? 0))] as const)
  return Object.fromEntries(most.filter(([, figure]) => figure > 0))
}
