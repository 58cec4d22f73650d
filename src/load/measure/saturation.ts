import type { LatencyHistogram } from '../../results/latency-histogram.ts'

/** What the load process knows of its own limits. */
export interface GeneratorState {
  /** 0 to 1. */
  readonly eventLoopUtilization: number
  /** Milliseconds over which that was measured. */
  readonly duration: number
  /** Open model: how late it looked at its arrivals. */
  readonly lateness: LatencyHistogram | undefined
  /** Milliseconds that it stood still. */
  readonly stalled: number
  /** Why this machine could open no more connections. */
  readonly ownLimit: string | undefined
}

const BUSY = 0.95
/** Milliseconds below which utilisation is not judged: opening connections keeps any process busy for a moment. */
const SHORTEST = 500
const LATE = 10
/** Late requests that it takes: one or two are a hiccup of the machine. */
const FEWEST_LATE = 3
/** Share of the time for which the load process may be paused. */
const STALLED = 0.05

/** Returns why the generator was the limit, or `undefined` if it was not, or if there is too little data to tell. */
export function saturationReason(state: GeneratorState): string | undefined {
  const { eventLoopUtilization, duration, lateness, stalled, ownLimit } = state
  if (ownLimit !== undefined) {
    return `it could not open all connections (${ownLimit}): raise the limit of open files (ulimit -n), or ask for fewer`
  }
  const late = lateness && lateArrivals(lateness)
  if (late && late.by > LATE) {
    return `${late.which} were noticed ${late.by.toFixed(0)} ms or more after they were due: the machine or the load process is too busy for this rate`
  }
  if (duration >= SHORTEST && eventLoopUtilization > BUSY) {
    return `the load process was busy ${(eventLoopUtilization * 100).toFixed(0)} % of the time: the server may answer faster than it could ask`
  }
  if (duration >= SHORTEST && stalled > STALLED * duration) {
    return `the load process stood still for ${stalled.toFixed(0)} of ${duration.toFixed(0)} ms: the machine is too busy to measure on`
  }
  return undefined
}

/** Returns the fact of a reason, without the guess at who is to blame: for those who know it. */
export function factOf(reason: string): string {
  return reason.replace(/: the (machine|load process|server) [^:]*$/, '')
}

/** Returns how late the latest 1 % of the requests were, or the latest three if those are more. */
function lateArrivals(lateness: LatencyHistogram): { by: number; which: string } | undefined {
  const { count } = lateness
  if (count < FEWEST_LATE) return undefined
  if (count * 0.01 >= FEWEST_LATE) return { by: lateness.percentile(0.99), which: '1 % of the requests' }
  return {
    by: lateness.percentile((count - FEWEST_LATE + 1) / count),
    which: `${FEWEST_LATE} of ${count} requests`,
  }
}
