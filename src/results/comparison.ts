/** `cpuPerRequest`: CPU of the server's whole process tree; `timePerRequest`: wall time of a turn, by its requests. All in ms. */
export type ComparedMetricName = 'cpuPerRequest' | 'timePerRequest' | 'latency.p50' | 'latency.p90' | 'latency.p99'

/**
 * slower: head surely needs more than base, and the tolerance is not excluded. held: surely within the tolerance.
 * inconclusive: neither.
 */
export type ComparisonVerdict = 'slower' | 'held' | 'inconclusive'

/** One figure of both servers. */
export interface ComparedMetric {
  /** Milliseconds: the median over the blocks. */
  base: number
  /** As `base`. */
  head: number
  /** Relative: 0.05 is 5 % more than base. `NaN` where there is no block. */
  change: number
  /** Relative, at the level of the look that ended the comparison; `NaN` below two blocks. */
  interval: [low: number, high: number]
  /** Relative; absent for what is shown and not judged. */
  tolerance?: number
  /** Also of a metric that was not judged: against its default tolerance. */
  verdict: ComparisonVerdict
  /** The change that each block saw, in order. A block is a fresh base beside a fresh head. */
  blocks: number[]
}

/** One of the two servers. */
export interface ComparedServer {
  /** What was run: the command line or the module; with the ref, for a base from git. */
  source: string
  /** What was asked for, as in `origin/main`. */
  ref?: string
  /** The commit it was built from, where that is known. */
  commit?: string
  /** Whether the working tree had changes that no commit has. */
  dirty?: boolean
}

/** Why no verdict could be given, whatever the figures say. */
export type ComparisonObstacle = 'different-answers' | 'errors' | 'saturated' | 'disturbed' | 'too-few-blocks'

/** What a comparison of two servers found. Plain JSON: figures without data are `NaN`, in JSON `null`. */
export interface Comparison {
  /** As given in the options. */
  title?: string
  /** The method and path that was asked for. */
  url: string
  /** Unix time in milliseconds. */
  startedAt: number
  /** The verdict of all judged metrics together. */
  verdict: ComparisonVerdict
  /** One sentence or more: what was found, and what would decide where nothing was. */
  reason: string
  /** Why the figures decide nothing. */
  obstacle?: ComparisonObstacle
  /** Blocks that count: pairs of fresh servers. */
  pairs: number
  /** Blocks that the machine disturbed. */
  discarded: number
  /** Milliseconds, from the start of the first pair; `prepare` is not in it. */
  duration: number
  /** Requests answered in measured turns, by both servers. */
  requests: number
  /** What head was compared with. */
  base: ComparedServer
  /** What was compared. */
  head: ComparedServer
  /** All metrics, also those that are shown and not judged. */
  metrics: Record<ComparedMetricName, ComparedMetric>
  /**
   * Where CPU came from: the scheduler's count for each thread of the server's tree, the probes in its Node processes, or nowhere
   * (then it is not judged).
   */
  cpu: 'process-tree' | 'probe' | 'none'
  /** Milliseconds more that would probably decide; only where the verdict is 'inconclusive' for want of blocks. */
  moreTime?: number
  /** What a reader should know besides: the same build on both sides, no CPU, missing submodules, … */
  notes: string[]
  /** Whether it was ended before its time. */
  aborted: boolean
}

export const COMPARED_METRICS: readonly ComparedMetricName[] = [
  'cpuPerRequest',
  'latency.p50',
  'timePerRequest',
  'latency.p90',
  'latency.p99',
]
