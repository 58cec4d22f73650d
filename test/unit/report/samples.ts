import type { LoadResult, LoadSample } from '../../../src/results/load-result.ts'
import type { MemoryResult } from '../../../src/results/memory-result.ts'
import type {
  PerfLoadArtifact,
  PerfMemoryArtifact,
  PerfProgressArtifact,
  PerfServerArtifact,
  PerfThresholdArtifact,
} from '../../../src/vitest/artifacts.ts'
import type { TestRecord } from '../../../src/report/summary.ts'

// Artifacts as real runs record them, of a service that is slow for one second in the middle of the run.

const STARTED_AT = Date.UTC(2026, 0, 5, 10, 0, 0)
const PERCENTILES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1]

function loadSample(index: number, p50: number, slow: boolean): LoadSample {
  const factor = slow ? 8 : 1 + (index % 3) * 0.05
  return {
    at: (index + 1) * 1_000,
    duration: 1_000,
    requests: Math.round(1_234 / factor),
    requestsPerSecond: 1_234 / factor,
    latency: { p50: p50 * factor, p95: p50 * 2 * factor, p99: p50 * 3 * factor, max: p50 * 5 * factor },
    errors: slow ? 12 : 0,
    ...(slow ? { errorsByKind: { timeout: 9, reset: 3 } } : {}),
    dropped: 0,
    bytes: 240_000,
    connections: 10,
  }
}

export function loadResult(
  overrides: Partial<LoadResult> = {},
  { slowAt = -1, p50 = 12.1, seconds = 10 } = {},
): LoadResult {
  const samples = Array.from({ length: seconds }, (_, index) => loadSample(index, p50, index === slowAt))
  const slow = slowAt >= 0
  const p99 = slow ? p50 * 7 : p50 * 3
  return {
    url: 'http://127.0.0.1:4001/orders',
    startedAt: STARTED_AT,
    duration: seconds * 1_000,
    requests: samples.reduce((sum, sample) => sum + sample.requests, 0),
    requestsPerSecond: 1_214.3,
    latency: {
      min: p50 / 2,
      average: p50 * 1.2,
      stddev: 4.2,
      p50,
      p75: p50 * 1.3,
      p90: p50 * 1.7,
      p95: p50 * 2,
      p99,
      p999: p99 * 1.4,
      max: p99 * 1.7,
    },
    latencySpectrum: PERCENTILES.map((at, index) => [at, at < 0.9 ? p50 * (0.5 + at) : p99 * (index / 8.2)]),
    throughput: { bytes: 240_000 * seconds, bytesPerSecond: 240_000 },
    statusCodes: { 200: 12_000, ...(slow ? { 503: 5 } : {}) },
    errors: slow
      ? {
          total: 12,
          timeouts: 9,
          non2xx: 0,
          byKind: {
            timeout: { count: 9, message: 'no answer within 10 000 ms', firstAt: 4_100, lastAt: 4_950 },
            reset: { count: 3, message: 'read ECONNRESET', firstAt: 4_200, lastAt: 4_900 },
          },
        }
      : { total: 0, timeouts: 0, non2xx: 0, byKind: {} },
    errorRate: slow ? 0.001 : 0,
    byName: {},
    checks: {},
    dropped: 0,
    unanswered: 0,
    samples,
    aborted: false,
    saturated: false,
    generator: { eventLoopUtilization: 0.41, cpuPerRequest: 0.03 },
    ...overrides,
  }
}

export function loadArtifact(
  overrides: Partial<PerfLoadArtifact> = {},
  result: LoadResult = loadResult({ title: 'GET /orders' }),
): PerfLoadArtifact {
  return {
    type: 'perf:load',
    id: 'load-1',
    attempt: 0,
    outcome: 'completed',
    plan: { connections: 10, duration: 10_000, method: 'GET' },
    result,
    ...overrides,
  }
}

const MB = 1024 * 1024

