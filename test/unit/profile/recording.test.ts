import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Answer, Ask, Details, IsolateProfile, WatchedIsolate } from '../../../src/probe/protocol.ts'
import { LatencyHistogram } from '../../../src/results/latency-histogram.ts'
import { ProfileRecording, samplingInterval } from '../../../src/profile/recording.ts'

const folder = mkdtempSync(join(tmpdir(), 'perf-recording-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const PROFILE: IsolateProfile = {
  file: { bytes: 20_000 },
  eventLoopUtilization: 0.98,
  serving: 0.99,
  cpu: { user: 0.98, idle: 0.02, gc: 0 },
  hot: [{ function: 'parse', location: 'a.ts:1', code: 'own', self: 0.7, total: 0.7, attributed: 0.7 }],
  flame: [],
  duration: 1_000,
  requests: 50,
  requestTime: 1_000,
  followed: { requests: 50, time: 1_000 },
  waits: [],
}

/** An isolate that answers as the test says; `undefined` is no answer in time, and 'ends' that it is gone. */
class ScriptedIsolate implements WatchedIsolate {
  readonly pid: number
  readonly threadId = 0
  readonly wrapper = false
  readonly script = 'server.js'
  readonly asked: [Ask, object][] = []
  connected = true
  readonly #answers: Partial<Record<Ask, unknown>>

  constructor(pid: number, answers: Partial<Record<Ask, unknown>>) {
    this.pid = pid
    this.#answers = { record: null, endRecord: PROFILE, dropRecord: null, ...answers }
  }

  get id(): string {
    return `${this.pid}:0`
  }

  async ask<A extends Ask>(ask: A, details: Details<A>): Promise<Answer<A> | undefined> {
    this.asked.push([ask, details])
    const answer = this.#answers[ask]
    if (answer instanceof Error) throw answer
    if (answer !== 'ends') return answer as Answer<A>
    this.connected = false
    return undefined
  }
}

async function summaryOf(isolates: ScriptedIsolate[], into = folder): Promise<string[]> {
  const recording = await ProfileRecording.start({ isolates: () => isolates })
  return (await recording.stop(into, 'test', {})).summary
}

const NAMED = expect.stringMatching(/^The event loop was 98 % busy; 70 % of it in parse/)

it('has the busiest isolate first, whoever answers first', async () => {
  const idle = { ...PROFILE, eventLoopUtilization: 0.1, cpu: { user: 0.1, idle: 0.9, gc: 0 } }
  const isolates = [new ScriptedIsolate(1, { endRecord: idle }), new ScriptedIsolate(2, {})]
  const recording = await ProfileRecording.start({ isolates: () => isolates })
  const profile = await recording.stop(folder, 'busiest', {})
  expect(profile.isolates.map(({ pid }) => pid)).toEqual([2, 1])
})

it('counts the calls of a server that asks itself by request of the load', async () => {
  const times = new LatencyHistogram()
  for (let call = 0; call < 400; call += 1) times.record(32)
  const call = { what: 'GET own/:id', kind: 'http', count: 400, calls: 400, waited: 13_000, time: 12_800, failed: 0 }
  // 50 pages of 271 ms, each with 8 calls of 32 ms to the server itself.
  const time = 50 * 271 + 400 * 32
  const profile = {
    ...PROFILE,
    cpu: { user: 0.2, idle: 0.8, gc: 0 },
    hot: [],
    requests: 450,
    requestTime: time,
    followed: { requests: 450, time },
    waits: [{ ...call, times: times.encode() }],
  }
  const recording = await ProfileRecording.start({ isolates: () => [new ScriptedIsolate(1, { endRecord: profile })] })
  const asked = { requests: 50, time: 50 * 271 }
  const { requests, waits, summary } = await recording.stop(folder, 'own', { asked })
  expect(requests).toBe(50)
  expect(waits[0]?.perRequest).toBeCloseTo(8)
  expect(waits[0]?.share).toBeCloseTo(13_000 / (50 * 271))
  expect(summary[0]).toMatch(/^Requests waited 96 % of their time .*8 calls a request/)
})

it('says that the load generator was the limit', async () => {
  const recording = await ProfileRecording.start({ isolates: () => [new ScriptedIsolate(1, {})] })
  const { summary } = await recording.stop(folder, 'saturated', { saturation: 'it was busy' })
  expect(summary.join(' ')).toMatch(/it was busy/)
})

describe('an isolate without a profile', () => {
  it.each([
    ['ended under it', { endRecord: 'ends' }, 'Process 7 ended while it was recorded, and its profile with it.'],
    ['ended before it', { record: 'ends' }, 'Process 7 ended before its profile began.'],
    ['was blocked', { record: undefined }, 'Process 7 is not in the profile: its event loop did not turn for 2.00 s.'],
    ['took too long', { endRecord: undefined }, 'Process 7 did not hand over its profile within 10.0 s.'],
    ['failed', { endRecord: new Error('no memory') }, 'The profile of process 7 is lost: no memory.'],
  ])('is named where it %s', async (_, answers, expected) => {
    expect(await summaryOf([new ScriptedIsolate(7, answers)])).toEqual([expected])
  })

  it('takes nothing from the others', async () => {
    const [sound, ended] = [new ScriptedIsolate(1, {}), new ScriptedIsolate(2, { endRecord: 'ends' })]
    expect(await summaryOf([sound, ended])).toEqual([NAMED, expect.stringMatching(/^Process 2 ended/)])
  })

  it('does not go on recording when its loop turns again', async () => {
    const blocked = new ScriptedIsolate(7, { record: undefined })
    await summaryOf([blocked])
    expect(blocked.asked.map(([ask]) => ask)).toEqual(['record', 'dropRecord'])
  })
})

describe('calls for each request', () => {
  const times = new LatencyHistogram()
  for (let count = 0; count < 400; count += 1) times.record(1)
  const wait = { failed: 0, time: 400, count: 400, times: times.encode() }

  it.each([
    // A quarter of the requests was followed: 10 calls of each were seen.
    ['are those of the requests that were followed', 'database', 500, 10],
    ['are all over plain sockets, which a queue ties to other requests', 'socket', 30, 2],
    ['are all where none could be tied', 'cache', 0, 2],
  ] as const)('%s', async (_, kind, calls, expected) => {
    const waits = [{ ...wait, kind, what: 'SELECT 1', calls, waited: calls }]
    const profile = { ...PROFILE, requests: 200, followed: { requests: 50, time: 1_000 }, waits }
    const recording = await ProfileRecording.start({ isolates: () => [new ScriptedIsolate(7, { endRecord: profile })] })
    const [found] = (await recording.stop(folder, 'test', {})).waits
    expect(found).toMatchObject({ perRequest: expected, share: Math.min(1, calls / 1_000) })
  })
})

describe('a file of a profile', () => {
  it('that is large is named, with its size', async () => {
    const isolate = new ScriptedIsolate(7, { endRecord: { ...PROFILE, file: { bytes: 500 * 2 ** 20 } } })
    expect(await summaryOf([isolate])).toEqual([
      NAMED,
      expect.stringMatching(/^The profile of process 7 has 500 MB: DevTools may not open .*test-7\.cpuprofile\.$/),
    ])
  })

  it('that could not be written takes nothing from the summary', async () => {
    const isolate = new ScriptedIsolate(7, { endRecord: { ...PROFILE, file: { problem: 'ENOSPC: no space left' } } })
    const recording = await ProfileRecording.start({ isolates: () => [isolate] })
    const profile = await recording.stop(folder, 'test', {})
    expect(profile.summary).toEqual([NAMED, expect.stringMatching(/^Process 7 could not write .*ENOSPC/)])
    expect(profile.files).toEqual([])
  })

  it('may have a folder that cannot be made', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    expect(await summaryOf([new ScriptedIsolate(7, {})], join(file, 'below'))).toEqual([NAMED])
  })
})

it.each([
  [0, 1_000],
  [5_000, 1_000],
  [70_000, 10_000],
  [3_600_000, 514_286],
  [Number.NaN, 1_000],
  [Infinity, 1_000],
])('a load of %d ms is sampled every %d µs: 7 000 samples at most', (duration, expected) => {
  expect(samplingInterval(duration)).toBe(expected)
})
