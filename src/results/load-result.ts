import type { LoadProfile } from './profile-result.ts'

/** Response times in milliseconds, with fractions. Every figure is `NaN` (in JSON: `null`) where nothing was measured. */
export interface LatencySummary {
  min: number
  average: number
  stddev: number
  p50: number
  p75: number
  p90: number
  p95: number
  p99: number
  p999: number
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
 * What went wrong: `refused`, `reset` (also requests lost when a connection closed), `dns`, `tls`, `timeout`, `protocol` (an
 * answer that is not HTTP), `mismatch` (a status that `expectStatus` does not allow), `status` (400 and above where no
 * `expectStatus` is set), `check` (an answer that fails its request's `check`, or a failed `user.check`), `scenario` (an
 * iteration that threw) and `other`.
 */
export type LoadErrorKind = (typeof LOAD_ERROR_KINDS)[number]

export interface LoadErrorCount {
  count: number
  /** The first message of this kind. */
  message: string
  /** Milliseconds from the start of the load to the first and the last of this kind. */
  firstAt: number
  lastAt: number
}

export interface LoadErrors {
  /** All failed attempts: the sum of `byKind`. */
  total: number
  timeouts: number
  /** Responses with a status outside 200 to 299, whether expected or not. */
  non2xx: number
  byKind: Partial<Record<LoadErrorKind, LoadErrorCount>>
}

/** One row of the time series, a row per `progressInterval`. */
export interface LoadSample {
  /** Milliseconds from the start of the measured load to the end of this interval. */
  at: number
  /** Length of the interval in milliseconds. */
  duration: number
  requests: number
  requestsPerSecond: number
  latency: { p50: number; p95: number; p99: number; max: number }
  errors: number
  errorsByKind?: Partial<Record<LoadErrorKind, number>>
  dropped: number
  bytes: number
  /** Connections open, and arrivals due per second (open model), at the end of the interval. */
  connections: number
  rate?: number
  /** Arrivals that were due and not yet sent at the end of the interval (open model). */
  backlog?: number
}

export interface LoadStageResult {
  /** Milliseconds from the start of the load. */
  startedAt: number
  duration: number
  connections?: number
  rate?: number
  requests: number
  requestsPerSecond: number
  latency: LatencySummary
  errors: number
  dropped: number
}

/** One row of the time series of one name. */
export interface NameSample {
  /** Milliseconds from the start of the measured load to the end of this row. */
  at: number
  /** Length of the row in milliseconds. */
  duration: number
  requests: number
  errors: number
  /** Milliseconds. `NaN` (in JSON `null`) where nothing was answered. */
  latency: { p50: number; p95: number }
}

/** The figures of all requests of one name. They mean what those of `LoadResult` mean. */
export interface NameResult {
  /** Answered requests, whatever their status. */
  requests: number
  requestsPerSecond: number
  latency: LatencySummary
  /** What `mergeLatency` needs to join results; absent while a load runs. */
  latencyHistogram?: EncodedHistogram
  statusCodes: Record<string, number>
  errors: LoadErrors
  /** Failed attempts divided by all attempts, 0 to 1. `NaN` without attempts. */
  errorRate: number
  /** Messages received, and messages per second: only of Server-sent events and WebSockets. */
  messages?: number
  messagesPerSecond?: number
  /**
   * Rows of the first 20 names, about 300 each at the most. Absent while a load runs, and where the load has one name: its rows
   * are the `samples` of the load.
   */
  samples?: NameSample[]
}

/** What became of one check. */
export interface CheckResult {
  passed: number
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
  count: number
  /** `null` (as in JSON) where nothing was counted, also below. */
  min: number | null
  max: number | null
  mean: number
  /** Sum of squared distances from the mean. */
  spread: number
}

/** What a load measured. Plain JSON (figures without data are `NaN`, in JSON `null`). */
export interface LoadResult {
  title?: string
  /** The URL (of the first request) that was driven. */
  url: string
  /** Unix time in milliseconds at which the measured part began. */
  startedAt: number
  /** Milliseconds that the measured part took. */
  duration: number
  /** Answered requests, whatever their status. */
  requests: number
  requestsPerSecond: number
  latency: LatencySummary
  latencySpectrum: LatencySpectrum
  /** What `mergeLatency` needs to join results; absent while a load runs. */
  latencyHistogram?: EncodedHistogram
  throughput: { bytes: number; bytesPerSecond: number }
  statusCodes: Record<string, number>
  errors: LoadErrors
  /** Failed attempts divided by all attempts, 0 to 1; dropped arrivals are no attempts. `NaN` without attempts. */
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
  /** Where redirects led, which a load does not follow. Absent if no answer was one with a `Location`. */
  redirectedTo?: RedirectTarget
  /** Arrivals that found no free connection (open model). */
  dropped: number
  /** Requests that were under way when the load ended: neither answered nor failed. */
  unanswered: number
  samples: LoadSample[]
  stages?: LoadStageResult[]
  /**
   * Collections forced upon the server while it was measured (a memory watch does that), and how many requests were under way
   * in one: their latencies are in the figures, and are longer than the server alone would have made them.
   */
  collections?: { count: number; time: number; requestsHit: number }
  /** Sentences for people: what was cut from this result, and what its latencies cannot be trusted for. */
  remarks?: string[]
  /** Whether the load was ended before its time, also by `stop()`. */
  aborted: boolean
  /** Whether the generator, not the server, was the limit; `generator` says why. */
  saturated: boolean
  /** What the load process itself spent. */
  generator: {
    /** Its event-loop utilisation, 0 to 1. */
    eventLoopUtilization: number
    /** CPU milliseconds per request. */
    cpuPerRequest: number
    /** How late it looked at its arrivals (open model), in milliseconds at the 99th percentile. */
    lateness?: number
    reason?: string
  }
  /** Why the server was slow, where the load was profiled (option `profile`). With `profile: true` the other figures are those of a profiled server. */
  profile?: LoadProfile
}

/** A `LoadResult` of all so far, with how far the load is and what its last interval saw. */
export interface LoadProgress extends LoadResult {
  /** 0 to 1. */
  progress: number
  interval: { requestsPerSecond: number; latency: { p50: number; p99: number }; errors: number }
}
