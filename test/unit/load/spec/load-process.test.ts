import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { LoadError } from '../../../../src/errors.ts'
import type { LoadReportMessage } from '../../../../src/load/messages.ts'
import { LoadGenerator } from '../../../../dist/load/spec/load-generator.js'
import { openLoadProcess } from '../../../../dist/load/spec/load-process.js'
import { startTarget } from './target.ts'

function openLine() {
  const messages: LoadReportMessage[] = []
  const lost: LoadError[] = []
  const line = openLoadProcess({
    onMessage: (message: LoadReportMessage) => messages.push(message),
    onLost: (error: LoadError) => lost.push(error),
  })
  return { line, messages, lost, pid: line.pid as number }
}

function pidInUse(): number {
  const { line, pid } = openLine()
  line.close()
  return pid
}

async function untilServing(): Promise<void> {
  const target = await startTarget('load-http.mjs')
  await new LoadGenerator().generateLoad({ url: target.url, amount: 1 })
}

describe('a load process that is killed', () => {
  it.for(['SIGKILL', 'SIGTERM', 'SIGABRT'] as const)('by %s is lost to all of its loads, once each', async (signal) => {
    const [one, other] = [openLine(), openLine()]
    expect(other.pid).toBe(one.pid)
    process.kill(one.pid, signal)
    await expect.poll(() => [one.lost.length, other.lost.length], { timeout: 5_000 }).toEqual([1, 1])
    expect(one.lost[0]?.message).toBe(
      `The load process (pid ${one.pid}) was ended by ${signal}; the load it ran is lost`,
    )
    await delay(150)
    expect([one.lost.length, other.lost.length]).toEqual([1, 1])
    expect(pidInUse()).not.toBe(one.pid)
  })

  it('while it starts, is replaced before the load notices', async () => {
    const target = await startTarget('load-http.mjs')
    for (let round = 0; round < 5; round += 1) {
      process.kill(pidInUse(), 'SIGKILL')
      await delay(round * 40)
      expect((await new LoadGenerator().generateLoad({ url: target.url, amount: 10 })).requests).toBe(10)
      process.kill(pidInUse(), 'SIGKILL')
    }
  })

  it('is not handed out again, at whatever moment it is asked for', async () => {
    const target = await startTarget('load-http.mjs')
    await untilServing()
    for (const microseconds of [0, 100, 300, 800, 2_000]) {
      process.kill(pidInUse(), 'SIGKILL')
      const until = performance.now() + microseconds / 1_000
      while (performance.now() < until);
      const loads = [1, 2].map(() => new LoadGenerator().generateLoad({ url: target.url, amount: 5 }))
      expect((await Promise.all(loads)).map(({ requests }) => requests)).toEqual([5, 5])
    }
  })

  it('by us, since it did not answer, is left at once', async () => {
    await untilServing()
    const { line, lost, pid } = openLine()
    const other = openLine()
    process.kill(pid, 'SIGSTOP')
    line.kill()
    expect(lost).toEqual([])
    expect(other.lost.map(({ message }) => message)).toEqual([expect.stringContaining('did not answer and was ended')])
    expect(pidInUse()).not.toBe(pid)
  })
})

it('a line that was closed hears nothing, sends nothing, and can be closed again', async () => {
  await untilServing()
  const { line, lost, messages, pid } = openLine()
  line.close()
  line.close()
  line.send({ type: 'stop', id: 'none' })
  const another = openLine()
  expect([another.pid, another.line.isShared()]).toEqual([pid, false])
  process.kill(pid, 'SIGKILL')
  await expect.poll(() => another.lost.length).toBe(1)
  expect([lost, messages]).toEqual([[], []])
})

it('that cannot be started is lost, with the reason', async () => {
  const { execPath } = process
  process.kill(pidInUse(), 'SIGKILL')
  await delay(100)
  process.execPath = '/nowhere/node'
  try {
    const { lost } = openLine()
    await expect.poll(() => lost.length).toBe(1)
    expect(lost[0]?.message).toMatch(/\(pid none\) could not be reached: .*ENOENT/)
  } finally {
    process.execPath = execPath
  }
  await untilServing()
})

it('a dozen loads in one test and of one signal warn of no listeners', async () => {
  const target = await startTarget('load-http.mjs')
  const warnings: string[] = []
  const onWarning = ({ message }: Error) => warnings.push(message)
  process.on('warning', onWarning)
  const [test, own] = [new AbortController(), new AbortController()]
  const generator = new LoadGenerator({ lifetime: { signal: test.signal } })
  const load = { url: target.url, amount: 5, connections: 1, signal: own.signal }
  const results = await Promise.all(Array.from({ length: 12 }, () => generator.generateLoad(load)))
  await delay(20)
  process.off('warning', onWarning)
  expect(results.map(({ requests }) => requests)).toEqual(results.map(() => 5))
  expect(warnings).toEqual([])
})
