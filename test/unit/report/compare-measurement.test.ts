import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { concludeBlocks } from '../../../src/compare/comparison-result.ts'
import type { BlockMetrics } from '../../../src/compare/block-values.ts'
import { SHORT } from '../../../src/compare/statistics/looks.ts'
import { CAPACITY_MEASUREMENT } from '../../../src/report/capacity-measurement.ts'
import { COMPARE_MEASUREMENT } from '../../../src/report/compare-measurement.ts'
import type { Capacity } from '../../../src/results/capacity.ts'
import type { Comparison } from '../../../src/results/comparison.ts'

const Ajv = createRequire(import.meta.url)('ajv') as typeof import('ajv').default
const schema = JSON.parse(readFileSync('schema/report-v2.schema.json', 'utf8')) as { $defs: object }

function validate(part: string, entry: unknown) {
  const check = new Ajv({ strict: false, allErrors: true }).compile({ $ref: `#/$defs/${part}`, $defs: schema.$defs })
  check(entry)
  return check.errors ?? []
}

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

function comparison(changes: number[], title = 'orders'): Comparison {
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

const SLOWER = [0.064, 0.07, 0.06, 0.075, 0.058, 0.066]
const entryOf = (of: Comparison) =>
  COMPARE_MEASUREMENT.entry(
    { type: 'perf:compare', id: 'a', attempt: 0, outcome: 'completed', title: of.title ?? '', comparison: of },
    'test',
  )

describe('a comparison in reports', () => {
  test('reads like a review comment', () => {
    const entry = entryOf(comparison(SLOWER))
    expect(COMPARE_MEASUREMENT.row(entry).map(({ text }) => text)).toEqual([
      'orders',
      'slower',
      '+6.8 %',
      '0 %',
      '0 %',
      '6',
    ])
    const [sentence, sides] = COMPARE_MEASUREMENT.notes?.(entry) ?? []
    expect(sentence).toMatch(
      /^head needs 6\.8 % more CPU per request \(\d(\.\d)? % to \d+(\.\d)? %\); the tolerance of 5 % is not kept\.$/,
    )
    expect(sides).toBe('base: origin/main (1f2e3d4c); head: node server.js (9a8b7c6d, uncommitted changes); 24.0 s')
    expect(COMPARE_MEASUREMENT.cause?.(entry, 'Expected head not to be slower than base; it is:')).toBe(sentence)
    expect(COMPARE_MEASUREMENT.cause?.(entry, 'expected 1 to be 2')).toBeUndefined()
  })

  test('draws every metric with its interval, tolerance and blocks, and nothing of a name is HTML', () => {
    const html = COMPARE_MEASUREMENT.page?.(entryOf(comparison(SLOWER, '<b>orders'))) ?? ''
    expect(html).toContain('&lt;b&gt;orders')
    expect(html.match(/class="block"/g)).toHaveLength(5 * 6)
    expect(html.match(/class="tolerance"/g)).toHaveLength(2)
    expect(html).toContain('interval slower')
    expect(html).not.toContain('NaN')
  })

  test('is what the schema says, also before the first pair', () => {
    expect(validate('compare', entryOf(comparison(SLOWER)))).toEqual([])
    expect(validate('compare', entryOf(comparison([])))).toEqual([])
    expect(COMPARE_MEASUREMENT.page?.(entryOf(comparison([])))).toBe('')
  })
})

test('a capacity is what the schema says, and marks the knee', () => {
  const step = (rate: number, holds: boolean, p99: number) => ({
    rate,
    holds,
    attempt: 1,
    saturated: false,
    thresholds: [],
    result: { latency: { p99 }, errorRate: holds ? 0 : 0.02 } as never,
  })
  const capacity: Capacity = {
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
  const entry = CAPACITY_MEASUREMENT.entry(
    { type: 'perf:capacity', id: 'a', attempt: 0, outcome: 'completed', title: 'orders', capacity },
    'test',
  )
  expect(validate('capacity', entry)).toEqual([])
  expect(CAPACITY_MEASUREMENT.row(entry).map(({ text }) => text)).toEqual([
    'orders',
    '400/s',
    '800/s',
    'a threshold',
    '3',
  ])
  const html = CAPACITY_MEASUREMENT.page?.(entry) ?? ''
  expect(html).toContain('class="knee"')
  expect(html.match(/<circle class="held"/g)).toHaveLength(2)
  expect(html).toContain('2.00%')
})
