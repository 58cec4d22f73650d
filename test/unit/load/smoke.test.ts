import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LoadGenerator } from '../../../dist/load/spec/load-generator.js'
import { openLoadProcess } from '../../../dist/load/spec/shared-load-processes.js'
import type { LoadOptions } from '../../../src/load/plan/load-options.ts'
import { forkLoadChild } from '../../../src/load/spec/load-child.ts'
import type { LoadResult } from '../../../src/results/load-result.ts'
import { startTarget } from './target.ts'
import { rejection } from '../rejection.ts'
import { isAlive } from '../../../src/compare/base/folder-lock.ts'

// Real load processes, sockets and signals. The rules themselves are tested on a virtual clock in `spec/` and `engine/`.

function pidOf(slot = 0): number {
  const line = openLoadProcess({ onMessage() {}, onLost() {} }, slot)
  line.close()
  return line.pid as number
}

/** Resident memory of a process in bytes. */
function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

/** A load, and a promise for the moment when something of it is known here. */
function untilMeasured(generator: LoadGenerator, options: LoadOptions) {
  let resolve!: () => void
  const measured = new Promise<void>((onMeasured) => (resolve = onMeasured))
  const load: Promise<LoadResult> = generator.generateLoad(
    { progressInterval: 100, ...options },
    ({ requests }: LoadResult) => {
      if (requests > 50) resolve()
    },
  )
  return { load, measured }
}

const MODULES = new URL('../../../dist/load/spec/', import.meta.url).href
const USES = `
  import { LoadGenerator } from '${MODULES}load-generator.js'
  import { openLoadProcess, warmLoadProcess } from '${MODULES}shared-load-processes.js'`

