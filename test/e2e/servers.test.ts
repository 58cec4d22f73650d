import { afterAll, describe, expect, test } from 'vitest'
import { casesOn } from './harness/cases.ts'
import { MAJORS } from './harness/installed-package.ts'
import { HEALTHY_SERVER } from './harness/programs.ts'
import { removeProjects, runVitest } from './harness/run-vitest.ts'

afterAll(removeProjects)

const IMPORT = `import { test, expect, describe, startServer, checkServerHealth, resolveServerUrl } from 'vitest-plugin-perf'\n`
const server = { perf: `{ server: { command: 'node server.js' } }` }
const files = (spec: string, others: Record<string, string> = {}) => ({
  'server.js': HEALTHY_SERVER,
  'a.test.ts': IMPORT + spec,
  ...others,
})
/** Fails to start at every odd time. */
const EVERY_OTHER = `import { existsSync, rmSync, writeFileSync } from 'node:fs'
const flag = 'failed-' + process.env.WHO
if (!existsSync(flag)) { writeFileSync(flag, ''); console.error('Error: no luck'); process.exit(3) }
rmSync(flag)
await import('./server.js')`
/** Starts once, and never again. */
const ONLY_ONCE = `import { existsSync, writeFileSync } from 'node:fs'
const flag = 'started-' + process.env.WHO
if (existsSync(flag)) { console.error('Error: no second time'); process.exit(4) }
writeFileSync(flag, '')
await import('./server.js')`

