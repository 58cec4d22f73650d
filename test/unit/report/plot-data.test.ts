import { describe, expect, test } from 'vitest'
import { explainFailure } from '../../../src/report/failure.ts'
import { loadPlots, memoryPlot } from '../../../src/report/plot-data.ts'
import { summarizeTest } from '../../../src/report/summary.ts'
import { groups, loadSeries } from '../../../src/report/thinning.ts'
import { loadArtifact, loadResult, memoryArtifact, memoryResult, testRecord, thresholdArtifact } from './samples.ts'

function summaryOf(artifacts: readonly unknown[]) {
  const summary = summarizeTest(testRecord({ artifacts }))
  if (!summary) throw new Error('no summary')
  return summary
}

describe('thinning', () => {
  test('groups neighbours, all of them, in at most as many groups as asked for', () => {
    const values = Array.from({ length: 1_003 }, (_, index) => index)
    const grouped = groups(values, 100)
    expect(grouped.length).toBeLessThanOrEqual(100)
    expect(grouped.flat()).toEqual(values)
    expect(groups([1, 2], 100)).toEqual([[1], [2]])
    expect(groups([], 100)).toEqual([])
  })

  test('keeps the worst latency and every error', () => {
    const { samples } = loadResult({}, { seconds: 3_600, slowAt: 1_234 })
    const thin = loadSeries(samples, 200)
    expect(thin.seconds.length).toBeLessThanOrEqual(200)
    // In the middle of the last group, which is 18 s long.
    expect(thin.seconds.at(-1)).toBe(3_591)
    expect(Math.max(...thin.p99.map((value) => value ?? 0))).toBeCloseTo(12.1 * 3 * 8, 1)
    expect(thin.errors).toEqual({ timeout: expect.any(Array), reset: expect.any(Array) })
    expect(thin.errors['timeout']?.reduce((a, b) => a + b)).toBe(9)
    const requests = samples.reduce((sum, sample) => sum + sample.requests, 0)
    const average = thin.rate.reduce<number>((sum, rate) => sum + (rate ?? 0), 0) / thin.rate.length
    expect(average).toBeCloseTo(requests / 3_600, 0)
  })

  test('leaves a gap where nothing was measured', () => {
    const [first, second] = loadResult().samples
    const empty = { ...first!, latency: { p50: Number.NaN, p95: Number.NaN, p99: Number.NaN, max: Number.NaN } }
    expect(loadSeries([empty, second!], 10).p99[0]).toBeNull()
  })
})

describe('the plots of a load', () => {
  test('have the spectrum on the scale of nines, up to the maximum', () => {
    const summary = summaryOf([loadArtifact()])
    const { spectrum } = loadPlots(summary.loads[0]!, summary)
    expect(spectrum.map(([at]) => at)).toEqual(spectrum.map(([at]) => at).toSorted((a, b) => a - b))
    expect(spectrum[0]?.[0]).toBe(1)
    expect(spectrum.find(([at]) => at === 100)?.[1]).toBeGreaterThan(0)
    expect(spectrum.at(-1)?.[0]).toBeGreaterThanOrEqual(summary.loads[0]!.result.requests!)
    expect(spectrum.at(-1)?.[1]).toBeCloseTo(summary.loads[0]!.result.latency.max!, 2)
  })

  test('have the thresholds of that load and of no other', () => {
    const summary = summaryOf([
      loadArtifact(),
      loadArtifact({ id: 'load-2' }),
      thresholdArtifact([
        { metric: 'latency.p99', expression: '<50', value: 84, passed: false },
        { metric: 'requestsPerSecond', expression: '>=1000', value: 1_200, passed: true },
        { metric: 'errorRate', expression: '<0.1', value: 0, passed: true },
        { metric: 'latency.p50', expression: 'not <5', value: 12, passed: true },
      ]),
    ])
    const [one, two] = summary.loads.map((load) => loadPlots(load, summary))
    expect(one?.latencyBounds).toEqual([
      { value: 50, label: 'p99 < 50 ms', passed: false },
      { value: 5, label: 'p50 not < 5 ms', passed: true },
    ])
    expect(one?.rateBounds).toEqual([{ value: 1_000, label: 'requestsPerSecond >= 1,000/s', passed: true }])
    expect(two?.latencyBounds).toEqual([])
  })

  test('of a load without an answer are empty and no error', () => {
    const result = loadResult({ requests: 0, samples: [], latencySpectrum: [] })
    result.latency = { ...result.latency, max: Number.NaN }
    const summary = summaryOf([loadArtifact({}, result)])
    expect(loadPlots(summary.loads[0]!, summary)).toMatchObject({ spectrum: [], series: { seconds: [] } })
  })
})

