import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { casesOn } from './harness/cases.ts'
import { MAJORS } from './harness/installed-package.ts'
import { HEALTHY_SERVER, SILENT_SERVER } from './harness/programs.ts'
import { removeProjects, runVitest } from './harness/run-vitest.ts'

afterAll(removeProjects)

const IMPORT = `import { test, expect, describe, startServer, resolveServerUrl, MemoryMonitor } from 'vitest-plugin-perf'\n`
const server = { perf: `{ server: { command: 'node server.js' } }` }
const files = (spec: string, others: Record<string, string> = {}) => ({
  'server.js': HEALTHY_SERVER,
  'a.test.ts': IMPORT + spec,
  ...others,
})

describe.each(MAJORS)('the fixtures on Vitest %i', (major) => {
  const testCase = casesOn(major, { report: true })

  for (const pool of ['forks', 'threads', 'vmForks', 'vmThreads'] as const) {
    testCase(
      `a server is driven and watched (${pool})`,
      {
        pool,
        ...server,
        files: files(`
        test('closed model', async ({ server, loadGenerator }) => {
          const seen = []
          const result = await loadGenerator.generateLoad({ url: '/', connections: 4, duration: 1_200, progressInterval: 200 }, (p) => seen.push(p))
          expect(result).toMeetThresholds({ requests: '>50', 'errors.total': '==0', 'latency.p50': ['>0', '<500'] })
          expect(result.url).toBe(server.url + '/')
          expect(seen.length).toBeGreaterThanOrEqual(4)
          expect(seen.at(-1).progress).toBe(1)
          expect(seen.map((p) => p.requests)).toEqual(seen.map((p) => p.requests).toSorted((a, b) => a - b))
        })
        test('watched', async ({ server, loadGenerator, memoryMonitor }) => {
          const memory = await memoryMonitor.during(() => loadGenerator.generateLoad({ url: '/', rate: 200, duration: 1_500 }))
          // Those that were due: a busy machine drops some.
          expect(memory.value.requests + memory.value.dropped).toBeGreaterThan(200)
          expect(memory.samples.length).toBeGreaterThan(3)
          expect(memory.peak.rss).toBeGreaterThan(1e6)
          const snapshot = await server.memory()
          expect(snapshot.heapUsed).toBeGreaterThan(1e6)
          expect(memoryMonitor.takeSnapshot().heapUsed).toBeGreaterThan(1e6)
        })`),
      },
      async (run) => {
        expect(run.output).toContain('2 passed')
        expect(run.exitCode).toBe(0)
        expect(await run.leftovers()).toEqual([])
      },
    )
  }

  testCase(
    'a test that times out in set-up, body or tear-down leaves nothing, and the next one runs',
    {
      ...server,
      files: files(
        `
        describe('set-up', () => {
          test.override('serverOptions', { command: 'node silent.js' })
          test('never healthy', async ({ server }) => { throw new Error('must not get here ' + server.url) }, 10_000)
        })
        test('body', async ({ server }) => { await new Promise(() => {}) }, 5_000)
        test('load', async ({ loadGenerator, server }) => {
          // Not refused: an amount may end in time, this one does not since nothing is answered.
          await loadGenerator.generateLoad({ url: '/hang', amount: 10 })
        }, 5_000)
        describe('tear-down', () => {
          test.override('serverOptions', { command: 'node stubborn.js', shutdown: { timeout: 300 } })
          test('ignores SIGTERM', async ({ server }) => { expect(server.pid).toBeGreaterThan(0) })
        })
        test('the next one', async ({ server }) => { await expect(server).toBeHealthy() })`,
        { 'silent.js': SILENT_SERVER, 'stubborn.js': `process.on('SIGTERM', () => {})\n${HEALTHY_SERVER}` },
      ),
    },
    async (run) => {
      expect(run.output).toContain('3 failed | 2 passed')
      expect(run.output).not.toContain('must not get here')
      expect(run.output).toContain('listening, but silent')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a retry runs with a living signal and a server of its own',
    {
      ...server,
      files: files(`
        let attempts = 0
        const pids = new Set()
        test('second attempt', { retry: 2, timeout: 8_000 }, async ({ server, loadGenerator }) => {
          attempts += 1
          pids.add(server.pid)
          if (attempts === 1) await new Promise(() => {})
          const result = await loadGenerator.generateLoad({ url: '/', amount: 20, duration: 1_000 })
          expect(result.requests).toBe(20)
          expect(pids.size).toBe(2)
        })`),
    },
    async (run) => {
      expect(run.output).toContain('1 passed')
      expect(run.exitCode).toBe(0)
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a retry after a start that failed starts again',
    {
      perf: `{ server: { command: 'node flaky.js' } }`,
      files: files(
        `
        test('fails to start once', { retry: 1 }, async ({ server }) => { await expect(server).toBeHealthy() })
        test('is silent once', { retry: 1, timeout: 8_000 }, async ({ server }) => { await expect(server).toBeHealthy() })`,
        {
          'flaky.js': `import { existsSync, writeFileSync } from 'node:fs'
            if (!existsSync('once')) { writeFileSync('once', ''); console.log('no luck'); process.exit(3) }
            if (existsSync('second') && !existsSync('third')) { writeFileSync('third', ''); await new Promise((r) => setTimeout(r, 60_000)) }
            writeFileSync('second', '')
            ${HEALTHY_SERVER.replace('import { createServer }', 'const { createServer }').replace("from 'node:http'", "= await import('node:http')")}`,
        },
      ),
    },
    async (run) => {
      expect(run.output).toContain('2 passed')
      expect(run.exitCode).toBe(0)
      expect(await run.leftovers()).toEqual([])
    },
  )

  const sharing = (scope: string) => `
      const pids = new Set()
      describe('${scope}', () => {
        test('one', ({ server }) => { pids.add(server.pid); console.log('pid of ${scope} is', server.pid) })
        test('two', async ({ server }) => { pids.add(server.pid); expect(pids.size).toBe(1); await expect(server).toBeHealthy() })
      })`
  testCase(
    'scope file shares one server',
    {
      perf: `{ server: { command: 'node server.js', scope: 'file' } }`,
      files: files(sharing('file')),
    },
    async (run) => {
      expect(run.output).toContain('2 passed')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'scope worker shares one server',
    {
      perf: `{ server: { command: 'node server.js', scope: 'worker' } }`,
      test: 'isolate: false, fileParallelism: false, sequence: { groupOrder: 1 },',
      files: files(sharing('worker'), { 'b.test.ts': IMPORT + sharing('worker') }),
    },
    async (run) => {
      expect(run.output).toContain('4 passed')
      const pids = [...run.output.matchAll(/pid of worker is (\d+)/g)].map((match) => match[1])
      expect(pids).toHaveLength(2)
      expect(new Set(pids).size).toBe(1)
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a shared server that dies fails the test it died in, in the report too, and not the next',
    {
      perf: `{ server: { command: 'node server.js', scope: 'file' } }`,
      files: files(`
        test('first', async ({ server }) => { await expect(server).toBeHealthy() })
        // Its end reaches us only after the body of the test.
        test('deadly', async ({ server }) => { await fetch(server.url + '/crash').catch(() => {}) })
        test('next', async ({ server }) => { await expect(server).toBeHealthy() })`),
    },
    async (run) => {
      expect(run.output).toContain('1 failed | 2 passed')
      // Two other tests of this run have the same cause, which the report tells once with the names of all.
      expect(run.report).toMatch(
        /the server `node server\.js` died during the test with code 7: about to crash\n(?: {5,}.+\n)*? {5,}deadly\n/,
      )
      expect(run.output).toContain('about to crash')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a shared server that is never ready tells its story within the test, and does not hold the file',
    {
      perf: `{ server: { command: 'node silent.js', scope: 'file' } }`,
      files: files(`test('never', async ({ server }) => { server.url }, 5_000)`, { 'silent.js': SILENT_SERVER }),
    },
    async (run) => {
      expect(run.output).toContain('1 failed')
      expect(run.output).toContain('ServerStartError')
      expect(run.output).toContain('listening, but silent')
      expect(run.duration).toBeLessThan(20_000)
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a load that its failed test left behind is not taken for the cause',
    {
      ...server,
      files: files(`
        test('left behind', async ({ server, loadGenerator }) => {
          const { writeFileSync } = await import('node:fs')
          const load = loadGenerator.generateLoad({ url: '/', duration: 20_000 })
          load.catch((error) => writeFileSync(import.meta.dirname + '/ended.txt', error.code + ' ' + error.cause.message))
          await new Promise((resolve) => setTimeout(resolve, 500))
          expect('the real reason').toBe('something else')
          await load
        })`),
    },
    async (run) => {
      // Not by the console: what is printed after a test has ended may be lost with its worker.
      expect(readFileSync(join(run.project, 'ended.txt'), 'utf8')).toContain('PERF_ABORTED The test is over')
      expect(run.report).toMatch(/• .*left behind.*the real reason/)
      expect(run.output).not.toContain('server under load is gone')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a crash in mid-test fails that test with the story, and stops its load',
    {
      ...server,
      files: files(`
        test('under load', async ({ server, loadGenerator }) => {
          setTimeout(() => fetch(server.url + '/crash').catch(() => {}), 500)
          await loadGenerator.generateLoad({ url: '/', duration: 20_000 })
        })
        test('swallowed', async ({ server }) => {
          await fetch(server.url + '/crash').catch(() => {})
          await new Promise((resolve) => setTimeout(resolve, 300))
        })
        test('the next one', async ({ server }) => { await expect(server).toBeHealthy() })`),
    },
    async (run) => {
      expect(run.output).toContain('2 failed | 1 passed')
      expect(run.output).toContain('about to crash')
      expect(run.output).toMatch(/(code|exit).{0,20}7/i)
      expect(run.duration).toBeLessThan(20_000)
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'several servers in one test, and none in the environment of the child',
    {
      ...server,
      files: files(
        `
        test('two more', async ({ server, startServer }) => {
          const [a, b] = await Promise.all([startServer({ command: 'node server.js' }), startServer({ module: './listener.js' })])
          expect(new Set([server.port, a.port, b.port]).size).toBe(3)
          expect(await (await fetch(b.url + '/x')).text()).toBe('from a module')
          const env = await (await fetch(server.url + '/env')).json()
          expect(env.NODE_ENV).toBe('production')
          expect(Object.keys(env).filter((name) => /^VITEST(?!_PERF)|^TEST$|^(MODE|DEV|PROD|SSR|BASE_URL)$/.test(name))).toEqual([])
        })`,
        { 'listener.js': `export default (request, response) => response.end('from a module')` },
      ),
    },
    async (run) => {
      expect(run.output).toContain('1 passed')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'no server, a wrong command, a load longer than its test: each says what to do',
    {
      files: files(`
        test('none configured', async ({ server }) => { server.url })
        test('no such command', async ({ startServer }) => { await startServer({ command: 'no-such-command-anywhere' }) })
        test('both at once', async ({ startServer }) => { await startServer({ command: 'a', url: 'nowhere', port: -1 }) })
        test('too long', async ({ startServer, loadGenerator }) => {
          const { url } = await startServer({ command: 'node server.js' })
          await loadGenerator.generateLoad({ url, duration: 30_000 })
        }, 8_000)
        test('all bad', async ({ loadGenerator }) => { await loadGenerator.generateLoad({ url: 'nope', duration: 0, connectons: 4 }) })`),
    },
    async (run) => {
      expect(run.output).toContain('5 failed')
      expect(run.output).toMatch(/command.*module.*url/s)
      expect(run.output).toContain('no-such-command-anywhere')
      expect(run.output).toMatch(/timeout/)
      expect(run.output).toContain('did you mean `connections`')
      expect(run.output).toContain('`duration`')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a server of `startServer` that dies ends the load against it and fails its test; others go on',
    {
      perf: `{ server: { command: 'node server.js' } }`,
      files: files(
        `
        const kill = (server) => setTimeout(() => process.kill(server.pid, 'SIGKILL'), 400)
        test('loaded', async ({ startServer, loadGenerator }) => {
          const own = await startServer({ command: 'exec node server.js' })
          kill(own)
          await loadGenerator.generateLoad({ url: own.url, duration: 20_000 })
        })
        test('unseen', async ({ startServer }) => {
          const own = await startServer({ command: 'exec node server.js' })
          kill(own)
          await new Promise((resolve) => setTimeout(resolve, 900))
        })
        test('another', async ({ startServer, server, loadGenerator }) => {
          const own = await startServer({ command: 'exec node server.js' })
          kill(own)
          const { duration } = await loadGenerator.generateLoad({ url: '/', duration: 1_000 })
          console.log('LOADED', duration >= 1_000)
        })`,
      ),
    },
    async (run) => {
      expect(run.output).toContain('3 failed')
      expect(
        run.output.match(/was ended by SIGKILL after [\d.]+ m?s while a test used it/g)?.length,
      ).toBeGreaterThanOrEqual(3)
      expect(run.output).toContain('LOADED true')
      expect(run.duration).toBeLessThan(18_000)
      expect(await run.leftovers()).toEqual([])
    },
  )

  test('a test that fails leaves its loads and watches behind without a second failure, and prints no figures', async () => {
    const run = await runVitest({
      major,
      ...server,
      files: files(`
        test('fails', async ({ server, loadGenerator, memoryMonitor }) => {
          const load = loadGenerator.generateLoad({ url: '/', duration: 3_000 })
          const watch = memoryMonitor.monitor(3_000)
          const both = memoryMonitor.during(() => loadGenerator.generateLoad({ url: '/', duration: 3_000 }))
          await new Promise((resolve) => setTimeout(resolve, 300))
          expect(1).toBe(2)
          await Promise.all([load, watch, both])
        })
        test('leaves', async ({ server, loadGenerator }) => { void loadGenerator.generateLoad({ url: '/', duration: 3_000 }) })
        test('is aborted', async ({ server, loadGenerator }) => {
          await loadGenerator.generateLoad({ url: '/', duration: 3_000, signal: AbortSignal.timeout(300) })
        })`),
    })
    // The one that leaves its load to itself has forgotten an `await`.
    expect(run.output).toContain('3 failed')
    expect(run.output).toContain('`loadGenerator.generateLoad()` still ran')
    expect(run.output).not.toMatch(/Unhandled/)
    expect(run.output).not.toContain('latencySpectrum')
    expect(await run.leftovers()).toEqual([])
  })

  testCase(
    'what is done in `afterEach` has the time of the hook, and concurrent tests must say whose URL they mean',
    {
      ...server,
      files: files(
        `
        describe('hook', () => {
          test.afterEach(async ({ server, loadGenerator }) => {
            const { duration } = await loadGenerator.generateLoad({ url: '/', duration: 4_000 })
            console.log('AFTER', duration >= 4_000)
          })
          test('short', { timeout: 6_000 }, async ({ server }) => { await new Promise((resolve) => setTimeout(resolve, 2_500)) })
        })
        let [came, asked] = [0, 0]
        describe.concurrent('at once', () => {
          test.for([1, 2])('%i', async (_, { server, expect }) => {
            came += 1
            await expect.poll(() => came, { timeout: 20_000 }).toBe(2)
            expect(() => resolveServerUrl()).toThrow(/concurrently/)
            expect(resolveServerUrl(server.url)).toBe(server.url)
            asked += 1
            await expect.poll(() => asked, { timeout: 20_000 }).toBe(2)
          })
        })
        test('alone again', ({ server }) => { expect(resolveServerUrl()).toBe(server.url) })`,
      ),
    },
    async (run) => {
      expect(run.output).toContain('4 passed')
      expect(run.output).toContain('AFTER true')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a standalone monitor looks into a standalone server; one that was given by its URL is watched by who listens',
    {
      ...server,
      files: files(`
        test('standalone', async () => {
          const own = await startServer({ command: 'node server.js' })
          const memory = await new MemoryMonitor().monitor(500, { target: own })
          expect(memory.kind).toBe('node')
          await own.stop()
        })
        describe('given', () => {
          let own
          test.beforeAll(async () => { own = await startServer({ command: 'node server.js' }) })
          test.afterAll(() => own.stop())
          test.override({ serverOptions: ({}, use) => use({ url: own.url }) })
          test('by its URL', async ({ server, memoryMonitor, loadGenerator }) => {
            const memory = await memoryMonitor.during(() => loadGenerator.generateLoad({ url: '/', duration: 500 }))
            expect(memory.kind).toBe('process')
            expect(memory.peak.rss).toBeGreaterThan(1e7)
            expect(memory).not.toLeakMemory()
          })
        })`),
    },
    async (run) => {
      expect(run.output).toContain('2 passed')
      expect(run.exitCode).toBe(0)
      expect(await run.leftovers()).toEqual([])
    },
  )
})
