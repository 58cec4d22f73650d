import { afterAll, describe, expect } from 'vitest'
import { casesOn, type Case } from './harness/cases.ts'
import { MAJORS } from './harness/installed-package.ts'
import { HEALTHY_SERVER, SILENT_SERVER } from './harness/programs.ts'
import { removeProjects } from './harness/run-vitest.ts'

afterAll(removeProjects)

const HEAD = (fake: string) => `
import { spawn } from 'node:child_process'
import { vi, beforeEach } from 'vitest'
import { test, expect, describe, checkServerHealth } from 'vitest-plugin-perf'
${fake}
const stubborn = { command: 'node stubborn.js', shutdown: { timeout: 300 } }

`
/** What the way of faking may change. */
const SHORT = `
test('the timers are fake', async ({ server }) => {
  const before = [Date.now(), performance.now()]
  const timer = setTimeout(() => {}, 1)
  const until = process.hrtime.bigint() + 20_000_000n
  for (let turn = 0; turn < 1e7 && process.hrtime.bigint() < until; turn++);
  expect(vi.isFakeTimers()).toBe(true)
  expect(Date.now()).toBe(before[0])
  clearTimeout(timer)
})
test('a load', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({ url: '/', rate: 200, duration: 500, warmup: { duration: 100 } })
  expect(result.requests).toBeGreaterThan(10)
  expect(result.duration).toBeGreaterThanOrEqual(500)
  expect(Math.abs(result.startedAt - real)).toBeLessThan(600_000)
})
test('a watch', async ({ server, memoryMonitor, loadGenerator }) => {
  const memory = await memoryMonitor.monitor(1_500)
  expect(memory.samples.length).toBeGreaterThan(2)
  const { value, samples } = await memoryMonitor.during(() => loadGenerator.generateLoad({ url: '/', rate: 200, duration: 1_000 }))
  expect(value.requests).toBeGreaterThan(10)
  expect(samples.at(-1).timestamp - samples[0].timestamp).toBeGreaterThan(200)
  expect(memory.duration).toBeGreaterThanOrEqual(1_500)
})
test('one at the end of its test', async ({ startServer }) => { await startServer(stubborn) })
`
/** What else waits, on its own timers. */
const REST = `
test('an abort', async ({ server, loadGenerator }) => {
  const controller = new AbortController()
  const load = loadGenerator.generateLoad({ url: '/', signal: controller.signal })
  loadGenerator.stop()
  expect((await load).aborted).toBe(true)
})
test('calls', async ({ memoryMonitor }) => {
  expect((await memoryMonitor.measure(() => {}, { iterations: 100 })).leak.verdict).not.toBe('leak')
})
test('a server that ignores SIGTERM', async ({ startServer }) => {
  const server = await startServer(stubborn)
  await server.restart()
  await server.stop()
})
test('a restart where signals are fake', async ({ startServer }) => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
  const server = await startServer({ command: 'node server.js' })
  const { pid } = server
  await server.restart()
  expect(server.pid).not.toBe(pid)
  await server.stop()
  expect(kill).not.toHaveBeenCalled()
  kill.mockRestore()
})
test('one that is never healthy', async ({ startServer }) => {
  await expect(startServer({ command: 'node silent.js', health: { timeout: 700 } })).rejects.toMatchObject({ code: 'PERF_SERVER_START' })
})
test('what a server waits for', async ({ startServer }) => {
  spawn('sh', ['-c', 'sleep 0.3; touch late'], { cwd: import.meta.dirname })
  await startServer({ command: 'node server.js', waitOn: ['file:late'] })
  await expect(startServer({ command: 'node server.js', waitOn: ['file:never'], health: { timeout: 300 } })).rejects.toThrow('file:never')
})
test('a health check that gets no answer', async ({ server }) => {
  expect((await checkServerHealth(server.url, { path: '/hang', timeout: 300 })).healthy).toBe(false)
  await expect(server).toBeHealthy()
})
`
const programs = {
  'server.js': HEALTHY_SERVER,
  'silent.js': SILENT_SERVER,
  'stubborn.js': `process.on('SIGTERM', () => {})\n${HEALTHY_SERVER}`,
}
const REAL = `const real = ${'${now}'}\n`

const WAYS: Record<string, Pick<Case, 'test' | 'pool'> & { fake: string; whole?: boolean }> = {
  'in the file': { fake: 'vi.useFakeTimers()' },
  'in a hook': { fake: 'beforeEach(() => { vi.useFakeTimers() })' },
  'of every kind, by the config': {
    fake: 'vi.useFakeTimers()',
    whole: true,
    test: `fakeTimers: { toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'Date', 'performance', 'hrtime', 'queueMicrotask'] },`,
  },
  'of a set-up file': { fake: '', test: `setupFiles: ['./fake.ts'],` },
  'in a worker thread': { fake: 'vi.useFakeTimers()', pool: 'vmThreads' },
}

describe.each(MAJORS)('under fake timers on Vitest %i', (major) => {
  const testCase = casesOn(major)

  for (const [way, { fake, whole = false, ...options }] of Object.entries(WAYS)) {
    const files = {
      ...programs,
      'fake.ts': `import { vi } from 'vitest'\nvi.useFakeTimers()`,
      'a.test.ts': REAL.replace('${now}', String(Date.now())) + HEAD(fake) + SHORT + (whole ? REST : ''),
    }
    testCase(way, { perf: `{ server: { command: 'node server.js' } }`, ...options, files }, async (run) => {
      expect(run.output).toContain(`Tests  ${whole ? 11 : 4} passed`)
      expect(run.exitCode).toBe(0)
      expect(await run.leftovers()).toEqual([])
    })
  }
})
