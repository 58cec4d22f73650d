import type { LoadProfile } from './profile-result.ts'

/**
 * Response times in milliseconds, with fractions, of all answers, also of those with an error status.
 *
 * - Closed model: from writing the request to the last byte of its answer; if the connection had to be opened again, from the
 *   start of that. Open model: from when the request was due.
 * - A percentile (`p50` to `p999`, 50 % to 99.9 %) is the value of that rank, at most 0.05 % away from it (1 µs to 2.3 h).
 * - The load process itself adds up to about 1 ms in the open model: see `generator.lateness`.
 * - `NaN` (in JSON `null`) if nothing was answered.
 */
export interface LatencySummary {
  /** Exact. */
  min: number
  /** The arithmetic mean, exact. */
  average: number
  /** The standard deviation of the population, exact. */
  stddev: number
  /** The median. */
  p50: number
  /** 75 % of the answers took at most so long. */
  p75: number
  /** 90 % of the answers took at most so long. */
  p90: number
  /** 95 % of the answers took at most so long. */
  p95: number
  /** 99 % of the answers took at most so long. */
  p99: number
  /** 99.9 % of the answers took at most so long: of fewer than 1 000 answers it is `max`. */
  p999: number
  /** Exact. */
  max: number
}

/** All kinds of errors, in the order of a request's life. */
export const LOAD_ERROR_KINDS = [
  'refused',
  'reset',
  'dns',
  'tls',
  'timeout',
  'protocol',
  'mismatch',
  'status',
  'check',
  'scenario',
  'other',
] as const

/**
 * The kind of an error.
 * - `refused`, `dns`, `tls`: no connection.
 * - `reset`: the connection broke or was closed; also requests that were lost by that.
 * - `timeout`: no answer within `timeout`.
 * - `protocol`: an answer that is not HTTP.
 * - `mismatch`: a status that `expectStatus` does not allow.
 * - `status`: 400 and above, if no `expectStatus` is set.
 * - `check`: an answer that fails its request's `check`, or a failed `user.check`.
 * - `scenario`: an iteration that threw.
 * - `other`: anything else.
 */
export type LoadErrorKind = (typeof LOAD_ERROR_KINDS)[number]

/** The errors of one kind. */
export interface LoadErrorCount {
  /** Errors of this kind. */
  count: number
  /** The first message of this kind. */
  message: string
  /** Milliseconds from the start of the load to the first and the last of this kind. */
  firstAt: number
  /** As `firstAt`, of the last one. */
  lastAt: number
}

/** Errors, counted one by one. */
export interface LoadErrors {
  /** The sum of `byKind`. One attempt has at most one error; a scenario may add some of its own (`check`, `scenario`). */
  total: number
  /** The count of kind `timeout`. */
  timeouts: number
  /** Answers with a status outside 200 to 299, whether expected or not. */
  non2xx: number
  /** A kind that did not happen is absent; a threshold on its `count` reads 0. */
  byKind: Partial<Record<LoadErrorKind, LoadErrorCount>>
}

/** One row of the time series, a row per `progressInterval`. */
export interface LoadSample {
  /** Milliseconds from the start of the measured load to the end of this interval. */
  at: number
  /** Length of the interval in milliseconds. */
  duration: number
  /** Answered in this interval. */
  requests: number
  /** Answered per second of this interval. */
  requestsPerSecond: number
  /** Milliseconds, of the answers of this interval. `NaN` (in JSON `null`) where nothing was answered. */
  latency: { p50: number; p95: number; p99: number; max: number }
  /** Errors in this interval. */
  errors: number
  /** Errors in this interval by kind. */
  errorsByKind?: Partial<Record<LoadErrorKind, number>>
  /** Arrivals dropped in this interval. */
  dropped: number
  /** Bytes of answers in this interval. */
  bytes: number
  /** Connections open, and arrivals due per second (open model), at the end of the interval. */
  connections: number
  /** Arrivals due per second at the end of the interval (open model). */
  rate?: number
  /** Arrivals that were due and not yet sent at the end of the interval (open model). */
  backlog?: number
}

