import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { casesOn } from './harness/cases.ts'
import { MAJORS } from './harness/installed-package.ts'
import { HEALTHY_SERVER } from './harness/programs.ts'
import { removeProjects, runVitest } from './harness/run-vitest.ts'

afterAll(removeProjects)

const IMPORT = `import { test, expect, describe, checkServerHealth, resolveServerUrl, LoadGenerator } from 'vitest-plugin-perf'\n`

let running: Server
let served = 0
beforeAll(async () => {
  running = createServer((_request, response) => {
    served += 1
    response.end('from outside')
  })
  await new Promise<void>((resolve) => running.listen(0, '127.0.0.1', resolve))
})
afterAll(() => void running.close())

const runningUrl = () => `http://127.0.0.1:${(running.address() as AddressInfo).port}`

interface Report {
  tests: {
    path: string[]
    state: string
    loads: { outcome: string; result: { requests: number; aborted: boolean } }[]
  }[]
}

describe.each(MAJORS)('the whole path on Vitest %i', (major) => {
  const testCase = casesOn(major, { workers: 1 })

  test('a running server from the environment: nothing is started, and its durations win', async () => {
    served = 0
    const run = await runVitest({
      major,
      perf: `{ server: { command: 'node must-not-start.js' }, load: { duration: 60_000 } }`,
      env: { VITEST_PERF_SERVER_URL: `${runningUrl()}/`, VITEST_PERF_LOAD_DURATION: '400' },
      files: {
        'a.test.ts': `${IMPORT}
          test('uses it', async ({ server, loadGenerator }) => {
            expect(server.url).toBe('${runningUrl()}')
            expect(server.pid).toBeUndefined()
            expect(resolveServerUrl()).toBe(server.url)
            expect((await checkServerHealth()).healthy).toBe(true)
            const result = await loadGenerator.generateLoad({ url: '/x' })
            expect(result.duration).toBeLessThan(2_000)
            console.log('requests ' + result.requests)
          })`,
      },
    })
    expect(run.output).toContain('1 passed')
    const requests = Number(/requests (\d+)/.exec(run.output)?.[1])
    expect(served).toBeGreaterThanOrEqual(requests)
    expect(requests).toBeGreaterThan(10)
    expect(await run.leftovers()).toEqual([])
  })

  test('a running server that is not there is an error that names it', async () => {
    const run = await runVitest({
      major,
      perf: `{ server: { url: 'http://127.0.0.1:9' } }`,
      env: { VITEST_PERF_HEALTH_TIMEOUT: '300' },
      files: { 'a.test.ts': `${IMPORT}test('is not there', ({ server }) => { server.url })` },
    })
    expect(run.exitCode).toBe(1)
    expect(run.output).toContain('http://127.0.0.1:9')
    expect(run.output).toContain('refused')
  })

  test('the result so far of a test that timed out is in every report', async () => {
    const run = await runVitest({
      major,
      reporter: '',
      perf: `{ server: { command: 'node server.js' } }`,
      test: `reporters: [['perf', { json: 'perf.json', html: 'perf.html' }], ['junit', { outputFile: 'junit.xml' }]]`,
      files: {
        'server.js': HEALTHY_SERVER,
        'a.test.ts': `${IMPORT}
          test('times out', async ({ server, loadGenerator }) => {
            await loadGenerator.generateLoad({ title: 'cut short', url: '/', amount: 10_000_000 })
          }, 6_000)
          test('ends', async ({ server, loadGenerator }) => {
            const result = await loadGenerator.generateLoad({ title: 'whole', url: '/', amount: 50, duration: 5_000 })
            expect(result).toMeetThresholds({ requests: '==50' })
          })
          test('misses its threshold', async ({ server, loadGenerator }) => {
            const result = await loadGenerator.generateLoad({ title: 'fails', url: '/fail', amount: 50, duration: 5_000 })
            expect(result).toMeetThresholds({ errorRate: '<0.01', 'latency.p99': '<10000' })
          })`,
      },
    })
    expect(run.exitCode).toBe(1)
    const report = JSON.parse(await readFile(join(run.project, 'perf.json'), 'utf8')) as Report
    const cut = report.tests.find(({ path }) => path.includes('times out'))?.loads[0]
    expect(cut?.outcome).toBe('aborted')
    expect(cut?.result.requests).toBeGreaterThan(10)
    expect(cut?.result.aborted).toBe(true)
    const missed = report.tests.find(({ path }) => path.some((name) => name.startsWith('misses')))
    expect(missed?.state).toMatch(/^fail/)
    expect(run.output).toMatch(/errorRate < 1% +100% +✗/)
    expect(run.output).toMatch(/latency.p99 < 10 s +[\d.]+ ms +✓ holds/)
    const html = await readFile(join(run.project, 'perf.html'), 'utf8')
    for (const title of ['cut short', 'whole', 'fails']) expect(html).toContain(title)
    const junit = await readFile(join(run.project, 'junit.xml'), 'utf8')
    expect(junit).toMatch(/<property name="perf\.p99_ms" value="[\d.]+"/)
    expect(run.output).toContain('cut short')
    expect(await run.leftovers()).toEqual([])
  })

  testCase(
    'concurrent tests have a server each, and their loads do not know each other',
    {
      perf: `{ server: { command: 'node server.js' } }`,
      files: {
        'server.js': HEALTHY_SERVER,
        'a.test.ts': `${IMPORT}
          const ports = new Set()
          describe.concurrent('side by side', () => {
            for (const name of ['a', 'b', 'c']) {
              test(name, async ({ server, loadGenerator, expect }) => {
                ports.add(server.port)
                const result = await loadGenerator.generateLoad({ url: '/' + name, amount: 30, duration: 5_000 })
                expect(result.url).toBe(server.url + '/' + name)
                expect(result.requests).toBe(30)
              })
            }
          })
          test('three of them', () => expect(ports.size).toBe(3))`,
      },
    },
    async (run) => {
      expect(run.output).toContain('4 passed')
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'an abort rejects within 250 ms with the result so far, stop() resolves',
    {
      perf: `{ server: { command: 'node server.js' } }`,
      files: {
        'server.js': HEALTHY_SERVER,
        'a.test.ts': `${IMPORT}
          test('abort', async ({ server, loadGenerator }) => {
            const own = new AbortController()
            let aborted
            setTimeout(() => { aborted = performance.now(); own.abort(new Error('enough')) }, 600)
            const error = await loadGenerator.generateLoad({ url: '/hang', duration: 10_000, signal: own.signal }).catch((e) => e)
            console.log('took ' + Math.round(performance.now() - aborted))
            expect(error).toMatchObject({ name: 'AbortError', code: 'PERF_ABORTED', cause: { message: 'enough' }, partial: { aborted: true, requests: 0 } })
          })
          test('stop', async ({ server, loadGenerator }) => {
            setTimeout(() => loadGenerator.stop(), 600)
            const result = await loadGenerator.generateLoad({ url: '/', duration: 30_000 })
            expect(result.aborted).toBe(true)
            expect(result.requests).toBeGreaterThan(10)
            expect(result.duration).toBeLessThan(5_000)
          })
          test('refused', async () => {
            const started = performance.now()
            const error = await new LoadGenerator().generateLoad({ url: 'http://127.0.0.1:9/', duration: 10_000 }).catch((e) => e)
            expect(error).toMatchObject({ code: 'PERF_LOAD' })
            expect(error.message).toContain('127.0.0.1:9')
            expect(performance.now() - started).toBeLessThan(3_000)
          })`,
      },
    },
    async (run) => {
      expect(run.output).toContain('3 passed')
      expect(Number(/took (\d+)/.exec(run.output)?.[1])).toBeLessThan(400)
      expect(await run.leftovers()).toEqual([])
    },
  )
})
