import { describe, expect, it } from 'vitest'
import { Measurement } from '../../../../src/load/measure/measurement.ts'
import type { RowlessProgress } from '../../../../src/load/messages.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import { dividePlan } from '../../../../src/load/plan/share.ts'
import { mergeProgress, mergeRows, type MergeableRow } from '../../../../src/load/spec/merged-progress.ts'
import { RowJoiner } from '../../../../src/load/spec/row-joiner.ts'
import { LatencyHistogram } from '../../../../src/results/latency-histogram.ts'

const options = {
  url: 'http://127.0.0.1:3000/',
  requests: [
    { name: 'one', path: '/1', check: { body: { contains: 'x' } } },
    { name: 'two', path: '/2', expectStatus: 201 },
  ],
  stages: [
    { duration: 600, rate: 100 },
    { duration: 400, rate: 100 },
  ],
  progressInterval: 200,
}

/** 1 000 requests of a repeatable course, each given to the measurement that `of` names. */
function feed(of: (k: number) => Measurement): void {
  for (let k = 0; k < 1_000; k += 1) {
    const measurement = of(k)
    const now = k + 100
    const since = now - (1 + ((k * 7_919) % 97) + k / 1_000)
    measurement.begin()
    if (k % 50 === 49) measurement.drop(since)
    else if (k % 40 === 39) measurement.failure('timeout', 'no answer in 10 s', since, now, k % 2)
    else {
      const body = k % 30 === 0 ? 'y' : 'x'
      const answer = { headers: {}, text: () => body, body: Buffer.from(body) }
      measurement.answer(k % 2, k % 20 === 5 || k % 20 === 8 ? 503 : 200, since, now, answer as never)
    }
    measurement.recorder.addBytes(10)
  }
}

function shown(progress: RowlessProgress) {
  const { generator: _g, startedAt: _s, histograms: _h, ...figures } = progress
  return figures
}

describe('what several processes measured', () => {
  it.for([2, 3, 5])('merges to what one would have: %i processes', (processes) => {
    const plan = resolveLoadOptions({ ...options, processes: 1 }, { env: {} })
    const whole = new Measurement({ ...plan, share: { first: 0, step: 1 } }, 1_000)
    const parts = dividePlan(plan, processes).map((own) => new Measurement(own, 1_000))
    feed(() => whole)
    feed((k) => parts[k % processes] as Measurement)
    const state = { connections: 1 }
    const expected = { ...whole.interval(1_100, state, undefined, 1_100).progress, ...whole.finalParts(1_100) }
    const merged = mergeProgress(
      parts.map((part) => ({ ...part.interval(1_100, state, undefined, 1_100).progress, ...part.finalParts(1_100) })),
      true,
    )
    for (const name of Object.values(expected.byName)) delete name.samples
    // Sums of floating numbers in another order.
    const close = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value, (_, item: unknown) => (typeof item === 'number' ? Number(item.toPrecision(10)) : item)),
      )
    expect(close(shown(merged))).toEqual(close(shown(expected)))
    expect(merged.requests).toBeGreaterThan(900)
    expect(merged.errors.byKind).toMatchObject({ timeout: { message: 'no answer in 10 s' }, status: {}, mismatch: {} })
    expect(merged.stages?.map(({ requests }) => requests).reduce((a, b) => a + b)).toBe(merged.requests)
  })

  it('names the process that was the limit', () => {
    const plan = resolveLoadOptions({ url: options.url }, { env: {} })
    const [one, other] = dividePlan(plan, 2).map((own) => new Measurement(own, 1_000)) as [Measurement, Measurement]
    other.noteOwnLimit('EMFILE')
    const merged = mergeProgress([one.soFar(10), other.soFar(10)], false)
    expect(merged.saturated).toBe(true)
    expect(merged.generator.reason).toMatch(/^in load process 2 of 2, .*EMFILE/)
  })
})

function row(at: number, duration: number, latencies: number[], connections = 1): MergeableRow {
  const histogram = new LatencyHistogram()
  for (const latency of latencies) histogram.record(latency)
  const [p50, p95, p99] = histogram.percentiles([0.5, 0.95, 0.99]) as [number, number, number]
  const { length: requests } = latencies
  const figures = { requests, requestsPerSecond: 0, errors: 1, errorsByKind: { timeout: 1 }, dropped: 2, bytes: 10 }
  return {
    row: { at, duration, ...figures, latency: { p50, p95, p99, max: histogram.max }, connections, rate: 5, backlog: 1 },
    latency: histogram.encode(),
  }
}

describe('rows', () => {
  it('are merged exactly', () => {
    const merged = mergeRows([[row(100, 100, [1, 2, 3], 4)], [row(101, 101, [10], 6)]], 0)
    expect(merged).toMatchObject({ at: 101, duration: 101, requests: 4, errors: 2, errorsByKind: { timeout: 2 } })
    expect(merged).toMatchObject({ dropped: 4, bytes: 20, connections: 10, rate: 10, backlog: 2 })
    expect(merged.requestsPerSecond).toBeCloseTo(4_000 / 101, 10)
    expect(merged.latency.max).toBe(10)
    expect(merged.latency.p50).toBeCloseTo(2, 2)
  })

  it('stand together by their time, also where a busy process made one of two', () => {
    const joiner = new RowJoiner(2, 100)
    expect(joiner.add(0, [row(100, 100, [1])])).toEqual([])
    expect(joiner.add(0, [row(201, 101, [1])])).toEqual([])
    const [joined, ...more] = joiner.add(1, [row(205, 205, [1, 1])])
    expect(more).toEqual([])
    expect(joined?.row).toMatchObject({ at: 205, duration: 205, requests: 4, connections: 2 })
    expect(joiner.add(1, [row(300, 95, [1])])).toEqual([])
    expect(joiner.add(0, [row(303, 102, [1])])).toMatchObject([{ row: { at: 303, duration: 98, requests: 2 } }])
  })

  it('wait for each process, however short the load is', () => {
    const joiner = new RowJoiner(2, 1_000)
    expect(joiner.add(0, [row(80, 80, [1])])).toEqual([])
    expect(joiner.end(0)).toEqual([])
    expect(joiner.add(1, [row(81, 81, [1])])).toMatchObject([{ row: { at: 81, duration: 81, requests: 2 } }])
  })

  it('do not wait for a process that has ended', () => {
    const joiner = new RowJoiner(3, 100)
    joiner.add(0, [row(100, 100, [1])])
    joiner.add(1, [row(100, 100, [1])])
    expect(joiner.end(2)).toMatchObject([{ row: { at: 100, requests: 2 } }])
    joiner.add(0, [row(200, 100, [1])])
    expect(joiner.end(1)).toMatchObject([{ row: { at: 200, duration: 100, requests: 1, connections: 1 } }])
    expect(joiner.add(0, [row(240, 40, [1])])).toMatchObject([{ row: { at: 240, duration: 40 } }])
  })
})
