/** What the load process knows of its own limits. */
export interface GeneratorState {
  /** 0 to 1. */
  eventLoopUtilization: number
  /** Open model: 99th percentile of how late requests were sent although a connection was free. */
  lateness?: number
}

const BUSY = 0.95
const LATE = 10

/** Why the generator was the limit, or `undefined` where it was not. */
export function saturationReason({ eventLoopUtilization, lateness }: GeneratorState): string | undefined {
  if (lateness !== undefined && lateness > LATE) {
    return `1 % of the requests left ${lateness.toFixed(0)} ms or more after they were due although a connection was free: the machine or the load process is too busy for this rate`
  }
  if (eventLoopUtilization > BUSY) {
    return `the load process was busy ${(eventLoopUtilization * 100).toFixed(0)} % of the time: the server may answer faster than it could ask`
  }
  return undefined
}