describe('the plot of a memory watch', () => {
  test('has one axis for samples, floors and trend', () => {
    const summary = summaryOf([memoryArtifact({}, memoryResult('leak'))])
    const plot = memoryPlot(summary.memory[0]!)
    for (const column of [plot.heap, plot.rss, plot.floor, plot.trend]) expect(column).toHaveLength(plot.seconds.length)
    const floors = plot.floor.filter((value) => value !== null)
    expect(floors).toHaveLength(10)
    const trend = plot.trend.filter((value) => value !== null)
    expect(trend[0]).toBeCloseTo(floors[0]!, -4)
    expect(trend.at(-1)).toBeCloseTo(floors.at(-1)!, -4)
  })

  test('without floors has no trend', () => {
    const summary = summaryOf([memoryArtifact({}, { ...memoryResult(), floors: [] })])
    expect(memoryPlot(summary.memory[0]!).trend.every((value) => value === null)).toBe(true)
  })

  test('thins an hour and keeps its peak', () => {
    const result = memoryResult('stable', 3_600)
    const peak = result.samples[4_321] as { heapUsed: number }
    peak.heapUsed = 500 * 1024 * 1024
    const plot = memoryPlot(summaryOf([memoryArtifact({}, result)]).memory[0]!)
    expect(plot.seconds.length).toBeLessThanOrEqual(320)
    expect(plot.heap).toContain(524_290_000)
  })
})

describe("the watch's own pauses", () => {
  const STARTED_AT = loadResult().startedAt
  const watch = (pauses: { kind: 'collection' | 'snapshot'; at: number; duration: number }[]) => {
    const result = memoryResult('stable')
    const records = pauses.map(({ kind, at, duration }) => ({ kind, startedAt: STARTED_AT + at, duration }))
    return memoryArtifact({}, { ...result, collections: { count: pauses.length, time: 0, pauses: records } })
  }
  const pauses = [
    { kind: 'collection' as const, at: 4_500, duration: 45 },
    { kind: 'snapshot' as const, at: 9_000, duration: 400 },
    { kind: 'collection' as const, at: 10_500, duration: 45 },
  ]

  test('are marks on the plots of a load that ran meanwhile', () => {
    const summary = summarizeTest(testRecord({ artifacts: [loadArtifact(), watch(pauses)] }))
    const [load] = summary?.loads ?? []
    if (!summary || !load) throw new Error('no load')
    expect(loadPlots(load, summary).marks).toEqual([
      { from: 4.5, to: 4.545, label: 'collection' },
      { from: 9, to: 9.4, label: 'snapshot' },
    ])
  })

  test('stand in the line of the slowest interval', () => {
    const slow = loadArtifact({}, loadResult({}, { slowAt: 4 }))
    const told = (artifacts: object[]) => {
      const summary = summarizeTest(testRecord({ state: 'failed', artifacts }))
      return summary && explainFailure(summary)?.details.find((line) => line.startsWith('slowest interval'))
    }
    expect(told([slow, watch(pauses)])).toMatch(/; 1 forced collection in it, up to 45\.0 ms$/)
    expect(told([slow])).toMatch(/\(typical p99 [\d.]+ ms\)$/)
  })
})

test('each name of a load has a series of its own', () => {
  const row = (at: number, p50: number) => ({
    at,
    duration: 500,
    requests: 50,
    errors: 0,
    latency: { p50, p95: 2 * p50 },
  })
  const base = loadResult()
  const figures = (requests: number, samples: ReturnType<typeof row>[]) => ({
    requests,
    requestsPerSecond: requests / 10,
    latency: base.latency,
    statusCodes: {},
    errors: base.errors,
    errorRate: 0,
    samples,
  })
  const byName = { 'GET /b': figures(10, [row(500, 3)]), 'GET /a': figures(90, [row(500, 1), row(1_000, 2)]) }
  const summary = summarizeTest(testRecord({ artifacts: [loadArtifact({}, loadResult({ byName }))] }))
  const [load] = summary?.loads ?? []
  if (!summary || !load) throw new Error('no load')
  const { names, end } = loadPlots(load, summary)
  expect(end).toBe(10)
  expect(names.map(({ name }) => name)).toEqual(['GET /a', 'GET /b'])
  expect(names[0]?.series).toEqual({
    seconds: [0.25, 0.75],
    rate: [100, 100],
    p50: [1, 2],
    p95: [2, 4],
    errors: [0, 0],
  })
})
