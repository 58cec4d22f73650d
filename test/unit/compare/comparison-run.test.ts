import { describe, expect, test } from 'vitest'
import { ComparisonRun, type ComparisonParts } from '../../../src/compare/comparison-run.ts'
import { SHORT } from '../../../src/compare/statistics/looks.ts'
import type { LoadPlan } from '../../../src/load/plan/load-plan.ts'
import type { Turn, TurnBlock, TurnsEnd, TurnSide, TurnsPlan } from '../../../src/load/plan/turns-plan.ts'

const TOLERANCES = { cpuPerRequest: 0.05, 'latency.p50': 0.05 }
const load = {} as LoadPlan

/** Two machines' worth of numbers, from a seed. */
function createRandom(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

interface World {
  /** ln(head / base) of CPU, of all blocks or of each, and of latency. */
  cpu?: number | readonly number[]
  latency?: number
  /** Scatter of a block. */
  noise?: number
  /** Milliseconds to start and to end a pair. */
  start?: number
  stop?: number
  block?: Partial<TurnBlock>
  end?: (attempt: number) => TurnsEnd | undefined
  throttled?: number
  failure?: Error
}

/** A machine without a process: time passes as the parts say. */
function scripted(world: World, { duration = 60_000, tolerances = TOLERANCES as object } = {}) {
  const random = createRandom(7)
  const { cpu = 0, latency = 0, noise = 0.02, start = 600, stop = 0 } = world
  const seen = { plans: [] as TurnsPlan[], stopped: 0, firsts: [] as TurnSide[], progress: 0 }
  let [now, throttling] = [0, 0]
  const turn = (side: TurnSide, block: { cpu: number; latency: number }): Turn => {
    const factor = side === 'head' ? 1 : 0
    return {
      side,
      time: 10 * Math.exp(factor * block.latency),
      p50: 4 * Math.exp(factor * block.latency),
      cpu: 8 * Math.exp(factor * block.cpu),
    }
  }
  const parts: ComparisonParts = {
    startPair: async (first) => {
      seen.firsts.push(first)
      now += start
      const server = { pid: 1, load, failure: async () => world.failure }
      const end = async () => {
        now += stop
        seen.stopped += 1
      }
      return { base: server, head: server, stop: end }
    },
    runTurns: async (plan) => {
      seen.plans.push(plan)
      now += plan.warmup + plan.duration
      throttling += world.throttled ?? 0
      const ended = world.end?.(seen.plans.length)
      if (ended) return ended
      const ofBlock = typeof cpu === 'number' ? cpu : (cpu[seen.plans.length - 1] ?? 0)
      const block = { cpu: ofBlock + noise * (random() - 0.5), latency: latency + noise * (random() - 0.5) }
      const turns = Array.from({ length: 20 }, (_, index) => turn(index % 2 === 0 ? 'base' : 'head', block))
      const percentiles = { base: 6, head: 6 * Math.exp(block.latency) }
      const report = { requests: 100, statusCodes: { 200: 100 }, answers: [] }
      return {
        outcome: 'completed',
        block: {
          requestsPerTurn: 8,
          slices: [{ turns, p90: percentiles, p99: percentiles }],
          sides: { base: report, head: report },
          duration: plan.duration,
          generatorUtilization: 0.3,
          stalled: 0,
          ...world.block,
        },
      }
    },
    now: () => now,
    throttling: () => throttling,
    onProgress: () => void (seen.progress += 1),
  }
  const settings = { connections: 4, duration, looks: SHORT, tolerances, cpu: 'process-tree' as const }
  return { run: new ComparisonRun(settings, parts), seen, elapsed: () => now }
}

describe('the verdict', () => {
  test('the same build holds at the first look, with fresh pairs that take turns in being first', async () => {
    const { run, seen } = scripted({})
    const finding = await run.run()
    expect(finding).toMatchObject({ verdict: 'held', pairs: 6, discarded: 0, cpu: 'process-tree', requests: 1_200 })
    expect(seen.firsts).toEqual(['base', 'head', 'base', 'head', 'base', 'head'])
    expect(seen.stopped).toBe(6)
    expect(seen.progress).toBe(6)
    expect(finding.metrics.cpuPerRequest.interval[1]).toBeLessThan(0.05)
    expect(finding.metrics.cpuPerRequest.base).toBeCloseTo(1)
    expect(seen.plans.map(({ compareAnswers }) => compareAnswers)).toEqual([true, false, false, false, false, false])
  })

  test('10 % more CPU is slower, though latency holds', async () => {
    const finding = await scripted({ cpu: Math.log(1.1) }).run.run()
    expect(finding.verdict).toBe('slower')
    expect(finding.reason).toMatch(/^head needs (9|10)(\.\d)? % more CPU per request \(\d/)
    expect(finding.metrics['latency.p50'].verdict).toBe('held')
  })

  test('a mean within the tolerance that a first look calls slower goes on to the next', async () => {
    const early = [0.02, 0.04, 0.025, 0.045, 0.03, 0.05]
    const again = [...early, 0, -0.02, 0, ...Array.from({ length: 15 }, (_, index) => (index % 2 === 0 ? 0.01 : -0.01))]
    const lucky = await scripted({ cpu: again, noise: 0 }).run.run()
    expect(lucky).toMatchObject({ verdict: 'held' })
    expect(lucky.pairs).toBeGreaterThan(6)
    const surely = await scripted({ cpu: [...early, 0.02, 0.06, 0.03], noise: 0 }).run.run()
    expect(surely).toMatchObject({ verdict: 'slower', pairs: 9 })
  })

  test('what scatters too much for the time is inconclusive, and says how much more is needed', async () => {
    const { run, elapsed } = scripted({ noise: 0.4 }, { duration: 30_000 })
    const finding = await run.run()
    expect(finding.verdict).toBe('inconclusive')
    expect(finding.obstacle).toBeUndefined()
    expect(finding.moreTime).toBeGreaterThan(0)
    expect(finding.reason).toContain('more of `duration` would probably decide')
    expect(elapsed()).toBeLessThanOrEqual(30_000)
  })

  test('six blocks fit into 20 s, and a slow start makes blocks shorter', async () => {
    const quick = scripted({}, { duration: 20_000 })
    expect((await quick.run.run()).pairs).toBe(6)
    const slow = scripted({ start: 1_500 }, { duration: 24_000 })
    expect((await slow.run.run()).pairs).toBe(6)
    expect(slow.seen.plans[0]?.duration).toBeLessThan(quick.seen.plans[0]?.duration as number)
  })
})

describe('time', () => {
  test('30 % more is slower within 20 s, whatever else the comparison may take', async () => {
    for (const [duration, start] of [
      [20_000, 300],
      [20_000, 1_200],
      [60_000, 300],
      [300_000, 300],
    ] as const) {
      const { run, elapsed } = scripted({ cpu: Math.log(1.3), start, noise: 0.08 }, { duration })
      expect(await run.run(), `${duration}, ${start}`).toMatchObject({ verdict: 'slower', pairs: 6 })
      expect(elapsed(), `${duration}, ${start}`).toBeLessThanOrEqual(20_000)
    }
  })

  test('servers that start slowly have turns that are worth a start', async () => {
    const { run, seen } = scripted({ start: 8_000 }, { duration: 120_000 })
    expect(await run.run()).toMatchObject({ verdict: 'held', pairs: 6 })
    expect(seen.plans.map(({ duration }) => duration)).toEqual(seen.plans.map(() => 2_400))
  })

  test('a pair that ends slowly is planned for', async () => {
    const { run, elapsed } = scripted({ start: 400, stop: 900 }, { duration: 20_000 })
    expect((await run.run()).pairs).toBe(6)
    expect(elapsed()).toBeLessThanOrEqual(20_000)
  })
})

describe('no verdict', () => {
  test('different statuses', async () => {
    const sides = {
      base: { requests: 1, statusCodes: { 200: 1 }, answers: [] },
      head: { requests: 1, statusCodes: { 200: 1, 302: 3 }, answers: [] },
    }
    const { run, seen } = scripted({ cpu: 1, block: { sides } })
    const finding = await run.run()
    expect(finding).toMatchObject({ verdict: 'inconclusive', obstacle: 'different-answers', pairs: 0 })
    expect(finding.reason).toContain('base answers with the statuses 200 and head with 200, 302')
    expect(seen.stopped).toBe(1)
  })

  test('different body sizes, but not a digit more', async () => {
    const answer = (size: number) => [{ request: 'GET /', statuses: [200, 200, 200], sizes: [size, size, size] }]
    const sides = (size: number) => ({
      base: { requests: 1, statusCodes: { 200: 1 }, answers: answer(1_000) },
      head: { requests: 1, statusCodes: { 200: 1 }, answers: answer(size) },
    })
    expect((await scripted({ block: { sides: sides(1_008) } }).run.run()).verdict).toBe('held')
    const finding = await scripted({ block: { sides: sides(1_400) } }).run.run()
    expect(finding.reason).toContain('GET / answers 1000 bytes in base and 1400 in head')
  })

  test('a request that fails', async () => {
    const end = (): TurnsEnd => ({ outcome: 'failed', side: 'head', kind: 'status', message: 'GET / answered 500' })
    const finding = await scripted({ end }).run.run()
    expect(finding).toMatchObject({ verdict: 'inconclusive', obstacle: 'errors' })
    expect(finding.reason).toContain('head failed a request: GET / answered 500')
  })

  test('a server that died fails the comparison with its own error', async () => {
    const failure = new Error('The server exited with code 1')
    const end = (): TurnsEnd => ({ outcome: 'failed', side: 'head', kind: 'reset', message: 'closed' })
    const { run, seen } = scripted({ end, failure })
    await expect(run.run()).rejects.toBe(failure)
    expect(seen.stopped).toBe(1)
  })

  test('a load process that was the limit', async () => {
    const finding = await scripted({ cpu: 1, block: { generatorUtilization: 0.99 } }).run.run()
    expect(finding).toMatchObject({ verdict: 'inconclusive', obstacle: 'saturated' })
  })

  test('a machine that stands still, or is held back', async () => {
    const stalled = await scripted({ cpu: 1, block: { stalled: 1_000 } }).run.run()
    expect(stalled).toMatchObject({ verdict: 'inconclusive', obstacle: 'disturbed', discarded: 3, pairs: 0 })
    expect(stalled.reason).toContain('stood still for 1000 of')
    const throttled = await scripted({ cpu: 1, throttled: 900 }).run.run()
    expect(throttled.reason).toContain('a CPU limit held this machine back')
  })

  test('servers that take too long to start', async () => {
    const { run, seen } = scripted({ start: 20_000 })
    const finding = await run.run()
    expect(finding).toMatchObject({ verdict: 'inconclusive', obstacle: 'too-few-blocks', pairs: 0 })
    expect(finding.reason).toMatch(/take 20\.0 s to start.*set `duration` to 1\d\d s/)
    expect(seen.stopped).toBe(1)
  })
})

test('one bad moment of the machine is left out', async () => {
  let attempt = 0
  const world: World = {
    get throttled() {
      attempt += 1
      return attempt === 2 ? 900 : 0
    },
  }
  const finding = await scripted(world).run.run()
  expect(finding).toMatchObject({ verdict: 'held', pairs: 6, discarded: 1 })
})

test('without CPU latency alone is judged', async () => {
  const turns = [0, 1, 2, 3].map((index): Turn => ({
    side: index % 2 === 0 ? 'base' : 'head',
    time: 10,
    p50: index % 2 === 0 ? 4 : 6,
  }))
  const percentiles = { base: 6, head: 6 }
  const finding = await scripted({ block: { slices: [{ turns, p90: percentiles, p99: percentiles }] } }).run.run()
  expect(finding).toMatchObject({ verdict: 'slower', cpu: 'none' })
  expect(finding.metrics.cpuPerRequest.tolerance).toBeUndefined()
})
