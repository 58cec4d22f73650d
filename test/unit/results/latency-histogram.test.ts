import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '../../../src/results/latency-histogram.ts'
import { mergeLatency } from '../../../src/results/merged-latency.ts'

/** The same numbers on every run. */
function* random(seed: number): Generator<number, never> {
  let state = seed
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

function logNormal(count: number, seed = 1): number[] {
  const uniform = random(seed)
  return Array.from({ length: count }, () => {
    const [a, b] = [uniform.next().value, uniform.next().value]
    return Math.exp(Math.sqrt(-2 * Math.log(a || 1e-9)) * Math.cos(2 * Math.PI * b) * 1.5)
  })
}

function filled(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram()
  for (const value of values) histogram.record(value)
  return histogram
}

describe('LatencyHistogram', () => {
  it('has percentiles within 0.1 % of the value of that rank', () => {
    const values = logNormal(50_000)
    const sorted = values.toSorted((a, b) => a - b)
    const histogram = filled(values)
    for (const ratio of [0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999]) {
      const exact = sorted[Math.ceil(ratio * values.length) - 1] as number
      expect(Math.abs(histogram.percentile(ratio) / exact - 1)).toBeLessThan(0.001)
    }
  })

  it.for([0.001, 0.0137, 0.5, 1, 7.77, 1_234.5, 65_000, 3_600_000])('is true to 0.1 %% at %d ms', (value) => {
    const histogram = filled([value / 2, value, value * 2])
    expect(Math.abs(histogram.percentile(0.5) / value - 1)).toBeLessThan(0.001)
  })

  it('has exact min, max, average and standard deviation', () => {
    const values = logNormal(10_000, 7)
    const average = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length
    const summary = filled(values).summary()
    expect(summary.min).toBe(Math.min(...values))
    expect(summary.max).toBe(Math.max(...values))
    expect(summary.average).toBeCloseTo(average, 9)
    expect(summary.stddev).toBeCloseTo(Math.sqrt(variance), 9)
  })

  it('keeps its standard deviation where sums of squares cancel', () => {
    const { stddev } = filled(Array.from({ length: 1_000 }, (_, index) => 1e6 + (index % 2))).summary()
    expect(stddev).toBeCloseTo(0.5, 6)
  })

  it('merges as if all had been recorded in one, also through JSON', () => {
    const [one, other] = [logNormal(3_000, 2), logNormal(500, 3).map((value) => value * 50)]
    const merged = filled(one)
    merged.merge(LatencyHistogram.decode(JSON.parse(JSON.stringify(filled(other).encode()))))
    const whole = filled([...one, ...other])
    const { average, stddev, ...exact } = whole.summary()
    expect(merged.summary()).toMatchObject(exact)
    expect(merged.summary().average).toBeCloseTo(average, 9)
    expect(merged.summary().stddev).toBeCloseTo(stddev, 9)
    expect(merged.count).toBe(3_500)
    merged.merge(new LatencyHistogram())
    expect(merged.count).toBe(3_500)
    expect(LatencyHistogram.decode(JSON.parse(JSON.stringify(new LatencyHistogram().encode()))).count).toBe(0)
  })

  it('joins the latency of several results', () => {
    const [one, other] = [logNormal(1_000, 4), logNormal(100, 5)]
    const results = [one, other, []].map((values) => ({ latencyHistogram: filled(values).encode() }))
    const { average, stddev, ...exact } = filled([...one, ...other]).summary()
    const joined = mergeLatency(JSON.parse(JSON.stringify(results)))
    expect(joined).toMatchObject(exact)
    expect(joined.average).toBeCloseTo(average, 9)
    expect(joined.stddev).toBeCloseTo(stddev, 9)
    expect(() => mergeLatency([{}])).toThrow(/latencyHistogram/)
  })

  it('has NaN without data, and after a reset', () => {
    const histogram = filled([1, 2, 3])
    histogram.reset()
    expect(Object.values(histogram.summary())).toEqual(Array.from({ length: 10 }, () => Number.NaN))
    expect(histogram.spectrum()).toEqual([])
    histogram.record(5)
    expect(histogram.summary()).toMatchObject({ min: 5, p50: 5, p999: 5, max: 5, stddev: 0 })
  })

  it('does not lose what is out of its range', () => {
    const histogram = filled([-1, 0, 1e-9, 1e12])
    expect(histogram.summary()).toMatchObject({ min: 0, max: 1e12 })
    expect(histogram.percentile(1)).toBe(1e12)
    expect(histogram.count).toBe(4)
  })

  it('has a spectrum that ascends from min to max and is fine at the top', () => {
    const histogram = filled(logNormal(100_000))
    const spectrum = histogram.spectrum()
    expect(spectrum.length).toBeGreaterThan(70)
    expect(spectrum.length).toBeLessThan(115)
    expect(spectrum[0]).toEqual([0, histogram.summary().min])
    expect(spectrum.at(-1)).toEqual([1, histogram.max])
    for (const [index, [ratio, value]] of spectrum.slice(1).entries()) {
      const [ratioBefore, valueBefore] = spectrum[index] as [number, number]
      expect(ratio).toBeGreaterThan(ratioBefore)
      expect(value).toBeGreaterThanOrEqual(valueBefore)
    }
    expect(spectrum.filter(([ratio]) => ratio > 0.99).length).toBeGreaterThan(20)
  })
})
