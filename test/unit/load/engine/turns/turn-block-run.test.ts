import { describe, expect, test } from 'vitest'
import { requestsOfTurn, TurnBlockRun, type CpuReading } from '../../../../../src/load/engine/turns/turn-block-run.ts'
import type { LoadOptions } from '../../../../../src/load/plan/load-options.ts'
import { resolveLoadOptions } from '../../../../../src/load/plan/load-plan.ts'
import type { CpuSource, TurnBlock, TurnsEnd, TurnSide, TurnsPlan } from '../../../../../src/load/plan/turns-plan.ts'
import { VirtualClock } from '../../../virtual-clock.ts'
import { ScriptedWire, type ScriptedRequest, type Script } from '../../scripted-wire.ts'

const SIDES: readonly TurnSide[] = ['base', 'head']
const HOSTS: Record<string, TurnSide> = { 'base.test': 'base', 'head.test': 'head' }

interface World {
  load?: LoadOptions
  connections?: number
  duration?: number
  first?: TurnSide
  compareAnswers?: boolean
  cpu?: CpuSource
  /** Milliseconds that each server takes for a request, one after the other. */
  service?: Record<TurnSide, number>
  /** In place of the answer. */
  serve?: (side: TurnSide, request: ScriptedRequest, answer: () => void) => void
  open?: Script['open']
  askCpu?: () => CpuReading
}

/** A block on a virtual clock, against two scripted servers: seconds of it take milliseconds. */
class VirtualBlock {
  readonly clock = new VirtualClock()
  readonly wires: Record<TurnSide, ScriptedWire>
  readonly order: { side: TurnSide; at: number }[] = []
  readonly run: TurnBlockRun
  end: TurnsEnd | undefined
  /** CPU milliseconds of each server: what it has served. */
  readonly used: Record<TurnSide, number> = { base: 0, head: 0 }
  readonly trees = { opened: [] as number[], closed: 0, refreshed: 0 }

  constructor(world: World = {}) {
    const { connections = 2, service = { base: 1, head: 1 }, first = 'base', duration = 1_600 } = world
    const free: Record<TurnSide, number> = { base: 0, head: 0 }
    const wire = (side: TurnSide) =>
      new ScriptedWire(this.clock, {
        ...(world.open ? { open: world.open } : {}),
        serve: (request) => {
          this.order.push({ side, at: request.at })
          free[side] = Math.max(free[side], request.at) + service[side]
          this.used[side] += service[side]
          const answer = () => request.line.answer(free[side] - request.at)
          if (world.serve) world.serve(side, request, answer)
          else answer()
        },
      })
    this.wires = { base: wire('base'), head: wire('head') }
    const load = (side: TurnSide) =>
      resolveLoadOptions({ connections, ...world.load, url: `http://${side}.test/` }, { env: {} })
    const plan: TurnsPlan = {
      loads: { base: load('base'), head: load('head') },
      pids: { base: 11, head: 22 },
      cpu: world.cpu ?? 'process-tree',
      connections,
      first,
      warmup: 500,
      duration,
      compareAnswers: world.compareAnswers ?? false,
    }
    this.run = new TurnBlockRun(
      plan,
      {
        clock: this.clock,
        wire: {
          connect: (target, events) => this.wires[HOSTS[target.host] as TurnSide].connect(target, events),
        },
        measureCost: () => ({ read: () => ({ cpu: 1, eventLoopUtilization: 0.25 }), stop() {} }),
        openTree: (pid) => {
          this.trees.opened.push(pid)
          const side: TurnSide = pid === 11 ? 'base' : 'head'
          return {
            refresh: () => void (this.trees.refreshed += 1),
            read: () => this.used[side],
            close: () => void (this.trees.closed += 1),
          }
        },
        askCpu: async () => (world.askCpu ? world.askCpu() : { ...this.used }),
      },
      (end) => (this.end = end),
    )
    this.run.start()
  }

  /** Moves on, and lets promises settle in between. */
  async advance(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds && !this.end; passed += 0.5) {
      this.clock.advance(0.5)
      await settle()
    }
  }

  async finish(within = 10_000): Promise<TurnsEnd> {
    await this.advance(within)
    if (!this.end) throw new Error(`The block goes on after ${within} ms`)
    // A virtual timer that was cancelled no longer counts.
    expect(this.clock.pending).toBe(0)
    for (const side of SIDES) expect(this.wires[side].openLines).toBe(0)
    return this.end
  }

  async block(): Promise<TurnBlock> {
    const end = await this.finish()
    if (end.outcome !== 'completed') throw new Error(JSON.stringify(end))
    return end.block
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve()
}

/** Lengths of the runs of requests to one server. */
function runsOf(order: readonly { side: TurnSide }[]): { side: TurnSide; requests: number }[] {
  const runs: { side: TurnSide; requests: number }[] = []
  for (const { side } of order) {
    const last = runs.at(-1)
    if (last?.side === side) last.requests += 1
    else runs.push({ side, requests: 1 })
  }
  return runs
}

