import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { repository, type Major } from '../harness/installed-package.ts'
import { removeProjects, runVitest, type Pool } from '../harness/run-vitest.ts'

afterAll(removeProjects)

const command = `exec node ${join(repository, 'test/programs/server-ok.mjs')}`

const specOf = (sequential: number) => `
import { test as plain, expect } from 'vitest'
import { test, describe } from 'vitest-plugin-perf'
import { readdirSync, readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')
const look = async () => {
  await new Promise((done) => setTimeout(done, 200))
  gc(); gc()
  const handles = process.getActiveResourcesInfo().filter((name) => !/Immediate|Timeout|FSReq|MessagePort/.test(name))
  const zombies = readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).filter((name) => {
    try { return new RegExp('\\\\) Z ' + process.pid + ' ').test(readFileSync('/proc/' + name + '/stat', 'latin1')) } catch { return false }
  }).length
  return { handles: handles.toSorted(), descriptors: readdirSync('/proc/self/fd').length, zombies, heap: process.memoryUsage().heapUsed }
}
const pids = new Set()
let before
const use = async ({ server }) => { pids.add(server.pid); expect((await server.health()).healthy).toBe(true) }
for (let count = 0; count < 20; count += 1) test('warm-up ' + count, use)
plain('before', async () => { before = await look() })
for (let count = 0; count < ${sequential - 20}; count += 1) test('one after the other ' + count, use)
plain('after all of these', async () => {
  const { heap, ...after } = await look()
  const { heap: heapBefore, ...same } = before
  expect(after).toEqual(same)
  expect(pids.size).toBe(${sequential})
  // Vitest keeps every test's result and fixtures until its file is over; a server that is gone must weigh little there.
  expect((heap - heapBefore) / ${sequential - 20}).toBeLessThan(32_000)
})
describe('at once', () => {
  for (let count = 0; count < 8; count += 1) test.concurrent('at once ' + count, use)
})
plain('after 8 at once', async () => {
  const { heap: _, ...after } = await look()
  const { heap: __, ...same } = before
  expect(after).toEqual(same)
  expect(pids.size).toBe(${sequential + 8})
})
`

describe.runIf(process.platform === 'linux')('a server for each test', () => {
  test.for<[Major, Pool, number]>([
    [4, 'forks', 60],
    [5, 'threads', 60],
  ])(
    'nothing grows in the worker (Vitest %i, %s, %i tests)',
    { timeout: 150_000 },
    async ([major, pool, sequential]) => {
      const run = await runVitest({
        major,
        pool,
        perf: JSON.stringify({ server: { command, health: { timeout: 60_000 } } }),
        test: `maxConcurrency: 8, testTimeout: 60_000,`,
        timeout: 140_000,
        files: { 'many.test.js': specOf(sequential) },
      })
      expect(run.output).toContain(`${sequential + 11} passed`)
      expect(run.exitCode).toBe(0)
      expect(await run.leftovers()).toEqual([])
    },
  )
})
