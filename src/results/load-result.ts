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

/**
 * What went wrong, in kinds: `refused`, `reset` (also requests lost when a connection closed), `dns`, `tls`, `timeout`,
 * `protocol` (an answer that is not HTTP), `mismatch` (a status that `expectStatus` does not allow), `status` (400 and
 * above where no `expectStatus` is set) and `other`.
 */
export type LoadErrorKind =
  | 'refused'
  | 'reset'
  | 'dns'
  | 'tls'
  | 'timeout'
  | 'protocol'
  | 'mismatch'
  | 'status'
  | 'other'

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
  /** `location` of the first redirect (3xx): nothing follows it. */
  redirectedTo?: string
  errors: LoadErrors
  /** Failed attempts divided by all attempts, 0 to 1; dropped arrivals are no attempts. `NaN` without attempts. */
  errorRate: number
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
}

/** A `LoadResult` of all so far, with how far the load is and what its last interval saw. */
export interface LoadProgress extends LoadResult {
  /** 0 to 1. */
  progress: number
  interval: { requestsPerSecond: number; latency: { p50: number; p99: number }; errors: number }
}