export function memoryResult(verdict: 'leak' | 'stable' | 'inconclusive' = 'stable', seconds = 10): MemoryResult {
  const slope = verdict === 'leak' ? 2 * MB : 0
  const at = (second: number) => ({
    timestamp: STARTED_AT + second * 1_000,
    heapUsed: 20 * MB + slope * second + (second % 2) * 3 * MB,
    heapTotal: 48 * MB,
    external: 2 * MB,
    arrayBuffers: 0.2 * MB,
    rss: 90 * MB + slope * second,
  })
  const samples = Array.from({ length: seconds * 2 }, (_, index) => at(index / 2))
  return {
    kind: 'node',
    startedAt: STARTED_AT,
    duration: seconds * 1_000,
    samples,
    floors: Array.from({ length: 10 }, (_, index) => ({
      timestamp: STARTED_AT + index * 1_000,
      requests: index * 1_200,
      bytes: 22 * MB + slope * index,
    })),
    baseline: at(0),
    peak: { ...at(seconds), heapUsed: 25 * MB + slope * seconds },
    final: at(seconds),
    growth: { bytes: slope * seconds, bytesPerSecond: slope, interval: [slope * 0.9, slope * 1.1] },
    leak: {
      verdict,
      metric: 'heapUsed',
      bytesPerSecond: slope,
      ...(verdict === 'leak' ? { bytesPerRequest: 1_740 } : {}),
      pValue: verdict === 'leak' ? 0.0001 : 0.44,
      reason:
        verdict === 'leak'
          ? 'memory left after collections grew by 1.70 KB a request and was still growing at the end'
          : verdict === 'stable'
            ? 'memory left after collections did not grow'
            : 'only 320 requests: 700 more would decide',
      ...(verdict === 'leak'
        ? {
            suspects: [{ function: 'remember', location: 'src/cart.ts:12', bytes: 18 * MB, share: 0.71 }],
            constructors: [{ name: 'CartLine', count: 61_440, bytes: 9 * MB }],
          }
        : {}),
    },
    aborted: false,
    eventLoopDelay: { p50: 1.1, p99: 12.2, max: 30 },
    gc: { count: 14, time: 61 },
  }
}

export function memoryArtifact(
  overrides: Partial<PerfMemoryArtifact> = {},
  result: MemoryResult = memoryResult(),
): PerfMemoryArtifact {
  return {
    type: 'perf:memory',
    id: 'memory-1',
    attempt: 0,
    outcome: 'completed',
    target: 'server',
    result,
    ...overrides,
  }
}

export function serverArtifact(overrides: Partial<PerfServerArtifact> = {}): PerfServerArtifact {
  return {
    type: 'perf:server',
    id: 'server-1',
    attempt: 0,
    event: 'ready',
    source: 'node server.js',
    url: 'http://127.0.0.1:4001',
    pid: 4321,
    ...(overrides.event === undefined && { readyAfter: 312.4 }),
    ...overrides,
  }
}

export function thresholdArtifact(
  outcomes: PerfThresholdArtifact['outcomes'],
  overrides: Partial<PerfThresholdArtifact> = {},
): PerfThresholdArtifact {
  return { type: 'perf:threshold', id: 'threshold-1', attempt: 0, measurement: 'load-1', outcomes, ...overrides }
}

export function progressArtifact(overrides: Partial<PerfProgressArtifact> = {}): PerfProgressArtifact {
  return {
    type: 'perf:progress',
    id: 'load-1',
    attempt: 0,
    kind: 'load',
    title: 'GET /orders',
    progress: 0.62,
    elapsed: 6_200,
    planned: 10_000,
    requestsPerSecond: 1_234.4,
    p50: 12.1,
    p99: 48.24,
    errors: 3,
    memory: memoryResult().baseline,
    ...overrides,
  }
}

export function testRecord(overrides: Partial<TestRecord> = {}): TestRecord {
  return {
    project: '',
    file: 'specs/orders.perf.ts',
    path: ['orders', 'GET /orders holds its SLO'],
    location: { line: 7, column: 3 },
    state: 'passed',
    duration: 11_234,
    retries: 0,
    errors: [],
    artifacts: [],
    ...overrides,
  }
}

const P99 = 'latency.p99'