/** The figures of one stage. */
export interface LoadStageResult {
  /** Milliseconds from the start of the load. */
  startedAt: number
  /** Milliseconds. */
  duration: number
  /** The target of the stage. */
  connections?: number
  /** The target of the stage. */
  rate?: number
  /** Answered requests of this stage. */
  requests: number
  /** `requests` / `duration`. */
  requestsPerSecond: number
  /** Of the requests of this stage. */
  latency: LatencySummary
  /** Errors of this stage. */
  errors: number
  /** Arrivals of this stage that were never sent. */
  dropped: number
}

/** One row of the time series of one name. */
export interface NameSample {
  /** Milliseconds from the start of the measured load to the end of this row. */
  at: number
  /** Length of the row in milliseconds. */
  duration: number
  /** Answered in this row. */
  requests: number
  /** Errors in this row. */
  errors: number
  /** Milliseconds. `NaN` (in JSON `null`) where nothing was answered. */
  latency: { p50: number; p95: number }
}

/** The figures of all requests of one name. They mean what those of `LoadResult` mean. */
export interface NameResult {
  /** Answered requests, whatever their status. */
  requests: number
  /** `requests` per second of the load. */
  requestsPerSecond: number
  /** Of the requests of this name. */
  latency: LatencySummary
  /** What `mergeLatency` needs to join results; absent while a load runs. */
  latencyHistogram?: EncodedHistogram
  /** Answers by status. */
  statusCodes: Record<string, number>
  /** Errors of this name. */
  errors: LoadErrors
  /** Failed attempts divided by all attempts, 0 to 1. `NaN` without attempts. */
  errorRate: number
  /** Messages received, and messages per second: only of Server-sent events and WebSockets. */
  messages?: number
  /** `messages` per second of the load. */
  messagesPerSecond?: number
  /**
   * Rows of the first 20 names, about 300 each at the most. Absent while a load runs, and where the load has one name: its rows
   * are the `samples` of the load.
   */
  samples?: NameSample[]
}

/** What became of one check. */
export interface CheckResult {
  /** How often it passed. */
  passed: number
  /** How often it failed. */
  failed: number
  /** `passed` divided by all, 0 to 1. `NaN` where it was never evaluated. */
  rate: number
  /** What was expected and what came, the first time it failed. */
  firstFailure?: string
}

/** Iterations of a scenario. */
export interface IterationResult {
  /** Iterations that ended, the failed ones included. */
  count: number
  /** `count` per second of the load. */
  perSecond: number
  /** Iterations that threw, or had a request without an answer that the scenario did not catch. */
  failed: number
  /** Milliseconds from the start of an iteration to its end, think time included. */
  duration: LatencySummary
}

/** Where the first answer with a status of 300 to 399 pointed to. */
export interface RedirectTarget {
  /** Its `Location`, as sent. */
  location: string
  /** The status of that answer. */
  status: number
  /** All answers with a status of 300 to 399 and a `Location`. */
  count: number
}

/** The percentile spectrum for plots: `[percentile 0 to 1, milliseconds]`, ascending. */
export type LatencySpectrum = [percentile: number, milliseconds: number][]

/** A histogram of response times as plain JSON: the buckets in use and the exact figures. */
export interface EncodedHistogram {
  /** Alternating: distance from the bucket before, count. */
  buckets: number[]
  /** Values counted. */
  count: number
  /** `null` (as in JSON) where nothing was counted, also below. */
  min: number | null
  /** `null` where nothing was counted. */
  max: number | null
  /** The arithmetic mean. */
  mean: number
  /** Sum of squared distances from the mean. */
  spread: number
}