describe.each(MAJORS)('servers on Vitest %i', (major) => {
  const testCase = casesOn(major)

  const bodies = {
    nothing: '({ server }) => { void server }',
    load: `async ({ server, loadGenerator }) => { await loadGenerator.generateLoad({ url: '/', amount: 5, duration: 2_000 }) }`,
    watch: `async ({ server, memoryMonitor }) => { expect((await memoryMonitor.monitor(300)).kind).toBe('node') }`,
    check: `async ({ server }) => { expect(await checkServerHealth()).toMatchObject({ healthy: true }) }`,
    url: `({ server }) => { expect(resolveServerUrl()).not.toBe('http://127.0.0.1:3000') }`,
  }
  const spec = Object.entries(bodies).map(
    ([name, body]) => `describe('${name}', () => {
        test.override('serverOptions', { command: 'node every-other.js', env: { WHO: '${name}' } })
        test('is rescued', { retry: 1 }, ${body})
      })`,
  )
  // What a user builds on `server` throws in its set-up, which Vitest 4 takes for set up.
  const built = `for (const [who, own] of [
      ['object', test.extend({ home: async ({ server }, use) => { const { url } = server; await use(() => fetch(url)) } })],
      ['builder', test.extend('home', async ({ server }) => { const { url } = server; return () => fetch(url) })],
    ]) describe(who, () => {
      own.override('serverOptions', { command: 'node every-other.js', env: { WHO: who } })
      own('is rescued', { retry: 1 }, async ({ home }) => { expect((await home()).status).toBe(200) })
    })`
  const lost = Object.entries(bodies).map(
    ([name, body]) => `describe('${name}', () => {
        test.override('serverOptions', { command: 'node -e "console.error(\\'Error: never\\'); process.exit(5)"' })
        test('is lost', { retry: 1 }, ${body})
      })`,
  )
  const others = { 'every-other.js': EVERY_OTHER, 'lost.test.ts': IMPORT + lost.join('\n') }
  testCase(
    'a retry rescues a start that failed, whatever the test does with its server',
    { ...server, files: files([...spec, built].join('\n'), others) },
    async (run) => {
      expect(run.output).toContain('5 failed | 7 passed')
      expect(run.output.match(/ServerStartError: The server exited with code 5/g)?.length).toBeGreaterThanOrEqual(5)
      // Nothing else was tried in place of the server.
      expect(run.output).not.toMatch(/Expected `url`|127\.0\.0\.1:3000|this process/)
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'memory is read of a server that is being restarted, also where nothing was read before',
    {
      ...server,
      files: files(`
        test('a restart in the work', async ({ server, memoryMonitor, loadGenerator }) => {
          const memory = await memoryMonitor.during(async () => {
            await server.restart()
            await loadGenerator.generateLoad({ url: '/', duration: 500 })
          })
          expect(memory.kind).toBe('node')
        })
        test('a restart just after the start of a watch', async ({ server, memoryMonitor }) => {
          const watching = memoryMonitor.monitor(1_500)
          await server.restart()
          expect((await watching).kind).toBe('node')
        })
        for (const pause of [0, 20, 100]) {
          test('a watch and a reading ' + pause + ' ms into a restart', async ({ server, memoryMonitor }) => {
            const restarted = server.restart()
            await new Promise((resolve) => setTimeout(resolve, pause))
            const [memory, snapshot] = await Promise.all([memoryMonitor.monitor(1_000), server.memory()])
            expect(memory.kind).toBe('node')
            expect(snapshot.heapUsed).toBeGreaterThan(0)
            await restarted
          })
        }
        test('many watches at once warn of nothing', async ({ server, memoryMonitor }) => {
          const warnings = []
          const listen = (warning) => warnings.push(String(warning))
          process.on('warning', listen)
          await Promise.all(Array.from({ length: 14 }, () => memoryMonitor.monitor(300)))
          await new Promise((resolve) => setTimeout(resolve, 50))
          process.off('warning', listen)
          expect(warnings).toEqual([])
        })`),
    },
    async (run) => {
      expect(run.output).toContain('6 passed (6)')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a server that a load starts is the target of nothing that began before, and no other target stands in for it',
    {
      ...server,
      files: files(`
        test('watched too early', async ({ loadGenerator, memoryMonitor }) => {
          const error = await memoryMonitor.during(() => loadGenerator.generateLoad({ url: '/', amount: 5 })).catch((error) => error)
          expect(error.code).toBe('PERF_MEMORY')
          expect(error.message).toMatch(/watched this process and not the server\\. Name the .server. fixture/)
        })
        test('watched too early, and the work failed', async ({ loadGenerator, memoryMonitor }) => {
          const work = () => loadGenerator.generateLoad({ url: '/', amount: 5, thresholds: { requests: '>1000' } })
          const error = await memoryMonitor.during(work).catch((error) => error)
          expect([error.code, error.message]).toEqual(['PERF_LOAD', expect.stringContaining('requests >1000')])
        })
        test('itself, as asked for', async ({ loadGenerator, memoryMonitor }) => {
          const work = () => loadGenerator.generateLoad({ url: '/', amount: 5 })
          expect((await memoryMonitor.during(work, { target: 'self' })).kind).toBe('node')
        })
        describe('that does not start', () => {
          test.override('serverOptions', { command: 'node -e "process.exit(3)"' })
          test('is told to whatever stands on it', async ({ loadGenerator, memoryMonitor }) => {
            const start = await loadGenerator.generateLoad({ url: '/', amount: 5 }).catch((error) => error)
            expect(start.code).toBe('PERF_SERVER_START')
            for (const ask of [() => checkServerHealth(), () => resolveServerUrl(), () => memoryMonitor.monitor(300)])
              await expect((async () => ask())()).rejects.toBe(start)
          })
          test('is no error of what stands elsewhere', async ({ loadGenerator, memoryMonitor, startServer }) => {
            await loadGenerator.generateLoad({ url: '/', amount: 5 }).catch(() => {})
            const other = await startServer({ command: 'node server.js' })
            expect((await loadGenerator.generateLoad({ url: other.url, amount: 5 })).requests).toBe(5)
            for (const target of [other, other.pid]) expect((await memoryMonitor.monitor(200, { target })).samples).not.toEqual([])
          })
        })`),
    },
    async (run) => {
      expect(run.output).toContain('5 passed (5)')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    '`test.aroundEach` has the fixtures until it returns, and nothing is left behind it',
    {
      ...server,
      test: 'hookTimeout: 6_000,',
      files: {
        'server.js': HEALTHY_SERVER,
        'a.test.ts': `${IMPORT}
        test.aroundEach(async (run, { server, memoryMonitor }) => {
          const memory = await memoryMonitor.during(() => run())
          expect(memory.samples).not.toEqual([])
          expect((await fetch(server.url)).status).toBe(200)
        })
        test('watched', async ({ server, loadGenerator }) => {
          expect((await loadGenerator.generateLoad({ url: '/', duration: 400 })).requests).toBeGreaterThan(0)
        })
        let attempts = 0
        test('in a second attempt', { retry: 1 }, async ({ server }) => {
          attempts += 1
          expect((await fetch(server.url)).status).toBe(200)
          expect(attempts).toBe(2)
        })`,
        'b.test.ts': `${IMPORT}
        test.aroundEach(async (run, { server, loadGenerator }) => {
          await run()
          expect(server.signal.aborted).toBe(false)
          expect((await loadGenerator.generateLoad({ url: '/', amount: 5, duration: 2_000 })).requests).toBe(5)
        })
        test('a load after it', async ({ server }) => { expect((await fetch(server.url)).status).toBe(200) })`,
        'c.test.ts': `${IMPORT}
        const urls = []
        const isGone = (url) => fetch(url).then(() => false, () => true)
        describe('does not run its test', () => {
          test.aroundEach(async (run, { server }) => { urls.push(server.url); throw new Error('no run of it') })
          test('not run', () => {})
        })
        describe('has a body that forgets an await', () => {
          test.aroundEach(async (run, { server, memoryMonitor }) => { urls.push(server.url); await memoryMonitor.during(() => run()); await new Promise((resolve) => setTimeout(resolve, 800)) })
          test('is told', async ({ server, loadGenerator }) => { void loadGenerator.generateLoad({ url: '/', duration: 300 }) })
        })
        describe('has a server that does not start', () => {
          test.override('serverOptions', { command: 'node -e "process.exit(3)"' })
          test.aroundEach(async (run, { server }) => { await run() })
          test('is not run', () => {})
        })
        describe('is slow at first', () => {
          test.aroundEach(async (run, { server }) => { urls.push(server.url); await new Promise((resolve) => setTimeout(resolve, 1_500)); await run() })
          test('has all of its time', { timeout: 4_000 }, async ({ loadGenerator }) => {
            expect((await loadGenerator.generateLoad({ url: '/', amount: 5, duration: 2_000 })).requests).toBe(5)
          })
        })
        describe('hangs behind its test', () => {
          test.aroundEach(async (run, { server }) => { urls.push(server.url); await run(); await new Promise(() => {}) })
          test('hangs', async ({ server }) => { expect((await fetch(server.url)).status).toBe(200) })
        })
        describe('loses its server behind its test', () => {
          test.aroundEach(async (run, { server }) => { urls.push(server.url); await run(); await fetch(server.url + '/crash').catch(() => {}); await new Promise((resolve) => setTimeout(resolve, 300)) })
          test('is not green', async ({ server }) => { expect((await fetch(server.url)).status).toBe(200) })
        })
        test('nothing is left of them', async () => {
          expect(urls).toHaveLength(5)
          // With others at work it would be refused: no attempt has gone on.
          expect(resolveServerUrl()).toBe('http://127.0.0.1:3000')
          await expect.poll(async () => (await Promise.all(urls.map(isGone))).every(Boolean), { timeout: 5_000 }).toBe(true)
        })`,
      },
    },
    async (run) => {
      expect(run.output).toContain('5 failed | 5 passed (10)')
      expect(run.output).toContain('no run of it')
      expect(run.output).toMatch(/hangs behind its test[^]*aroundEach[^]*timed out|timed out[^]*hangs behind its test/)
      expect(run.output).toContain('exited with code 7')
      expect(run.output).toContain('exited with code 3')
      expect(run.output).toContain('`loadGenerator.generateLoad()` still ran when the test')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a test that stubs `URL`, as browser code makes it do, breaks nothing of ours',
    {
      ...server,
      files: files(
        `
        import { vi } from 'vitest'
        test('stubbed', async ({ server, loadGenerator, memoryMonitor }) => {
          vi.stubGlobal('URL', { createObjectURL: () => 'blob:' })
          try {
            expect((await loadGenerator.generateLoad({ url: '/', amount: 5 })).requests).toBe(5)
            expect((await memoryMonitor.monitor(300)).samples).not.toEqual([])
            expect(await checkServerHealth()).toMatchObject({ healthy: true })
            expect(resolveServerUrl()).toBe(server.url)
            await server.restart()
            expect(await server.health()).toMatchObject({ healthy: true })
          } finally {
            vi.unstubAllGlobals()
          }
        })
        test('and afterwards', async ({ server, memoryMonitor }) => {
          expect((await memoryMonitor.monitor(300)).samples).not.toEqual([])
        })`,
      ),
    },
    async (run) => {
      expect(run.output).toContain('2 passed (2)')
      expect(await run.leftovers()).toEqual([])
    },
  )

  // Vitest tells the rejection that nobody handles as an error of the run.
  test('a restart that fails fails its test and stands in the report, whether it is awaited or not', async () => {
    const run = await runVitest({
      major,
      reporter: 'perf',
      files: files(
        `
        for (const who of ['awaited', 'caught', 'forgotten']) describe(who, () => {
          test.override('serverOptions', { command: 'node only-once.js', env: { WHO: who } })
          test('restarts', async ({ server }) => {
            const restarting = server.restart()
            if (who === 'awaited') await restarting
            if (who === 'caught') await restarting.catch(() => {})
            if (who === 'forgotten') await new Promise((resolve) => server.signal.addEventListener('abort', resolve))
          })
        })`,
        { 'only-once.js': ONLY_ONCE },
      ),
    })
    expect(run.output).toContain('3 failed')
    expect(run.output).toContain('The restarted server exited with code 4')
    expect(run.output).toContain('Error: no second time')
    expect(await run.leftovers()).toEqual([])
  })

  testCase(
    'a steady 404 is told once after 3 s, and at once in the next tests of the file',
    {
      perf: `{ server: { command: 'node lost.js' } }`,
      files: files(
        `
        const took = {}
        for (const name of ['first', 'second', 'third']) test(name, ({ server }) => { throw new Error('must not get here ' + server.url) })
        test('started by hand', async ({ startServer }) => { await startServer({ command: 'node lost.js' }) })`,
        {
          'lost.js': `import { createServer } from 'node:http'
            createServer((_, response) => response.writeHead(404).end('nothing here')).listen(Number(process.env.PORT), process.env.HOST)`,
        },
      ),
    },
    async (run) => {
      expect(run.output).toContain('4 failed')
      expect(run.output).not.toContain('must not get here')
      const told = [
        ...run.output.matchAll(/ServerStartError: (The server is up, but GET \S+ answered 404 for 3 s\..*)/g),
      ]
      expect(told.length).toBeGreaterThanOrEqual(1)
      expect(new Set(told.map(([, words]) => words)).size).toBe(1)
      expect(run.duration).toBeLessThan(25_000)
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a shared server is there in hooks of the suite; without a scope the error says what to do',
    {
      perf: `{ server: { command: 'node server.js', scope: 'file' } }`,
      files: files(
        `
        let pid
        test.beforeAll(async ({ server }) => {
          pid = server.pid
          expect((await fetch(server.url)).status).toBe(200)
        })
        test.afterAll(({ server }) => console.log('SAME AFTER', server.pid === pid))
        test('shares it', ({ server }) => { expect(server.pid).toBe(pid) })
        describe('of its own', () => {
          let own
          test.override('serverOptions', { command: 'node server.js', scope: 'file', env: { OWN: '1' } })
          test.beforeAll(async ({ server: given }) => { own = given.pid; expect(own).not.toBe(pid) })
          test('shares that', ({ server }) => { expect(server.pid).toBe(own) })
        })
        const extended = test.extend({ answer: 42 })
        extended.beforeAll(({ server }) => { expect(server.pid).toBe(pid) })
        extended('shares it with the test it is made from', ({ server, answer }) => { expect(server.pid).toBe(pid) })
        describe('with a hook around it', () => {
          let around
          test.aroundAll(async (run, { server }) => {
            around = server.pid
            await run()
            console.log('SAME AROUND', (await fetch(server.url)).status)
          })
          test('is inside', ({ server }) => { expect([server.pid, around]).toEqual([pid, pid]) })
        })`,
        {
          'b.test.ts': `${IMPORT}
            test.override('serverOptions', { command: 'node server.js' })
            test.beforeAll(({ server }) => { server.url })
            test('not reached', ({ server }) => { server.url })`,
        },
      ),
    },
    async (run) => {
      expect(run.output).toMatch(/4 passed/)
      expect(run.output).toContain('SAME AFTER true')
      expect(run.output).toContain('SAME AROUND 200')
      expect(run.output).toMatch(/Expected `server\.scope` to be 'file' or 'worker' where `test\.beforeAll`/)
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a load on a path starts the server of a test that does not name it',
    {
      ...server,
      files: files(`
        test('by a path', async ({ loadGenerator }) => {
          const loads = await Promise.all([1, 2].map(() => loadGenerator.generateLoad({ url: '/', amount: 5, duration: 2_000 })))
          expect(new Set(loads.map(({ url }) => url)).size).toBe(1)
          expect(loads[0].requests).toBe(5)
        })`),
    },
    async (run) => {
      expect(run.output).toContain('1 passed')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'loads and health checks on an HTTPS server take its certificate',
    {
      perf: `{ server: { module: './secure.js' } }`,
      files: files(
        `
        test('secure', async ({ server, loadGenerator }) => {
          expect(server.url).toMatch(/^https:/)
          await expect(server).toBeHealthy()
          expect((await checkServerHealth()).healthy).toBe(true)
          const result = await loadGenerator.generateLoad({ url: '/', amount: 10, duration: 3_000 })
          expect(result).toMeetThresholds({ 'errors.total': '==0', requests: '==10' })
          const strict = await loadGenerator.generateLoad({ url: '/', amount: 3, duration: 3_000, tls: { rejectUnauthorized: true } }).catch((error) => error)
          expect(String(strict.message ?? JSON.stringify(strict.errors))).toMatch(/certificate|SELF_SIGNED/i)
        })`,
        {
          'secure.js': `import { readFileSync } from 'node:fs'
            import { createServer } from 'node:https'
            const file = (name) => readFileSync(${JSON.stringify(`${import.meta.dirname}/../programs/load-tls/`)} + name)
            export default createServer({ key: file('key.pem'), cert: file('cert.pem') }, (_, response) => response.end('ok'))`,
        },
      ),
    },
    async (run) => {
      expect(run.output).toContain('1 passed')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'a shell that ends just when its server is ready fails the test at once',
    {
      perf: `{ server: { command: 'nohup node server.js & sleep 0.4' } }`,
      files: files(`
        for (const name of ['one', 'two', 'three']) {
          test(name, async ({ server }) => { expect((await fetch(server.url)).status).toBe(200); await new Promise((resolve) => setTimeout(resolve, 1_000)) }, 15_000)
        }`),
    },
    async (run) => {
      expect(run.output).toContain('3 failed')
      expect(run.output).not.toMatch(/timed out in/)
      expect(run.duration).toBeLessThan(20_000)
      expect(await run.leftovers()).toEqual([])
    },
  )
})
