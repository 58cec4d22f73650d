/** Requests that a load got answers to while a profile was recorded, its warm-up included, and the milliseconds that they took together. */
export interface LoadRequests {
  readonly requests: number
  readonly time: number
}

/** The isolates count requests beside the load's, such as health checks: only more than that are a server's own. */
const CLEARLY_MORE = 1.25

/**
 * Whether a server asks itself, or one of its processes another: then its isolates answer more requests than the load has sent, and what
 * is told "a request" must be told of those that the load sent.
 */
export function asksItself(answered: number, load: LoadRequests | undefined): load is LoadRequests {
  return load !== undefined && load.requests > 0 && answered > load.requests * CLEARLY_MORE
}
