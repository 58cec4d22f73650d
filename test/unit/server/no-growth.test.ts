import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { startServer } from '../../../dist/server/start.js'
import { watchdogPid } from '../../../dist/lifecycle/watchdog.js'

const server = join(resolve(import.meta.dirname, '../../programs'), 'server-ok.mjs')
const descriptors = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0)
const handles = () => process.getActiveResourcesInfo().toSorted().join()

async function settled(): Promise<void> {
  await new Promise((done) => setTimeout(done, 100))
}

const quick = async () => (await startServer({ command: 'exec sleep 60', health: false })).stop()
const real = async () => (await startServer({ command: `exec node ${server}` })).stop()

async function expectNoGrowth(work: () => Promise<void>): Promise<void> {
  await real()
  await settled()
  const before = { descriptors: descriptors(), handles: handles() }
  await work()
  await settled()
  expect({ descriptors: descriptors(), handles: handles() }).toEqual(before)
  expect(watchdogPid()).toBeUndefined()
}

// They wait for events alone: how long a hundred starts take is the machine's matter.
test('a hundred servers one after the other leave no handle and no descriptor', { timeout: 180_000 }, async () => {
  await expectNoGrowth(async () => {
    for (let count = 0; count < 100; count += 1) await (count % 10 === 0 ? real() : quick())
  })
})

test('twenty servers at once have ports of their own, and leave none either', async () => {
  await expectNoGrowth(async () => {
    const started = await Promise.all(
      Array.from({ length: 20 }, () => startServer({ command: `exec node ${server}`, health: { timeout: 60_000 } })),
    )
    expect(new Set(started.map(({ port }) => port)).size).toBe(20)
    await Promise.all(started.map((one) => one.stop()))
  })
}, 60_000)

test('servers that fail to start leave none either', async () => {
  await expectNoGrowth(async () => {
    const failing = (options: object) => expect(startServer(options as never)).rejects.toThrow()
    await Promise.all([
      failing({ command: 'exit 3' }),
      failing({ command: 'sleep 60', health: { timeout: 300 } }),
      failing({ command: 'x', cwd: '/none' }),
      failing({ command: 'x', env: { A: 'a\0b' } }),
      failing({ url: 'http://127.0.0.1:1' }),
    ])
  })
})
