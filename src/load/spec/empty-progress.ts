import { LatencyHistogram } from '../../results/latency-histogram.ts'
import type { LoadProgress } from '../../results/load-result.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { Clock } from '../../lifecycle/clock.ts'

/** What is known of a load before anything was measured. */
export function emptyProgress({ title, url }: LoadPlan, clock: Clock): LoadProgress {
  return {
    ...(title === undefined ? {} : { title }),
    url,
    startedAt: Math.round(clock.origin + clock.now()),
    duration: 0,
    requests: 0,
    requestsPerSecond: 0,
    latency: new LatencyHistogram().summary(),
    latencySpectrum: [],
    throughput: { bytes: 0, bytesPerSecond: 0 },
    statusCodes: {},
    errors: { total: 0, timeouts: 0, non2xx: 0, byKind: {} },
    errorRate: Number.NaN,
    byName: {},
    checks: {},
    dropped: 0,
    unanswered: 0,
    samples: [],
    aborted: false,
    saturated: false,
    generator: { eventLoopUtilization: Number.NaN, cpuPerRequest: Number.NaN },
    progress: 0,
    interval: { requestsPerSecond: 0, latency: { p50: Number.NaN, p99: Number.NaN }, errors: 0 },
  }
}
