import { expect, it } from 'vitest'
import { LatencyHistogram } from '../../../../src/results/latency-histogram.ts'
import type { RowlessProgress } from '../../../../src/load/messages.ts'
import { LocustStats } from '../../../../src/load/worker/locust-stats.ts'

const NOW = 1_800_000_010_500

/** The progress of a load process that has recorded these latencies, and so many time-outs. */
function progressOf(latencies: readonly number[], timeouts: number): RowlessProgress {
  const histogram = new LatencyHistogram()
  for (const latency of latencies) histogram.record(latency)
  const counted = {
    requests: latencies.length,
    errors: {
      total: timeouts,
      byKind: timeouts > 0 ? { timeout: { count: timeouts, message: 'no answer in 10 s' } } : {},
    },
    errorRate: timeouts / (latencies.length + timeouts),
    latencyHistogram: histogram.encode(),
  }
  return {
    ...counted,
    startedAt: 1_800_000_000_000,
    throughput: { bytes: latencies.length * 100 },
    byName: { 'GET /orders': counted },
  } as unknown as RowlessProgress
}

it('reports what has come since the report before, as Locust counts it', () => {
  const stats = new LocustStats()
  const first = stats.report(progressOf([4.4, 4.4, 147], 0), NOW)
  expect(first.stats).toMatchObject([{ method: 'GET', name: '/orders', num_requests: 3, num_failures: 0 }])
  expect(first.stats_total).toMatchObject({
    num_requests: 3,
    num_none_requests: 0,
    min_response_time: 4.4,
    max_response_time: 147,
    response_times: { 4: 2, 150: 1 },
    num_reqs_per_sec: { 1800000010: 3 },
    total_content_length: 300,
    start_time: 1_800_000_000,
  })
  expect(first.stats_total.total_response_time).toBeCloseTo(155.8)
  const second = stats.report(progressOf([4.4, 4.4, 147, 2_345, 4.4], 2), NOW + 1_000)
  expect(second.stats_total).toMatchObject({
    num_requests: 4,
    // A request without an answer has no time.
    num_none_requests: 2,
    num_failures: 2,
    response_times: { 4: 1, 2300: 1 },
    num_fail_per_sec: { 1800000011: 2 },
    total_content_length: 200,
  })
  expect(second.errors).toEqual({
    timeout: { name: 'timeout', method: '', error: 'no answer in 10 s', occurrences: 2 },
  })
})

it('adds up to the whole, and reports nothing twice', () => {
  const stats = new LocustStats()
  const reports = [[5], [5, 6], [5, 6], [5, 6, 700]].map((latencies) => stats.report(progressOf(latencies, 1), NOW))
  const sum = (of: (report: (typeof reports)[number]) => number) => reports.reduce((total, one) => total + of(one), 0)
  expect(sum(({ stats_total }) => stats_total.num_requests)).toBe(4)
  expect(sum(({ stats_total }) => stats_total.num_failures)).toBe(1)
  expect(sum(({ stats_total }) => stats_total.total_response_time)).toBeCloseTo(711)
  expect(reports[2]?.stats_total).toMatchObject({ num_requests: 0, response_times: {}, num_reqs_per_sec: {} })
})

it('has no times before the first answer', () => {
  const { stats_total } = new LocustStats().report(progressOf([], 0), NOW)
  expect(stats_total).toMatchObject({
    num_requests: 0,
    min_response_time: null,
    max_response_time: 0,
    total_response_time: 0,
  })
})
