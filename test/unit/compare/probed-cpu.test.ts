import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
// It starts servers and a load process, which are programs of the build.
import { compareServers } from '../../../dist/compare/compare-servers.js'
import { metricsOfBlock } from '../../../src/compare/block-values.ts'
import { ProbedCpu } from '../../../src/compare/probed-cpu.ts'
import type { TurnBlock, TurnSlice } from '../../../src/load/plan/turns-plan.ts'
import type { WatchedIsolate } from '../../../src/probe/protocol.ts'
import type { Comparison } from '../../../src/results/comparison.ts'

/** Isolates as a channel has them; `used` is what their process has used. */
class ScriptedIsolates {
  readonly all: WatchedIsolate[] = []

  add(pid: number, used: () => number | undefined, more: Partial<WatchedIsolate> = {}): { connected: boolean } {
    const isolate = {
      pid,
      threadId: 0,
      wrapper: false,
      script: '',
      id: `${pid}:0`,
      connected: true,
      ask: async () => used() as never,
      ...more,
    }
    this.all.push(isolate)
    return isolate
  }

  isolates(): WatchedIsolate[] {
    return this.all.filter(({ connected }) => connected)
  }
}

describe('CPU that probes tell', () => {
  test('is of every process once, whatever its threads, and of no package manager', async () => {
    const isolates = new ScriptedIsolates()
    const used = { one: 100, two: 50 }
    isolates.add(1, () => 1e6, { wrapper: true })
    isolates.add(2, () => used.one)
    isolates.add(2, () => used.one, { threadId: 3 })
    isolates.add(4, () => used.two)
    const cpu = new ProbedCpu(isolates)
    expect(await cpu.read()).toBe(0)
    Object.assign(used, { one: 103, two: 57 })
    expect(await cpu.read()).toBe(10)
  })

  test('counts a process from when it is first seen, and keeps what one that has ended had used', async () => {
    const isolates = new ScriptedIsolates()
    const used = { one: 100, two: 70 }
    isolates.add(1, () => used.one)
    const cpu = new ProbedCpu(isolates)
    await cpu.read()
    const second = isolates.add(2, () => used.two)
    used.one = 105
    expect(await cpu.read()).toBe(5)
    used.two = 80
    expect(await cpu.read()).toBe(15)
    second.connected = false
    used.one = 106
    expect(await cpu.read()).toBe(16)
  })

  test('is not known without a process, nor where one does not answer', async () => {
    const isolates = new ScriptedIsolates()
    const cpu = new ProbedCpu(isolates)
    expect(await cpu.read()).toBeUndefined()
    let answers = true
    isolates.add(1, () => (answers ? 10 : undefined))
    expect(await cpu.read()).toBe(0)
    answers = false
    expect(await cpu.read()).toBeUndefined()
    answers = true
    expect(await cpu.read()).toBe(0)
    isolates.add(2, () => 5, { ask: () => Promise.reject(new Error('no such question')) })
    expect(await cpu.read()).toBeUndefined()
    // It has been waited for twice: nobody is asked any more.
    isolates.all.pop()
    expect(await cpu.read()).toBeUndefined()
  })

  test('is compared by slice', () => {
    const turns = (['base', 'head', 'base', 'head'] as const).map((side) => ({ side, time: 10, p50: 4 }))
    const percentile = { base: 6, head: 6 }
    const slice = (base: number, head: number): TurnSlice => ({
      turns,
      p90: percentile,
      p99: percentile,
      cpu: { base, head },
    })
    const report = { requests: 1, statusCodes: {}, answers: [] }
    const block: TurnBlock = {
      requestsPerTurn: 5,
      // A slice that a burst has hit, and one too short for its clock.
      slices: [slice(20, 22), slice(40, 44), slice(20, 22), slice(20, 60), slice(10, 11), slice(0, 0)],
      sides: { base: report, head: report },
      duration: 1,
      generatorUtilization: 0,
      stalled: 0,
    }
    const { cpuPerRequest } = metricsOfBlock(block)
    expect(cpuPerRequest.change).toBeCloseTo(Math.log(1.1), 9)
    // 20 ms over two turns of five requests.
    expect(cpuPerRequest.base).toBeCloseTo(2, 9)
  })
})

/** The first pair of a comparison; six would tell more and take longer. */
async function comparePair(factor: string, cpu: 'probe' | 'process-tree'): Promise<Comparison> {
  const controller = new AbortController()
  const command = `node ${fileURLToPath(new URL('../../programs/compare-tree.mjs', import.meta.url))}`
  const found = await compareServers(
    {
      base: { command, env: { FACTOR: '1.0' } },
      head: { command, env: { FACTOR: factor } },
      load: { url: '/', connections: 2 },
      duration: 60_000,
      signal: controller.signal,
    },
    { root: process.cwd(), cpu, observe: { onProgress: (_id, { pairs }) => pairs > 0 && controller.abort() } },
  ).catch((error: { partial?: Comparison }) => error.partial)
  if (!found) throw new Error('Nothing was compared')
  return found
}

test(
  'a real tree: threads of cluster workers count, by probes as by the process table',
  { timeout: 90_000 },
  async () => {
    const probed = await comparePair('2.0', 'probe')
    expect(probed).toMatchObject({ cpu: 'probe', pairs: 1 })
    expect(probed.notes.join()).toContain('Node processes of each server')
    // The work of head is twice that of base; with what HTTP costs it is a little less.
    expect(probed.metrics.cpuPerRequest.blocks[0]).toBeGreaterThan(0.4)
    expect(probed.metrics.cpuPerRequest.blocks[0]).toBeLessThan(1.5)
    expect(probed.metrics.cpuPerRequest.base).toBeGreaterThan(0.1)
    if (process.platform !== 'linux') return
    const read = await comparePair('2.0', 'process-tree')
    expect(read.cpu).toBe('process-tree')
    expect(read.metrics.cpuPerRequest.blocks[0]).toBeGreaterThan(0.4)
    // One way sees what the other does.
    const ratio = probed.metrics.cpuPerRequest.base / read.metrics.cpuPerRequest.base
    expect(ratio).toBeGreaterThan(0.4)
    expect(ratio).toBeLessThan(2.5)
  },
)

test('without probes latency alone is judged, and the result says so', { timeout: 60_000 }, async () => {
  const controller = new AbortController()
  // Node's permission model lets no preload in.
  const command = `env NODE_OPTIONS= node ${fileURLToPath(new URL('../../programs/compare-tree.mjs', import.meta.url))}`
  const found = (await compareServers(
    { base: { command }, head: { command }, load: { url: '/', connections: 2 }, signal: controller.signal },
    { root: process.cwd(), cpu: 'probe', observe: { onProgress: (_id, { pairs }) => pairs > 0 && controller.abort() } },
  ).catch((error: { partial?: Comparison }) => error.partial)) as Comparison
  expect(found).toMatchObject({ cpu: 'none', pairs: 1 })
  expect(found.notes).toContain('the CPU of the servers cannot be read on this machine: latency alone was judged')
  expect(found.metrics.cpuPerRequest.tolerance).toBeUndefined()
  expect(found.metrics['latency.p50'].tolerance).toBe(0.05)
})