/** A run as a team might see it: one that holds, one that misses its SLO, one that leaks, one that lost its server. */
export function exampleRecords(): TestRecord[] {
  const slow = loadResult({ title: 'GET /orders' }, { slowAt: 4 })
  return [
    testRecord({
      path: ['orders', 'GET /orders/:id holds its SLO'],
      artifacts: [
        serverArtifact(),
        loadArtifact({}, loadResult({ title: 'GET /orders/:id' }, { p50: 4.2 })),
        thresholdArtifact([
          { metric: P99, expression: '<50', value: 12.6, passed: true },
          { metric: 'requestsPerSecond', expression: '>1000', value: 1_214.3, passed: true },
        ]),
        memoryArtifact(),
        serverArtifact({ event: 'stopped' }),
      ],
    }),
    testRecord({
      state: 'failed',
      errors: [{ name: 'AssertionError', message: 'expected "GET /orders" to meet 2 thresholds' }],
      artifacts: [
        serverArtifact(),
        loadArtifact({}, slow),
        thresholdArtifact([
          { metric: P99, expression: '<50', value: slow.latency.p99, passed: false },
          { metric: 'errorRate', expression: '<0.01', value: 0.001, passed: true },
        ]),
        serverArtifact({ event: 'stopped', output: 'listening on 4001\npool exhausted, 40 waiting\n' }),
      ],
    }),
    testRecord({
      file: 'specs/checkout.perf.ts',
      path: ['checkout does not leak'],
      state: 'failed',
      errors: [{ name: 'AssertionError', message: 'expected memory of the server not to leak' }],
      artifacts: [serverArtifact(), loadArtifact(), memoryArtifact({}, memoryResult('leak'))],
    }),
    testRecord({
      file: 'specs/crash.perf.ts',
      path: ['survives a burst'],
      state: 'failed',
      errors: [{ name: 'ServerExitedError', message: 'The server `node server.js` exited with code 1' }],
      artifacts: [
        serverArtifact(),
        serverArtifact({
          event: 'exited',
          exitCode: 1,
          output: 'listening on 4001\nError: out of handles\n    at serve (server.js:20:9)\n',
        }),
        loadArtifact({ outcome: 'aborted' }, loadResult({ title: 'burst', aborted: true }, { seconds: 3 })),
      ],
    }),
  ]
}

/** A load of virtual users: two names, one of them a stream with rows of its own, two checks, iterations, a mix. */
export function scenarioArtifact(overrides: Partial<LoadResult> = {}): PerfLoadArtifact {
  const { errors, latency } = loadResult()
  const failedCheck: LoadResult['errors'] = {
    ...errors,
    total: 12,
    byKind: { check: { count: 12, message: 'check "has items" failed', firstAt: 1_200, lastAt: 8_800 } },
  }
  const histogram = { buckets: [120, 8_990, 40, 10], count: 9_000, min: 6, max: 61.7, mean: 14.5, spread: 158_760 }
  const result = loadResult({
    requests: 9_300,
    requestsPerSecond: 930,
    statusCodes: { 200: 9_288 },
    errors: failedCheck,
    errorRate: 0.00129,
    latencyHistogram: histogram,
    byName: {
      'GET /events': {
        requests: 300,
        requestsPerSecond: 30,
        latency: { ...latency, p50: 31, p95: 62, p99: 93 },
        latencyHistogram: { ...histogram, count: 300 },
        statusCodes: { 200: 300 },
        errors,
        errorRate: 0,
        messages: 4_500,
        messagesPerSecond: 450,
        samples: [
          { at: 5_000, duration: 5_000, requests: 160, errors: 0, latency: { p50: 30, p95: 60 } },
          { at: 10_000, duration: 5_000, requests: 140, errors: 0, latency: { p50: 32, p95: 64 } },
        ],
      },
      'GET /items/:id': {
        requests: 9_000,
        requestsPerSecond: 900,
        latency,
        statusCodes: { 200: 8_988 },
        errors: failedCheck,
        errorRate: 0.00133,
      },
    },
    checks: {
      'has items': { passed: 8_988, failed: 12, rate: 0.99867, firstFailure: 'expected 3 items, got 0' },
      'is JSON': { passed: 9_000, failed: 0, rate: 1 },
    },
    iterations: { count: 4_800, perSecond: 480, failed: 2, duration: { ...latency, p50: 41, p95: 85 } },
    ...overrides,
  })
  return loadArtifact(
    {
      plan: {
        method: 'GET',
        url: result.url,
        scenario: './load/shop.scenario.ts',
        mix: { browse: 9, buy: 1 },
        virtualUsers: 50,
        rate: 500,
        duration: 10_000,
      },
    },
    result,
  )
}

export function scenarioRecord(overrides: Partial<LoadResult> = {}): TestRecord {
  return testRecord({
    file: 'specs/shop.perf.ts',
    path: ['the shop serves its users'],
    artifacts: [serverArtifact(), scenarioArtifact(overrides)],
  })
}
