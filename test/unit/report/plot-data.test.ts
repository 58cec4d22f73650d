import { describe, expect, test } from 'vitest'
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
    expect(thin.seconds.at(-1)).toBe(3_600)
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
      ]),
    ])
    const [one, two] = summary.loads.map((load) => loadPlots(load, summary))
    expect(one?.latencyBounds).toEqual([{ value: 50, label: 'p99 < 50 ms', passed: false }])
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
