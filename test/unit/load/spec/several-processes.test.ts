import { describe, expect, it } from 'vitest'
import type { LoadProgress, LoadResult } from '../../../../src/results/load-result.ts'
import { mergeLatency } from '../../../../src/results/merged-latency.ts'
import { codedError, type ScriptedRequest } from '../scripted-wire.ts'
import { answersAfter } from '../virtual-load.ts'
import { VirtualWorker } from '../virtual-worker.ts'
import { rejection } from '../../rejection.ts'

// What each process counts, and how that is merged, is tested beside this file.

describe('several processes', () => {
  it.for([
    { amount: 1_001, connections: 5, processes: 3 },
    { amount: 2, connections: 5, processes: 3 },
    { rate: 200, duration: 1_000, processes: 2, warmup: { duration: 200 } },
    { rate: 1_000, amount: 301, processes: 2 },
    {
      stages: [
        { duration: 500, rate: 200 },
        { duration: 500, rate: 0 },
      ],
      processes: 2,
    },
  ])('send exactly what was asked for: %o', async (options) => {
    const worker = new VirtualWorker(answersAfter(10))
    const result = await worker.run(options)
    const expected = options.amount ?? (options.stages ? 100 : 200)
    expect(result).toMatchObject({ requests: expected, dropped: 0, unanswered: 0, errors: { total: 0 } })
    expect(worker.wire.requests).toHaveLength(expected + (options.warmup ? 40 : 0))
    expect(worker.children).toHaveLength(Math.min(options.processes, expected))
    const { p50, p99, max } = mergeLatency([result])
    expect([p50, p99, max]).toEqual([result.latency.p50, result.latency.p99, result.latency.max])
    expect(result.samples.reduce((sum, row) => sum + row.requests, 0)).toBe(result.requests)
    expect(result.byName['GET /']?.requests).toBe(result.requests)
    expect(worker.clock.pending).toBe(0)
  })

  it.for([{ processes: 1 }, { processes: 'auto', connections: 1 }] as const)(
    'cost nothing where one is enough: %o runs as a load that says nothing',
    async (options) => {
      const sent = await Promise.all(
        [{}, options].map(async (own) => {
          const worker = new VirtualWorker(answersAfter(10))
          await worker.run({ amount: 20, connections: 1, ...own })
          return worker.children.map((child) =>
            child.sent.map((message) => {
              const { id: _, ...rest } = message
              return 'plan' in rest ? { ...rest, plan: { ...rest.plan, processes: 1 } } : rest
            }),
          )
        }),
      )
      expect(sent[0]).toHaveLength(1)
      expect(sent[1]).toEqual(sent[0])
    },
  )

  it('begin together, and their arrivals are evenly spaced', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    await worker.run({ rate: 100, amount: 50, processes: 2, connections: 4 })
    const times = worker.wire.requests.map(({ at }) => at - (worker.wire.requests[0]?.at ?? 0))
    for (const [index, time] of times.entries()) expect(time).toBeCloseTo(index * 10, 3)
  })

  it('deal a list out as one', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const requests = Array.from({ length: 7 }, (_, index) => ({ path: `/?${index}`, name: String(index) }))
    const { byName } = await worker.run({ requests, amount: 70, connections: 4, processes: 2 })
    expect(Object.values(byName).map((name) => name.requests)).toEqual(requests.map(() => 10))
  })

  it('have a time series by name as one process has it', async () => {
    const requests = [{ name: 'quick' }, { name: 'slow', path: '/slow' }, { name: 'failing', path: '/failing' }]
    const serve = ({ line, path }: ScriptedRequest) =>
      line.answer(path === '/slow' ? 40 : 5, { status: path === '/failing' ? 503 : 200 })
    const options = { requests, rate: 300, duration: 1_000, connections: 30, progressInterval: 250 }
    const [one, two] = await Promise.all(
      [1, 3].map((processes) => new VirtualWorker({ serve }).run({ ...options, processes })),
    )
    // Times of a sum differ in their last digits.
    const rounded = (value: unknown) =>
      JSON.parse(JSON.stringify(value, (_, item) => (typeof item === 'number' ? Math.round(item) : item)))
    const rows = (result?: LoadResult) =>
      Object.entries(result?.byName ?? {}).map(([name, { samples }]) => [name, rounded(samples)])
    expect(rows(one)).toMatchObject([
      ['quick', [{ at: 250, errors: 0 }, {}, {}, { requests: 25 }]],
      ['slow', [{}, {}, {}, {}]],
      ['failing', [{ errors: 24 }, { errors: 25 }, {}, {}]],
    ])
    expect(rows(two)).toEqual(rows(one))
  })

  it('have no time series of a name that a process has no rows of: each has those of its first 20 names', async () => {
    const names = (first: number, count: number) =>
      Array.from({ length: count }, (_, k) => ({ name: String(first + k) }))
    const worker = new VirtualWorker(answersAfter(5))
    const { byName } = await worker.run({ requests: names(0, 30), amount: 60, connections: 4, processes: 2 })
    const withRows = Object.entries(byName).flatMap(([name, { samples }]) => (samples ? [name] : []))
    expect(withRows).toEqual(names(0, 20).map(({ name }) => name))
    const requests = (name: string) => byName[name]?.samples?.reduce((sum, row) => sum + row.requests, 0)
    expect(withRows.map(requests)).toEqual(withRows.map(() => 2))
  })

  it('tell of the whole while they run', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const seen: LoadProgress[] = []
    const options = { rate: 200, duration: 1_000, processes: 2, progressInterval: 200 }
    const result = await worker.run(options, (progress) => seen.push(progress))
    expect(seen.map(({ requests }) => requests)).toEqual([38, 78, 118, 158, 200])
    expect(seen.at(-1)).toMatchObject({ progress: 1, requests: result.requests })
    for (const progress of seen) expect(progress).not.toHaveProperty('histograms')
    expect(result.samples.at(0)?.connections).toBe(10)
    expect(result.generator.cpuPerRequest).toBeGreaterThan(0)
  })

  it('are judged as one by thresholds, also with abortOnFail', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const options = { processes: 2, thresholds: { requests: '<100' } } as const
    const early = await worker.load({ ...options, duration: 20_000, abortOnFail: true })
    const error = await rejection(worker.until(early.result))
    expect(error.message).toMatch(/failed 1 of 1 thresholds and was ended after .* \(abortOnFail\)/)
    // Both together: 1 request a millisecond.
    expect(error.partial.duration).toBeLessThan(400)
    // No process by itself sends so many.
    const late = await worker.load({ ...options, amount: 150 })
    const missed = await rejection(worker.until(late.result))
    expect(missed.message).toMatch(/failed 1 of 1 thresholds:/)
    expect(missed.partial).toMatchObject({ requests: 150, aborted: false })
  })

  it('end together by stop() and by an abort, with what all had measured', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const stopped = await worker.load({ processes: 2, duration: 60_000 })
    worker.clock.advance(500)
    void stopped.generator.stop()
    await worker.pass(1, 1)
    expect(stopped.ending).toMatchObject({ outcome: 'stopped', result: { requests: 470 } })
    const controller = new AbortController()
    const aborted = await worker.load({ processes: 2, duration: 60_000, signal: controller.signal })
    worker.clock.advance(500)
    controller.abort()
    worker.clock.advance(0.01)
    expect(aborted.ending?.outcome).toBe('aborted')
    expect(worker.wire.openLines).toBe(0)
    expect(worker.clock.pending).toBe(0)
  })

  it('that do not answer an abort are ended after 100 ms', async () => {
    const worker = new VirtualWorker(answersAfter(10))
    const controller = new AbortController()
    const load = await worker.load({ processes: 2, signal: controller.signal })
    worker.clock.advance(500)
    worker.children[1]?.freeze()
    controller.abort()
    worker.clock.advance(101)
    expect(load.ending?.outcome).toBe('aborted')
    expect(load.endedAt).toBeCloseTo(600, 2)
    expect(worker.children.map(({ killed }) => killed)).toEqual([true, true])
  })

  it.for([0, 1])('are lost with one of them, with what all had measured: process %i', async (slot) => {
    const worker = new VirtualWorker(answersAfter(10))
    const load = await worker.load({ processes: 2, duration: 60_000 })
    worker.clock.advance(500)
    worker.children[slot]?.exit(null, 'SIGKILL')
    worker.clock.advance(0.01)
    const { message, partial } = await rejection(load.result)
    expect(message).toMatch(
      new RegExp(`was ended by SIGKILL; .* \\(process ${slot + 1} of 2; the others were ended\\)`),
    )
    expect(partial).toMatchObject({ aborted: true, duration: expect.closeTo(375, 0) })
    const { length } = worker.wire.requests
    await worker.pass(300)
    expect(worker.wire.requests).toHaveLength(length)
  })

  it.for([0, 1])('are replaced where one was dying when it was asked: process %i', async (slot) => {
    const worker = new VirtualWorker(answersAfter(10))
    const options = { amount: 20, processes: 2 }
    await worker.run(options)
    worker.children[slot]?.die(30)
    expect((await worker.run(options)).requests).toBe(20)
    expect(worker.children).toHaveLength(3)
  })

  it('take all of their time where nothing is answered', async () => {
    const worker = new VirtualWorker({})
    const load = await worker.load({ processes: 2, connections: 2, duration: 500, timeout: 200 })
    const { partial } = await rejection(worker.until(load.result))
    expect(partial).toMatchObject({ requests: 0, aborted: false })
  })

  it('say that the target is not there', async () => {
    const worker = new VirtualWorker({ open: () => codedError('ECONNREFUSED') })
    const load = await worker.load({ processes: 2, duration: 20_000 })
    const error = await rejection(worker.until(load.result))
    expect(error.message).toMatch(/No connection to .* ECONNREFUSED/)
    expect(load.endedAt).toBeLessThan(700)
  })
})
