import { LOAD_ERROR_KINDS, type LatencySummary, type LoadErrors, type LoadProgress } from './load-result.ts'
import type { LoadProfile } from './profile-result.ts'
import type { NodeMemoryResult, NodeMemorySnapshot } from './memory-result.ts'

// Which figures a result can have: what thresholds are checked against before a load starts.

/**
 * What a figure is where a result does not hold it. A `count` of what did not happen is 0; a `measure` has no data. A `text` cannot
 * stand in a threshold: it is not a number, or nothing that should be judged.
 */
export type Leaf = 'count' | 'measure' | 'text'

/**
 * The elements of a list (`row`: by index; `label`: also by the text of its `what`), or the values of a record by `status` or by
 * `name`.
 */
export interface Each {
  readonly each: 'row' | 'label' | 'status' | 'name'
  readonly of: Shape
}

export type Shape = Leaf | Each | { readonly [field: string]: Shape }

/** The shape that a result type must have: a new field does not compile until it is listed here. */
type ShapeOf<T> = [T] extends [number | null | undefined]
  ? 'count' | 'measure'
  : [T] extends [string | boolean | undefined]
    ? 'text'
    : NonNullable<T> extends readonly (infer E)[]
      ? { each: 'row' | 'label'; of: ShapeOf<E> } | 'text'
      : string extends keyof NonNullable<T>
        ? { each: 'status' | 'name'; of: ShapeOf<NonNullable<T>[string]> }
        : { [Field in keyof NonNullable<T>]-?: ShapeOf<NonNullable<T>[Field]> } | 'text'

const LATENCY = {
  min: 'measure',
  average: 'measure',
  stddev: 'measure',
  p50: 'measure',
  p75: 'measure',
  p90: 'measure',
  p95: 'measure',
  p99: 'measure',
  p999: 'measure',
  max: 'measure',
} as const satisfies ShapeOf<LatencySummary>

function byErrorKind<Of>(of: Of): Record<(typeof LOAD_ERROR_KINDS)[number], Of> {
  return Object.fromEntries(LOAD_ERROR_KINDS.map((kind) => [kind, of])) as never
}

const ERRORS = {
  total: 'count',
  timeouts: 'count',
  non2xx: 'count',
  byKind: byErrorKind({ count: 'count', message: 'text', firstAt: 'measure', lastAt: 'measure' } as const),
} as const satisfies ShapeOf<LoadErrors>

const STATUS_CODES = { each: 'status', of: 'count' } as const

const OF_LOADS = {
  title: 'text',
  url: 'text',
  startedAt: 'measure',
  duration: 'measure',
  requests: 'count',
  requestsPerSecond: 'measure',
  latency: LATENCY,
  latencySpectrum: 'text',
  latencyHistogram: 'text',
  throughput: { bytes: 'count', bytesPerSecond: 'measure' },
  statusCodes: STATUS_CODES,
  errors: ERRORS,
  errorRate: 'measure',
  byName: {
    each: 'name',
    of: {
      requests: 'count',
      requestsPerSecond: 'measure',
      latency: LATENCY,
      latencyHistogram: 'text',
      statusCodes: STATUS_CODES,
      errors: ERRORS,
      errorRate: 'measure',
      messages: 'count',
      messagesPerSecond: 'measure',
      samples: {
        each: 'row',
        of: {
          at: 'measure',
          duration: 'measure',
          requests: 'count',
          errors: 'count',
          latency: { p50: 'measure', p95: 'measure' },
        },
      },
    },
  },
  checks: { each: 'name', of: { passed: 'count', failed: 'count', rate: 'measure', firstFailure: 'text' } },
  iterations: { count: 'count', perSecond: 'measure', failed: 'count', duration: LATENCY },
  redirectedTo: { location: 'text', status: 'measure', count: 'count' },
  dropped: 'count',
  unanswered: 'count',
  samples: {
    each: 'row',
    of: {
      at: 'measure',
      duration: 'measure',
      requests: 'count',
      requestsPerSecond: 'measure',
      latency: { p50: 'measure', p95: 'measure', p99: 'measure', max: 'measure' },
      errors: 'count',
      errorsByKind: byErrorKind('count' as const),
      dropped: 'count',
      bytes: 'count',
      connections: 'measure',
      rate: 'measure',
      backlog: 'count',
    },
  },
  stages: {
    each: 'row',
    of: {
      startedAt: 'measure',
      duration: 'measure',
      connections: 'measure',
      rate: 'measure',
      requests: 'count',
      requestsPerSecond: 'measure',
      latency: LATENCY,
      errors: 'count',
      dropped: 'count',
    },
  },
  collections: { count: 'count', time: 'count', requestsHit: 'count' },
  remarks: 'text',
  aborted: 'text',
  saturated: 'text',
  generator: { eventLoopUtilization: 'measure', cpuPerRequest: 'measure', lateness: 'measure', reason: 'text' },
  progress: 'measure',
  interval: { requestsPerSecond: 'measure', latency: { p50: 'measure', p99: 'measure' }, errors: 'count' },
} as const satisfies ShapeOf<Omit<LoadProgress, 'profile'>>