/**
 * What a load measured. Plain JSON: figures without data are `NaN`, in JSON `null`. Times are milliseconds of the load process's
 * monotonic clock, sizes bytes, rates per second of `duration`. Counts are exact: they agree with the server's own record.
 */
export interface LoadResult {
  /** As given in the options. */
  title?: string
  /** The URL of the load (its first request), without name and password. */
  url: string
  /** Unix time in milliseconds at which the measured part began. */
  startedAt: number
  /** Milliseconds in which requests were sent. The answers that an open model waits for at its end come after it. */
  duration: number
  /** Answered requests, whatever their status. */
  requests: number
  /** `requests` / `duration`: the rate served, not the rate asked for. */
  requestsPerSecond: number
  /** Response times of all answers. */
  latency: LatencySummary
  /** The percentile curve for plots: about ten points for each halving of the share that is slower. */
  latencySpectrum: LatencySpectrum
  /** What `mergeLatency` needs to join results; absent while a load runs. */
  latencyHistogram?: EncodedHistogram
  /** Bytes of answers as they came over the connections, heads included; TLS is not counted. */
  throughput: { bytes: number; bytesPerSecond: number }
  /** Answers by status. A status that no answer had is absent; a threshold on it reads 0. */
  statusCodes: Record<string, number>
  /** All errors, counted one by one. */
  errors: LoadErrors
  /** `errors.total` divided by all attempts (answers, and attempts without one), 0 to 1. Dropped arrivals are no attempts. `NaN` without attempts. */
  errorRate: number
  /**
   * Figures by the `name` of a request, else its method and path as written (`GET /orders`). At most 1 000 names; requests of
   * further names count as `other`, and `remarks` says so.
   */
  byName: Record<string, NameResult>
  /** By the name of the check: of the request it belongs to, or as given to `user.check`. At most 1 000 names. */
  checks: Record<string, CheckResult>
  /** Only of a load with a scenario. */
  iterations?: IterationResult
  /** Where redirects led; those of `requests` are not followed. Absent if no answer was a redirect with a `Location`. */
  redirectedTo?: RedirectTarget
  /** Arrivals of the open model that were never sent: they waited for a free connection longer than `timeout`, or to the end. */
  dropped: number
  /** Requests that were under way when the load ended: neither answered nor failed. */
  unanswered: number
  /** A row per `progressInterval`; longer rows in loads that would have more than 3 600. */
  samples: LoadSample[]
  /** By stage; a request belongs to the stage in which it was due, or sent. */
  stages?: LoadStageResult[]
  /**
   * Collections forced upon the server while it was measured (a memory watch does that): how many, their milliseconds in total, and
   * how many requests were under way in one. Their latencies are in the figures, and are longer than the server alone would have
   * made them.
   */
  collections?: { count: number; time: number; requestsHit: number }
  /** Sentences for people: what was cut from this result, and what its latencies cannot be trusted for. */
  remarks?: string[]
  /** Whether the load was ended before its time, also by `stop()`. */
  aborted: boolean
  /** Whether the generator, not the server, was the limit; `generator.reason` says why. */
  saturated: boolean
  /** What the load process itself spent. If several loads run in it at once, of all of them. */
  generator: {
    /** Its event-loop utilisation, 0 to 1. */
    eventLoopUtilization: number
    /** CPU milliseconds per request. */
    cpuPerRequest: number
    /** How late it looked at its arrivals (open model), in milliseconds at the 99th percentile. */
    lateness?: number
    /** Why `saturated` is true. */
    reason?: string
  }
  /** Why the server was slow, where the load was profiled (option `profile`). With `profile: true` the other figures are those of a profiled server. */
  profile?: LoadProfile
}

/** A `LoadResult` of all so far, with how far the load is and what its last interval saw. */
export interface LoadProgress extends LoadResult {
  /** 0 to 1. */
  progress: number
  /** What the last interval saw. Latencies in milliseconds. */
  interval: { requestsPerSecond: number; latency: { p50: number; p99: number }; errors: number }
}
