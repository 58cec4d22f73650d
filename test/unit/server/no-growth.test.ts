import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { startServer } from '../../../dist/server/start.js'
import { watchdogPid } from '../../../dist/lifecycle/watchdog.js'

const server = join(resolve(import.meta.dirname, '../../programs'), 'server-ok.mjs')
const descriptors = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0)
const handles = () => process.getActiveResourcesInfo().toSorted().join()

const quick = async () => (await startServer({ command: 'exec sleep 60', health: false })).stop()
const real = async () => (await startServer({ command: `exec node ${server}` })).stop()

/** What was closed is off the lists a turn or two later. Not `expect.poll`: its timers are handles themselves. */
async function until(isSo: () => boolean): Promise<void> {
  for (let look = 0; look < 200 && !isSo(); look += 1) await new Promise((done) => setTimeout(done, 50))
}

async function expectNoGrowth(work: () => Promise<void>): Promise<void> {
  const held = () => ({ descriptors: descriptors(), handles: handles(), watchdog: watchdogPid() })
  await real()
  // The pipes of a process that is gone are closed after it.
  await until(() => watchdogPid() === undefined && !/ProcessWrap|ShutdownWrap/.test(handles()))
  const before = held()
  await work()
  await until(() => isDeepStrictEqual(held(), before))
  expect(held()).toEqual(before)
}

// They wait for events alone: how long a start takes is the machine's matter. What one start leaves behind, ten leave tenfold: the
// comparison is exact, so more of them would find no more.
test('ten servers one after the other leave no handle and no descriptor', { timeout: 60_000 }, async () => {
  await expectNoGrowth(async () => {
    for (let count = 0; count < 10; count += 1) await (count % 5 === 0 ? real() : quick())
  })
})

test('eight servers at once have ports of their own, and leave none either', async () => {
  await expectNoGrowth(async () => {
    const started = await Promise.all(
      Array.from({ length: 8 }, () => startServer({ command: `exec node ${server}`, health: { timeout: 60_000 } })),
    )
    expect(new Set(started.map(({ port }) => port)).size).toBe(8)
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
