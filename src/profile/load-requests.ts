/** Requests that a load got answers to while a profile was recorded, its warm-up included, and the milliseconds that they took together. */
export interface LoadRequests {
  readonly requests: number
  readonly time: number
}

/** The isolates count requests beside the load's, such as health checks: only more than that may be a server's own. */
const CLEARLY_MORE = 1.25
/** Part of these that its own calls over HTTP must explain: a user's `start`, another load or the test may have sent them. */
const EXPLAINED = 0.5

/** What the isolates of a server counted. */
export interface CountedRequests {
  readonly answered: number
  /** Calls over HTTP that they made. */
  readonly called: number
}

/**
 * Whether a server asks itself, or one of its processes another: then its isolates answer more requests than the load has sent, and what
 * is told "a request" must be told of those that the load sent.
 */
export function asksItself(
  { answered, called }: CountedRequests,
  load: LoadRequests | undefined,
): load is LoadRequests {
  if (!load || load.requests === 0 || answered <= load.requests * CLEARLY_MORE) return false
  return called >= (answered - load.requests) * EXPLAINED
}