describe('turns', () => {
  test('alternate strictly, each of so many requests, and never two servers at a time', async () => {
    const virtual = new VirtualBlock({ service: { base: 1, head: 1.5 } })
    const block = await virtual.block()
    // 10 ms at 1 to 1.5 ms a request, in whole rounds of 2 connections.
    expect(block.requestsPerTurn).toBe(8)
    const measured = runsOf(virtual.order.filter(({ at }) => at > 520))
    expect(measured.length).toBeGreaterThan(100)
    // Where a slice begins with the other server, the one that ended the slice before is followed by itself.
    for (const { requests } of measured.slice(1, -1)) expect([8, 16]).toContain(requests)
    for (const slice of block.slices) {
      expect(slice.turns.length % 2).toBe(0)
      for (const [index, { side }] of slice.turns.entries()) {
        expect(side).toBe(slice.turns[index % 2]?.side)
      }
      expect(slice.turns[0]?.side).not.toBe(slice.turns[1]?.side)
    }
  })

  test('begin with the other server in each slice of 400 ms', async () => {
    for (const first of SIDES) {
      const { slices } = await new VirtualBlock({ first }).block()
      const begins = slices.map(({ turns }) => turns[0]?.side)
      const other = first === 'base' ? 'head' : 'base'
      expect(begins).toEqual([first, other, first, other])
    }
  })

  test('know their time, latency and CPU', async () => {
    const { slices, requestsPerTurn, generatorUtilization, stalled } = await new VirtualBlock({
      service: { base: 1, head: 1.25 },
    }).block()
    const turns = slices.flatMap((slice) => slice.turns)
    for (const { side, time, cpu, p50 } of turns) {
      const service = side === 'base' ? 1 : 1.25
      expect(time).toBeCloseTo(requestsPerTurn * service, 3)
      expect(cpu).toBeCloseTo(requestsPerTurn * service, 6)
      // Two connections: each request waits for the one before it.
      expect(p50).toBeCloseTo(2 * service, 1)
    }
    expect(slices[0]?.p99.head).toBeCloseTo(2.5, 2)
    expect({ generatorUtilization, stalled }).toEqual({ generatorUtilization: 0.25, stalled: 0 })
  })

  test('of slow servers are few, and still of both', async () => {
    const { slices } = await new VirtualBlock({ service: { base: 200, head: 200 }, duration: 1_200 }).block()
    const turns = slices.flatMap((slice) => slice.turns)
    expect(turns.length).toBe(8)
    expect(turns.filter(({ side }) => side === 'base')).toHaveLength(4)
  })

  test('have about 10 ms of requests, in rounds of the connections', () => {
    expect(requestsOfTurn(1_000, 1_000, 4)).toBe(12)
    expect(requestsOfTurn(1_000, 1_000, 3)).toBe(9)
    expect(requestsOfTurn(10, 10_000, 4)).toBe(4)
    expect(requestsOfTurn(1e9, 1, 4)).toBe(1_000_000)
  })

  test('take lists of requests by turn', async () => {
    const load: LoadOptions = { requests: [{ path: '/a' }, { path: '/b', method: 'POST', body: 'x' }] }
    const virtual = new VirtualBlock({ load })
    await virtual.block()
    for (const side of SIDES) {
      const paths = virtual.wires[side].requests.map(({ method, path }) => `${method} ${path}`)
      expect(paths.slice(0, 4)).toEqual(['GET /a', 'POST /b', 'GET /a', 'POST /b'])
    }
  })
})

describe('CPU', () => {
  test('of the tree is read after each turn; threads are looked for in each slice', async () => {
    const virtual = new VirtualBlock()
    const { slices } = await virtual.block()
    expect(virtual.trees).toEqual({ opened: [11, 22], closed: 2, refreshed: 2 * slices.length })
  })

  test('of probes is asked for between slices', async () => {
    const virtual = new VirtualBlock({ cpu: 'probe', service: { base: 1, head: 1.25 } })
    const { slices, requestsPerTurn } = await virtual.block()
    expect(virtual.trees.opened).toEqual([])
    for (const { cpu, turns } of slices) {
      expect(cpu?.base).toBeCloseTo((requestsPerTurn * turns.length) / 2, 6)
      expect((cpu?.head as number) / (cpu?.base as number)).toBeCloseTo(1.25, 6)
      expect(turns.some((turn) => 'cpu' in turn)).toBe(false)
    }
  })

  test('that a probe does not tell is absent from the slices on both sides of it', async () => {
    let asked = 0
    const virtual = new VirtualBlock({
      cpu: 'probe',
      askCpu: () => ((asked += 1) === 2 ? undefined : { base: asked, head: asked }),
    })
    const { slices } = await virtual.block()
    expect(slices.map(({ cpu }) => cpu !== undefined)).toEqual([false, false, true, true])
  })

  test('is not asked for where there is none', async () => {
    const virtual = new VirtualBlock({
      cpu: 'none',
      askCpu: () => {
        throw new Error('asked')
      },
    })
    const { slices } = await virtual.block()
    expect(slices.some(({ cpu, turns }) => cpu || turns.some((turn) => 'cpu' in turn))).toBe(false)
    expect(virtual.trees.opened).toEqual([])
  })
})

