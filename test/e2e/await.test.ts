import { afterAll, describe, expect } from 'vitest'
import { casesOn } from './harness/cases.ts'
import { MAJORS } from './harness/installed-package.ts'
import { HEALTHY_SERVER } from './harness/programs.ts'
import { removeProjects } from './harness/run-vitest.ts'

afterAll(removeProjects)

const IMPORT = `import { test, expect, describe, LoadGenerator, MemoryMonitor, checkServerHealth, startServer } from 'vitest-plugin-perf'\nimport { afterEach, test as plain } from 'vitest'\n`
const perf = `{ server: { command: 'node server.js' } }`
const files = (spec: string) => ({ 'server.js': HEALTHY_SERVER, 'a.test.ts': IMPORT + spec })

describe.each(MAJORS)('a promise that must be awaited, on Vitest %i', (major) => {
  const testCase = casesOn(major)

  testCase(
    'fails the test whose body ends before it, and shows the call',
    {
      perf,
      files: files(`
        const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
        test('a load', async ({ server, loadGenerator }) => {
          loadGenerator.generateLoad({ url: '/', duration: 5_000, thresholds: { requests: '>1' } })
        })
        test('a load without the server fixture', async ({ loadGenerator }) => {
          loadGenerator.generateLoad({ url: 'http://127.0.0.1:9/', duration: 5_000 })
        })
        test('a watch', async ({ memoryMonitor }) => { memoryMonitor.monitor(5_000) })
        test('a watch of work', async ({ memoryMonitor }) => { memoryMonitor.during(() => pause(3_000)) })
        test('calls', async ({ memoryMonitor }) => {
          memoryMonitor.measure(() => pause(1), { iterations: 5_000 })
        })
        test('a restart', async ({ server }) => { server.restart() })
        test('a start', async ({ startServer }) => { startServer({ command: 'node server.js' }) })
        test('a search', async ({ server, loadGenerator }) => {
          loadGenerator.findCapacity({ url: '/', from: 20, duration: 5_000, thresholds: { errorRate: '==0' } })
        })
        test('a comparison', async ({ compareServers }) => {
          compareServers({ base: { command: 'node server.js' }, load: { url: '/' }, duration: 20_000 })
        })
        test('two', async ({ server, loadGenerator, memoryMonitor }) => {
          memoryMonitor.during(() => loadGenerator.generateLoad({ url: '/', duration: 5_000 }))
          await pause(500)
        })
        test('a race', async ({ server, loadGenerator }) => {
          await Promise.race([loadGenerator.generateLoad({ url: '/', duration: 5_000 }), pause(300)])
        })
        plain('a load without fixtures', () => {
          new LoadGenerator().generateLoad({ url: 'http://127.0.0.1:9/', duration: 300 })
        })
        plain('a watch and a start without fixtures', () => {
          new MemoryMonitor().monitor(300)
          startServer({ command: 'exit 1' })
        })
        plain('checks', () => {
          checkServerHealth('http://127.0.0.1:9')
          expect('http://127.0.0.1:9').not.toBeHealthy()
        })
        plain('awaited without fixtures', async () => {
          await new MemoryMonitor().monitor(100)
          expect((await checkServerHealth('http://127.0.0.1:9')).healthy).toBe(false)
        })`),
    },
    async (run) => {
      expect(run.output).toContain('14 failed | 1 passed')
      for (const call of [
        'loadGenerator.generateLoad()',
        'memoryMonitor.monitor()',
        'memoryMonitor.during()',
        'memoryMonitor.measure()',
        'loadGenerator.findCapacity()',
        'compareServers()',
        'server.restart()',
        'startServer()',
        'checkServerHealth()',
        'expect(…).toBeHealthy()',
      ]) {
        const message = `\`${call}\` still ran when the test's body had ended, so nothing was judged by it. Await it: \`await ${call}\`.`
        expect(run.output).toContain(message)
      }
      // The code frame is of the call.
      expect(run.output).toMatch(/❯ a\.test\.ts:\d+:\d+\n/)
      expect(run.output).not.toMatch(/Unhandled|dist\/vitest/)
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'is left in peace where somebody awaits, stops or aborts it, or the test has failed already',
    {
      perf,
      files: files(`
        const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
        const options = { url: '/', duration: 400 }
        test('awaited together', async ({ server, loadGenerator, memoryMonitor }) => {
          const [load, memory] = await Promise.all([loadGenerator.generateLoad(options), memoryMonitor.monitor(500)])
          expect([load.aborted, memory.aborted]).toEqual([false, false])
        })
        test('awaited later', async ({ server, loadGenerator }) => {
          const load = loadGenerator.generateLoad(options)
          await pause(100)
          expect((await load).requests).toBeGreaterThan(0)
        })
        test('over in time', async ({ server, loadGenerator }) => {
          let over
          loadGenerator.generateLoad({ url: '/', amount: 5 }).then((result) => (over = result))
          await expect.poll(() => over, { timeout: 5_000 }).toBeTruthy()
        })
        test('stopped', async ({ server, loadGenerator }) => {
          const load = loadGenerator.generateLoad({ url: '/', duration: 20_000 })
          await pause(300)
          expect(await loadGenerator.stop()).toBe(await load)
        })
        test('stopped at the end', async ({ server, loadGenerator, onTestFinished }) => {
          const load = loadGenerator.generateLoad({ url: '/', duration: 20_000 })
          onTestFinished(async () => { await loadGenerator.stop(); expect((await load).requests).toBeGreaterThan(0) })
          await pause(300)
        })
        test('awaited at the end', async ({ server, loadGenerator, onTestFinished }) => {
          const load = loadGenerator.generateLoad(options)
          onTestFinished(async () => { expect((await load).aborted).toBe(false) })
        })
        test('aborted by its caller', async ({ server, loadGenerator }) => {
          const controller = new AbortController()
          loadGenerator.generateLoad({ url: '/', signal: controller.signal }).catch(() => {})
          await pause(300)
          controller.abort()
        })
        describe('hooks', () => {
          let load
          afterEach(async () => { expect((await load).aborted).toBe(false) })
          test('awaited after it', async ({ server, loadGenerator }) => { load = loadGenerator.generateLoad(options) })
        })
        test('failed', async ({ server, loadGenerator }) => {
          const load = loadGenerator.generateLoad({ url: '/', duration: 20_000 })
          throw new Error('its own failure')
        })`),
    },
    async (run) => {
      expect(run.output).toContain('1 failed | 8 passed')
      expect(run.output).toContain('its own failure')
      expect(run.output).not.toMatch(/still ran|Unhandled/)
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'is refused by the matchers, with the word to add',
    {
      perf,
      files: files(`
        test('a load', async ({ server, loadGenerator }) => {
          expect(loadGenerator.generateLoad({ url: '/', amount: 5 })).toMeetThresholds({ requests: '>1' })
        })
        test('not', async ({ server, loadGenerator }) => {
          expect(loadGenerator.generateLoad({ url: '/', amount: 5 })).not.toMeetThresholds({ requests: '>1' })
        })
        test('a watch', async ({ memoryMonitor }) => { expect(memoryMonitor.monitor(300)).not.toLeakMemory() })
        test('a server', async ({ startServer }) => {
          await expect(startServer({ command: 'node server.js' })).toBeHealthy()
        })
        test('resolves', async ({ server, loadGenerator }) => {
          await expect(loadGenerator.generateLoad({ url: '/', amount: 5 })).resolves.toMeetThresholds({ requests: '==5' })
        })`),
    },
    async (run) => {
      expect(run.output).toContain('4 failed | 1 passed')
      for (const matcher of ['toMeetThresholds', 'toLeakMemory', 'toBeHealthy']) {
        expect(run.output).toContain(`got a promise; await what you give it: \`expect(await …).${matcher}()\``)
      }
      expect(run.output).not.toContain('Unhandled')
      expect(await run.leftovers()).toEqual([])
    },
  )
})
