import { describe, expect, test } from 'vitest'
import { CapacityRun } from '../../../../src/load/spec/capacity-run.ts'
import { loadResult } from '../../report/samples.ts'
import type { Capacity } from '../../../../src/results/capacity.ts'
import type { CapacityOptions } from '../../../../src/load/plan/capacity-options.ts'
import type { Script } from '../scripted-wire.ts'
import { URL_UNDER_LOAD as url, VirtualWorker } from '../virtual-worker.ts'

/** Serves one request at a time, in 10 ms: at most 100 a second, and what comes faster queues. */
function oneAtATime(): Script {
  let free = 0
  return {
    serve: ({ line, at }) => {
      free = Math.max(free, at) + 10
      line.answer(free - at)
    },
  }
}

const thresholds = { 'latency.p99': '<150' } as const

function search(worker: VirtualWorker, options: CapacityOptions): Promise<Capacity> {
  return worker.until(worker.generator().findCapacity(options), 40_000)
}

describe('findCapacity', () => {
  test('finds the rate at which a queue begins to grow', async () => {
    const worker = new VirtualWorker(oneAtATime())
    const capacity = await search(worker, { url, thresholds, from: 10, precision: '20%', duration: 15_000 })
    expect(capacity).toMatchObject({ limitedBy: 'threshold', precise: true, aborted: false })
    // A few more than it serves hold for as long as a step takes.
    expect(capacity.rate).toBeGreaterThanOrEqual(85)
    expect(capacity.rate).toBeLessThanOrEqual(120)
    const fails = capacity.interval[1] as number
    expect(fails).toBeGreaterThan(100)
    expect((fails - capacity.rate) / capacity.rate).toBeLessThanOrEqual(0.2)
    expect(capacity.duration).toBeLessThan(17_000)
    const failed = capacity.steps.filter((step) => !step.holds)
    expect(failed.slice(0, 2)).toMatchObject([{ attempt: 1 }, { attempt: 2, rate: failed[0]?.rate }])
    expect(failed[0]?.reason).toMatch(/latency\.p99 was|of the arrivals were answered in time/)
    expect(capacity.steps.every(({ result }) => result.requests > 0 && !('samples' in result))).toBe(true)
    expect(capacity.reason).toMatch(/^It holds \d/)
    // Each step has connections of its own.
    expect(worker.wire.openLines).toBe(0)
    expect(worker.clock.pending).toBe(0)
  })

  test('tells its steps apart, so that no two get the same from `user.unique()`', async () => {
    const rounds: (string | undefined)[] = []
    const { clock } = new VirtualWorker(oneAtATime())
    const run = new CapacityRun(
      { url, thresholds, from: 10, to: 40, duration: 60_000 },
      {},
      async ({ rate }, context) => {
        rounds.push(context.round)
        clock.advance(10)
        return loadResult({ requestsPerSecond: rate ?? 0 })
      },
    )
    expect((await run.run(() => {})).steps.length).toBeGreaterThanOrEqual(3)
    expect(rounds).not.toContain(undefined)
    expect(new Set(rounds).size).toBe(rounds.length)
  })

  test('says so where `to` is the limit', async () => {
    const worker = new VirtualWorker(oneAtATime())
    const capacity = await search(worker, { url, thresholds, from: 5, to: 10, duration: 10_000 })
    expect(capacity).toMatchObject({ limitedBy: 'to', rate: 10, interval: [10, null], precise: true })
    expect(capacity.reason).toContain('the highest rate asked for')
  })

  test('takes a slow answer for no missing one', async () => {
    // Answers any number at a time, each after 700 ms: as long as a step.
    const worker = new VirtualWorker({ serve: ({ line }) => line.answer(700) })
    const slow = { url, thresholds: { 'latency.p99': '<1000' }, from: 7, to: 100, duration: 12_000 } as const
    expect(await search(worker, slow)).toMatchObject({ limitedBy: 'to', rate: 100 })
  })

  test('an abort rejects with the steps so far, and stop() resolves with them', async () => {
    const worker = new VirtualWorker(oneAtATime())
    const controller = new AbortController()
    const options = { url, thresholds, from: 5, duration: 12_000 } as const
    const aborted = worker.generator().findCapacity({ ...options, signal: controller.signal })
    aborted.catch(() => {})
    await worker.pass(1_500)
    controller.abort(new Error('enough'))
    await expect(worker.until(aborted)).rejects.toMatchObject({
      name: 'AbortError',
      partial: { aborted: true, limitedBy: 'threshold', steps: [{ rate: 5 }] },
    })
    const generator = worker.generator()
    const stopped = generator.findCapacity(options)
    await worker.pass(1_500)
    void generator.stop()
    expect(await worker.until(stopped)).toMatchObject({ aborted: true, precise: false, steps: [{ rate: 5 }] })
  })

  test('reports every mistake at once, before the first request', async () => {
    const wrong = { url, from: 0, to: -1, precision: '0.1%', rate: 5, duration: 5, thresholds: { 'latency.p98': '<5' } }
    const worker = new VirtualWorker({})
    const error = (await worker
      .generator()
      .findCapacity(wrong as never)
      .catch((reason: unknown) => reason)) as Error
    for (const name of ['from', 'to', 'precision', 'rate', 'duration', 'latency.p98'])
      expect(error.message).toContain(name)
    expect(worker.children).toEqual([])
  })
})
