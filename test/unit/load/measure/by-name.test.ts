import { describe, expect, it } from 'vitest'
import { Measurement } from '../../../../src/load/measure/measurement.ts'
import { NameCounts } from '../../../../src/load/measure/name-counts.ts'
import { MOST_NAMES } from '../../../../src/load/measure/name-table.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import type { LoadOptions } from '../../../../src/load/plan/load-options.ts'
import { mergeLatency } from '../../../../src/results/merged-latency.ts'

function measure(options: LoadOptions): Measurement {
  return new Measurement(resolveLoadOptions({ url: 'http://127.0.0.1:1/orders', ...options }, { env: {} }), 0)
}

/** The result of a measurement that ends at `elapsed`. */
function resultOf(measurement: Measurement, elapsed: number) {
  const { progress } = measurement.interval(elapsed, { connections: 1 }, undefined, elapsed)
  return { ...progress, ...measurement.finalParts(elapsed) }
}

describe('figures by name', () => {
  it('of a load with one name are those of the load', () => {
    const measurement = measure({})
    measurement.answer(0, 200, 0, 4)
    measurement.answer(0, 503, 4, 12)
    measurement.failure('refused', 'nobody listens', 12, 20, 0)
    const { byName, ...result } = resultOf(measurement, 1_000)
    expect(byName).toEqual({
      'GET /orders': {
        requests: 2,
        requestsPerSecond: 2,
        latency: result.latency,
        latencyHistogram: result.latencyHistogram,
        statusCodes: { 200: 1, 503: 1 },
        errors: result.errors,
        errorRate: 2 / 3,
      },
    })
    expect(result.errors).toMatchObject({ total: 2, byKind: { status: { count: 1 }, refused: { count: 1 } } })
  })

  it('keep requests apart by name, method and path as written', () => {
    const measurement = measure({
      requests: [
        { name: 'list' },
        { path: '/a b?c=ä#d' },
        { path: '/a', method: 'post' },
        { name: 'list', path: '/x' },
      ],
    })
    measurement.answer(0, 200, 0, 10)
    measurement.answer(3, 200, 0, 30)
    measurement.answer(1, 404, 0, 1)
    measurement.failure('timeout', 'no answer', 0, 5, 1)
    const result = resultOf(measurement, 2_000)
    expect(Object.keys(result.byName)).toEqual(['list', 'GET /a b?c=ä#d', 'POST /a'])
    expect(result.byName.list).toMatchObject({
      requests: 2,
      requestsPerSecond: 1,
      latency: { min: 10, average: 20, max: 30 },
      statusCodes: { 200: 2 },
      errors: { total: 0 },
      errorRate: 0,
    })
    expect(result.byName['GET /a b?c=ä#d']).toMatchObject({
      requests: 1,
      errors: { total: 2, timeouts: 1, non2xx: 1, byKind: { status: { count: 1 }, timeout: { count: 1, lastAt: 5 } } },
      errorRate: 1,
    })
    expect(result.byName['POST /a']).toMatchObject({ requests: 0, errorRate: NaN, latency: { p95: NaN } })
    expect(result.errors.total).toBe(2)
    const { average, ...percentiles } = result.latency
    expect(mergeLatency(Object.values(result.byName))).toEqual({ ...percentiles, average: expect.closeTo(average) })
  })

  it('have a row an interval, of the first names', () => {
    const measurement = measure({ requests: [{ name: 'a' }, { name: 'b' }], duration: 300 })
    measurement.answer(0, 200, 0, 7)
    measurement.interval(100, { connections: 1 })
    measurement.answer(1, 200, 100, 103)
    measurement.failure('reset', 'x', 100, 150, 1)
    const { byName } = resultOf(measurement, 200)
    expect(byName.a?.samples).toMatchObject([
      { at: 100, duration: 100, requests: 1, errors: 0, latency: { p50: 7, p95: 7 } },
      { at: 200, duration: 100, requests: 0, latency: { p50: NaN } },
    ])
    expect(byName.b?.samples).toMatchObject([{ requests: 0 }, { requests: 1, errors: 1, latency: { p95: 3 } }])
  })

  it('are counted as `other` after a thousand names, and a remark says so', () => {
    const requests = Array.from({ length: MOST_NAMES + 5 }, (_, id) => ({ path: `/items/${id}` }))
    const measurement = measure({ requests })
    for (const index of requests.keys()) measurement.answer(index, 200, 0, 1)
    const result = resultOf(measurement, 1_000)
    expect(Object.keys(result.byName)).toHaveLength(MOST_NAMES + 1)
    expect(result.byName.other).toMatchObject({ requests: 5 })
    expect(result.remarks).toEqual([expect.stringContaining("{ name: 'GET /items/:id' }")])
    expect(Object.values(result.byName).filter(({ samples }) => samples)).toHaveLength(20)
  })

  it('have rows that grow longer with a load of unknown length', () => {
    const counts = new NameCounts({ rows: true, planned: undefined })
    for (let at = 1; at <= 3_000; at += 1) {
      counts.answer(200, 1)
      counts.endInterval(at * 1_000, at === 3_000)
    }
    const { samples = [] } = counts.finalResult(3_000_000)
    expect(samples.length).toBeLessThan(1_300)
    expect(samples.at(-1)).toMatchObject({ at: 3_000_000, duration: 4_000, requests: 4 })
  })
})