describe('a load', () => {
  it('is measured by a process of its own, also while the spec blocks its thread', async () => {
    const target = await startTarget('load-http.mjs')
    const seen: { requests: number; at: number[] }[] = []
    const result = await new LoadGenerator().generateLoad(
      { url: target.url, duration: 600, progressInterval: 100 },
      ({ requests, samples }: LoadResult) => {
        seen.push({ requests, at: samples.map(({ at }) => at) })
        const until = performance.now() + 50
        while (performance.now() < until);
      },
    )
    // A busy machine may join two intervals.
    expect(seen.length).toBeGreaterThanOrEqual(3)
    expect(seen.length).toBeLessThanOrEqual(6)
    expect(seen.at(-1)?.requests).toBe(result.requests)
    // Rows are of the load process's clock, not of the busy thread's.
    for (const at of (seen.at(-1)?.at ?? []).slice(0, -1)) expect(at % 100).toBeLessThan(90)
    const { received } = await target.counts()
    expect(result.requests + result.unanswered).toBeLessThanOrEqual(received)
    expect(result.throughput.bytes / result.requests).toBeGreaterThan(100)
    const { cpuPerRequest, eventLoopUtilization } = result.generator
    expect(cpuPerRequest).toBeGreaterThan(0)
    expect(cpuPerRequest).toBeLessThan(5)
    expect(eventLoopUtilization).toBeGreaterThan(0)
    expect(eventLoopUtilization).toBeLessThanOrEqual(1)
  })

  it.runIf(process.platform === 'linux')('keeps no part of a body that nothing asks for', async () => {
    const target = await startTarget('large-answers.mjs')
    const generator = new LoadGenerator()
    await generator.generateLoad({ url: `${target.url}/small`, amount: 10, connections: 1 })
    let peak = 0
    const look = setInterval(() => (peak = Math.max(peak, residentOf(pidOf()))), 20)
    const result = await generator.generateLoad({ url: target.url, amount: 4, connections: 2, timeout: 60_000 })
    clearInterval(look)
    expect(result.throughput.bytes).toBeGreaterThan(4 * 256 * 1024 * 1024)
    // Two answers of 256 MB are under way at a time.
    expect(peak).toBeGreaterThan(0)
    expect(peak).toBeLessThan(200 * 1024 * 1024)
  })

  it('of several processes sends exactly what was asked for', async () => {
    const target = await startTarget('load-http.mjs')
    const result = await new LoadGenerator().generateLoad({ url: target.url, processes: 2, amount: 301, rate: 1_000 })
    expect(result.requests + result.dropped + result.errors.total).toBe(301)
    expect((await target.counts()).received).toBe(301 - result.dropped)
  })

  it('closes every socket on an abort', async () => {
    const target = await startTarget('load-http.mjs')
    const controller = new AbortController()
    const options = { url: target.url, connections: 20, signal: controller.signal }
    const { load, measured } = untilMeasured(new LoadGenerator(), options)
    const failed = rejection(load)
    await measured
    controller.abort(new Error('enough'))
    const error = await failed
    expect(error).toMatchObject({ name: 'AbortError', partial: { aborted: true } })
    // A request that was on its way may still come.
    const { received } = await target.counts()
    await new Promise((passed) => setTimeout(passed, 50))
    expect((await target.counts()).received).toBeLessThanOrEqual(received + 20)
  })

  it('says what the machine lacks where that opens no more connections', async () => {
    const target = await startTarget('load-http.mjs')
    const script = `${USES}
      const load = { url: ${JSON.stringify(target.url)}, rate: 50, connections: 300, duration: 700 }
      const { saturated, generator, samples } = await new LoadGenerator().generateLoad(load)
      console.log(JSON.stringify({ saturated, reason: generator.reason, connections: samples.at(-1).connections }))`
    const limited = spawn(
      '/bin/sh',
      ['-c', 'ulimit -n 150; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [line] = (await once(limited.stdout, 'data')) as [Buffer]
    const { saturated, reason, connections } = JSON.parse(line.toString())
    expect({ saturated, reason }).toEqual({ saturated: true, reason: expect.stringMatching(/EMFILE.*ulimit -n/) })
    expect(connections).toBeGreaterThan(20)
    expect(connections).toBeLessThan(150)
  })
})

describe('a load process', () => {
  it('that is killed loses its load, and the next load gets another one', async () => {
    const target = await startTarget('load-http.mjs')
    const generator = new LoadGenerator()
    const { load, measured } = untilMeasured(generator, { url: target.url })
    const failed = rejection(load)
    await measured
    const pid = pidOf()
    process.kill(pid, 'SIGKILL')
    const { message, partial } = await failed
    expect(message).toBe(`The load process (pid ${pid}) was ended by SIGKILL; the load it ran is lost`)
    expect(partial.requests).toBeGreaterThan(50)
    expect((await generator.generateLoad({ url: target.url, amount: 10 })).requests).toBe(10)
    expect(pidOf()).not.toBe(pid)
  })

  it('that is frozen is ended where it does not answer an abort', async () => {
    const target = await startTarget('load-http.mjs')
    const controller = new AbortController()
    const options = { url: target.url, signal: controller.signal }
    const { load, measured } = untilMeasured(new LoadGenerator(), options)
    const failed = rejection(load)
    await measured
    const pid = pidOf()
    process.kill(pid, 'SIGSTOP')
    controller.abort()
    expect((await failed).partial.requests).toBeGreaterThan(10)
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false)
  })

  // It may be starting, serving or dying.
  it('that was killed is not handed out again, at whatever moment it is asked for', async () => {
    const target = await startTarget('load-http.mjs')
    for (const microseconds of [0, 300, 2_000, 40_000]) {
      process.kill(pidOf(), 'SIGKILL')
      const until = performance.now() + microseconds / 1_000
      while (performance.now() < until);
      const loads = [1, 2].map(() => new LoadGenerator().generateLoad({ url: target.url, amount: 5 }))
      expect((await Promise.all(loads)).map(({ requests }) => requests)).toEqual([5, 5])
    }
  })

  it('that cannot be started says why', async () => {
    const { execPath } = process
    process.execPath = '/nowhere/node'
    try {
      const failed = new Promise<Error>((onError) => {
        const child = forkLoadChild({ onMessage() {}, onExit() {}, onDisconnect() {}, onError })
        expect(child.pid).toBe(undefined)
      })
      expect((await failed).message).toContain('ENOENT')
    } finally {
      process.execPath = execPath
    }
  })

  // Frozen, it does not see its channel close: then the watchdog ends it.
  it.for([false, true])('ends with the worker, whatever ends that (frozen: %s)', async (frozen) => {
    const target = await startTarget('load-http.mjs')
    const script = `${USES}
      const line = openLoadProcess({ onMessage() {}, onLost() {} })
      line.close()
      const load = { url: ${JSON.stringify(target.url)}, connections: 100, duration: 60_000, progressInterval: 100 }
      const tell = ({ requests }) => requests > 0 && console.log(line.pid)
      new LoadGenerator().generateLoad(load, tell).catch(() => {})`
    const worker = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(worker.stdout, 'data')) as [Buffer]
    const pid = Number.parseInt(line.toString(), 10)
    expect(isAlive(pid)).toBe(true)
    if (frozen) process.kill(pid, 'SIGSTOP')
    worker.kill('SIGKILL')
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
  })

  it('without a load lets the worker exit', async () => {
    const script = `${USES}
      warmLoadProcess()`
    const worker = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
    const [code] = (await once(worker, 'exit')) as [number]
    expect(code).toBe(0)
  })
})