const PROFILE = {
  repeated: 'text',
  duration: 'measure',
  requests: 'count',
  isolates: {
    each: 'row',
    of: {
      pid: 'measure',
      threadId: 'measure',
      eventLoopUtilization: 'measure',
      serving: 'measure',
      cpu: { user: 'measure', idle: 'measure', gc: 'measure' },
      processor: { running: 'measure', waiting: 'measure', slowdown: 'measure' },
      hot: 'text',
      flame: 'text',
      garbage: { function: 'text', location: 'text', share: 'measure' },
      blocked: { duration: 'measure', stack: 'text' },
      duration: 'measure',
    },
  },
  waits: {
    each: 'label',
    of: {
      what: 'text',
      kind: 'text',
      count: 'count',
      perRequest: 'count',
      time: 'count',
      share: 'count',
      p50: 'measure',
      p99: 'measure',
      failed: 'count',
      location: 'text',
    },
  },
  files: 'text',
  summary: 'text',
} as const satisfies ShapeOf<LoadProfile>

export const PROFILE_FIGURES = PROFILE satisfies Shape

/** `waits` is short for `profile.waits`. */
export const LOAD_FIGURES = { ...OF_LOADS, profile: PROFILE, waits: PROFILE.waits } as const satisfies Shape

const SNAPSHOT = {
  timestamp: 'measure',
  heapUsed: 'measure',
  heapTotal: 'measure',
  external: 'measure',
  arrayBuffers: 'measure',
  rss: 'measure',
} as const satisfies ShapeOf<NodeMemorySnapshot>

export const MEMORY_FIGURES = {
  kind: 'text',
  title: 'text',
  startedAt: 'measure',
  duration: 'measure',
  samples: { each: 'row', of: { ...SNAPSHOT, eventLoopDelay: 'measure', gcTime: 'measure', stale: 'text' } },
  floors: {
    each: 'row',
    of: {
      timestamp: 'measure',
      requests: 'measure',
      bytes: 'measure',
      heapData: 'measure',
      external: 'measure',
      arrayBuffers: 'measure',
      segment: 'measure',
    },
  },
  baseline: SNAPSHOT,
  peak: SNAPSHOT,
  final: SNAPSHOT,
  growth: { bytes: 'measure', bytesPerSecond: 'measure', interval: { each: 'row', of: 'measure' } },
  leak: {
    verdict: 'text',
    metric: 'text',
    bytesPerSecond: 'measure',
    bytesPerRequest: 'measure',
    interval: { each: 'row', of: 'measure' },
    pValue: 'measure',
    reason: 'text',
    suspects: { each: 'row', of: { function: 'text', location: 'text', bytes: 'measure', share: 'measure' } },
    constructors: { each: 'row', of: { name: 'text', count: 'measure', bytes: 'measure' } },
  },
  collections: {
    count: 'count',
    time: 'count',
    pauses: { each: 'row', of: { kind: 'text', startedAt: 'measure', duration: 'measure' } },
  },
  strict: 'text',
  aborted: 'text',
  eventLoopDelay: { p50: 'measure', p99: 'measure', max: 'measure' },
  gc: { count: 'count', time: 'count' },
} as const satisfies ShapeOf<NodeMemoryResult> & Shape

/** Parts that not every result has: without them none of their figures has data, counts neither. */
export const OPTIONAL_PARTS: readonly string[] = ['iterations', 'stages', 'profile', 'waits', 'gc', 'eventLoopDelay']

/** Names of figures in other tools. */
export const ALIASES: Readonly<Record<string, string>> = {
  rps: 'requestsPerSecond',
  qps: 'requestsPerSecond',
  tps: 'requestsPerSecond',
  reqs: 'requests',
  http_reqs: 'requests',
  http_req_failed: 'errorRate',
  failRate: 'errorRate',
  avg: 'average',
  mean: 'average',
  med: 'p50',
  median: 'p50',
  stdev: 'stddev',
  maximum: 'max',
  minimum: 'min',
}

/** Figures of a `Capacity`. */
export const CAPACITY_FIGURES = {
  rate: 'measure',
  interval: { each: 'row', of: 'measure' },
  duration: 'measure',
} as const satisfies Shape