describe('answers', () => {
  test('are looked at one by one, three times each', async () => {
    const load: LoadOptions = { requests: [{ path: '/a' }, { path: '/b' }] }
    const virtual = new VirtualBlock({
      load,
      compareAnswers: true,
      serve: (side, { line, path, index }) =>
        line.answer(1, { status: path === '/b' ? 201 : 200, body: 'x'.repeat(side === 'head' && index < 6 ? 7 : 5) }),
    })
    const { sides } = await virtual.block()
    expect(sides.base.answers).toEqual([
      { request: 'GET /a', statuses: [200, 200, 200], sizes: [5, 5, 5] },
      { request: 'GET /b', statuses: [201, 201, 201], sizes: [5, 5, 5] },
    ])
    expect(sides.head.answers[0]).toMatchObject({ sizes: [7, 7, 7] })
    expect(virtual.wires.base.requests.slice(0, 6).map(({ path }) => path)).toEqual([
      '/a',
      '/a',
      '/a',
      '/b',
      '/b',
      '/b',
    ])
  })

  test('are counted by status, warm-up included', async () => {
    const virtual = new VirtualBlock({
      load: { expectStatus: [200, 599] },
      serve: (_side, { line, index }) => line.answer(1, { status: index % 10 === 9 ? 503 : 200 }),
    })
    const { sides } = await virtual.block()
    const { base } = sides
    expect(Object.keys(base.statusCodes)).toEqual(['200', '503'])
    const total = Object.values(base.statusCodes).reduce((sum, count) => sum + count, 0)
    expect(total).toBe(virtual.wires.base.requests.length)
    expect(total).toBeGreaterThan(base.requests)
  })
})

describe('a block ends', () => {
  test.each([
    ['an answer that is an error', { status: 500 }, {}, 'status', 'GET / answered 500'],
    [
      'a status that was not expected',
      { status: 204 },
      { expectStatus: [200, 200] },
      'mismatch',
      'GET / answered 204, expected 200',
    ],
  ] as const)('with %s, and says whose it is', async (_name, answer, load, kind, message) => {
    const virtual = new VirtualBlock({
      load: load as LoadOptions,
      serve: (side, { line, index }, sound) => (side === 'head' && index === 40 ? line.answer(1, answer) : sound()),
    })
    expect(await virtual.finish()).toEqual({ outcome: 'failed', side: 'head', kind, message })
  })

  test('with a connection that is reset', async () => {
    const virtual = new VirtualBlock({
      serve: (side, { line, index }, sound) => (side === 'base' && index === 40 ? line.reset(1) : sound()),
    })
    expect(await virtual.finish()).toMatchObject({ outcome: 'failed', side: 'base', kind: 'reset' })
  })

  test('with a request that is not answered in time', async () => {
    const virtual = new VirtualBlock({
      load: { timeout: 300 },
      serve: (side, { index }, sound) => (side === 'head' && index === 40 ? undefined : sound()),
    })
    expect(await virtual.finish()).toMatchObject({ outcome: 'failed', side: 'head', kind: 'timeout' })
  })

  test('with a connection that cannot be opened', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:80'), { code: 'ECONNREFUSED' })
    const virtual = new VirtualBlock({ open: (index) => (index === 1 ? refused : true) })
    expect(await virtual.finish()).toMatchObject({ outcome: 'failed', kind: 'refused' })
  })

  test('at once by an abort, in whatever it does', async () => {
    for (const at of [0, 0.5, 100, 900]) {
      const virtual = new VirtualBlock({ compareAnswers: true })
      await virtual.advance(at)
      virtual.run.abort()
      expect(await virtual.finish(0)).toEqual({ outcome: 'aborted' })
      virtual.run.abort()
      await settle()
      expect(virtual.end).toEqual({ outcome: 'aborted' })
    }
  })
})

test('a server that closes idle connections is connected to again', async () => {
  const virtual = new VirtualBlock({
    serve: (side, { line, index }, sound) => {
      if (side !== 'base' || index !== 60) return sound()
      line.answer(1, { headers: 'Connection: close\r\n' })
      line.end(1)
    },
  })
  const end = await virtual.finish()
  expect(end.outcome).toBe('completed')
  expect(virtual.wires.base.lines.length).toBe(3)
})

test('a machine that stands still is noticed', async () => {
  const virtual = new VirtualBlock()
  await virtual.advance(900)
  virtual.clock.block(700)
  const { stalled } = await virtual.block()
  expect(stalled).toBeGreaterThan(650)
  expect(stalled).toBeLessThan(720)
})
