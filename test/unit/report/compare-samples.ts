import { concludeBlocks } from '../../../src/compare/comparison-result.ts'
import type { BlockMetrics } from '../../../src/compare/block-values.ts'
import { SHORT } from '../../../src/compare/statistics/looks.ts'
import type { Capacity } from '../../../src/results/capacity.ts'
import type { Comparison } from '../../../src/results/comparison.ts'

function block(change: number): BlockMetrics {
  const metric = { change, base: 1, head: Math.exp(change) }
  const flat = { change: 0.001 * change, base: 2, head: 2 }
  return {
    cpuPerRequest: metric,
    timePerRequest: metric,
    'latency.p50': flat,
    'latency.p90': flat,
    'latency.p99': flat,
  }
}

/** Changes of CPU, by block, of a head that is slower. */
export const SLOWER = [0.064, 0.07, 0.06, 0.075, 0.058, 0.066]

/** A comparison whose blocks saw these changes. */
export function comparisonOf(changes: number[], title = 'orders'): Comparison {
  const tolerances = { cpuPerRequest: 0.05, 'latency.p50': 0.05 }
  return {
    title,
    url: 'GET /orders',
    startedAt: 0,
    ...concludeBlocks({ blocks: changes.map(block), tolerances, looks: SHORT }, 4_000),
    discarded: 0,
    duration: 24_000,
    requests: 9_000,
    base: { source: 'node server.js', ref: 'origin/main', commit: '1f2e3d4c5b6a' },
    head: { source: 'node server.js', commit: '9a8b7c6d5e4f', dirty: true },
    cpu: 'process-tree',
    notes: [],
    aborted: false,
  }
}

/** A capacity of 400/s: the step at 800/s failed. */
export function capacityOf(title?: string): Capacity {
  const step = (rate: number, holds: boolean, p99: number) => ({
    rate,
    holds,
    attempt: 1,
    saturated: false,
    thresholds: [],
    result: { latency: { p99 }, errorRate: holds ? 0 : 0.02 } as never,
  })
  return {
    ...(title === undefined ? {} : { title }),
    url: 'http://127.0.0.1/',
    startedAt: 0,
    duration: 10_000,
    rate: 400,
    interval: [400, 800],
    limitedBy: 'threshold',
    precise: true,
    reason: 'It holds 400/s and not 800/s: there latency.p99 was 300 (<100).',
    steps: [step(200, true, 5), step(400, true, 20), step(800, false, 300)],
    aborted: false,
  }
}
