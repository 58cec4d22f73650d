import type { LatencyHistogram } from '../metrics/latency-histogram.ts'

/** What the load process knows of its own limits. */
export interface GeneratorState {
  /** 0 to 1. */
  readonly eventLoopUtilization: number
  /** Milliseconds over which that was measured. */
  readonly duration: number
  /** Open model: how late requests were sent although a connection was free. */
  readonly lateness: LatencyHistogram | undefined
}

const BUSY = 0.95
/** Milliseconds below which utilisation says nothing: opening connections keeps any process busy for a moment. */
const SHORTEST = 500
const LATE = 10
/** So many late requests at the least: one or two are a hiccup of the machine. */
const FEWEST_LATE = 3

/** Why the generator was the limit, or `undefined` where it was not, or where there is too little to tell. */
export function saturationReason({ eventLoopUtilization, duration, lateness }: GeneratorState): string | undefined {
  const late = lateness && lateArrivals(lateness)
  if (late && late.by > LATE) {
    return `${late.which} left ${late.by.toFixed(0)} ms or more after they were due although a connection was free: the machine or the load process is too busy for this rate`
  }
  if (duration >= SHORTEST && eventLoopUtilization > BUSY) {
    return `the load process was busy ${(eventLoopUtilization * 100).toFixed(0)} % of the time: the server may answer faster than it could ask`
  }
  return undefined
}

/** How late the latest 1 % left, or the latest few where those are more. */
function lateArrivals(lateness: LatencyHistogram): { by: number; which: string } | undefined {
  const { count } = lateness
  if (count < FEWEST_LATE) return undefined
  if (count * 0.01 >= FEWEST_LATE) return { by: lateness.percentile(0.99), which: '1 % of the requests' }
  return {
    by: lateness.percentile((count - FEWEST_LATE + 1) / count),
    which: `${FEWEST_LATE} of ${count} requests`,
  }
}
