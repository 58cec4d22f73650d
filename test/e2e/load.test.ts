import { afterAll, describe, expect, test } from 'vitest'
import { MAJORS } from './harness/installed-package.ts'
import { removeProjects, runVitest, startVitest } from './harness/run-vitest.ts'

afterAll(removeProjects)

// Counts what it serves: the truth that results are held against.
const COUNTING_SERVER = `
import { createServer } from 'node:http'
let served = 0
const paced = []
createServer((request, response) => {
  if (request.url === '/served') return response.end(String(served))
  if (request.url === '/paced-record') return response.end(JSON.stringify(paced))
  if (request.url === '/health') return response.end('ok')
  served += 1
  // Answers nothing from 500 to 800 ms after the first.
  if (request.url === '/paced') {
    const arrived = performance.timeOrigin + performance.now()
    const into = arrived - (paced[0]?.arrived ?? arrived)
    response.on('finish', () => paced.push({ arrived, took: performance.timeOrigin + performance.now() - arrived }))
    return setTimeout(() => response.end('hello'), into > 500 && into < 800 ? 800 - into : 0)
  }
  if (request.url === '/hang') return
  if (request.url === '/crash') { console.log('out of luck'); process.exit(7) }
  response.end('hello')
}).listen(process.env.PORT, process.env.HOST)
`
const server = { perf: `{ server: { command: 'node server.js' } }` }
const files = (spec: string) => ({
  'server.js': COUNTING_SERVER,
  'a.test.ts': `import { test, expect, PerfAbortError, PerfOptionsError, LoadError } from 'vitest-plugin-perf'\n${spec}`,
})

const SPEC = `
const served = async (server) => Number(await (await fetch(server.url + '/served')).text())

test('agrees with the server', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({ url: '/', connections: 5, duration: 700 })
  const truth = await served(server)
  expect(result.errors.total).toBe(0)
  expect(result.requests + result.unanswered).toBeGreaterThanOrEqual(truth)
  expect(result.requests).toBeLessThanOrEqual(truth)
})

test('is on time while this thread is busy', async ({ server, loadGenerator }) => {
  const load = loadGenerator.generateLoad({ url: '/', rate: 200, duration: 1_000, progressInterval: 100, connections: 50 })
  for (let turn = 0; turn < 8; turn += 1) {
    const until = performance.now() + 120
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const result = await load
  expect(result.requests + result.dropped).toBe(200)
  // Rows of 100 ms; a busy machine may join two.
  expect(result.samples.length).toBeGreaterThanOrEqual(7)
  expect(result.samples.length).toBeLessThanOrEqual(11)
  expect(await served(server)).toBe(result.requests)
})

test('sends when due, and measures from then', async ({ server, loadGenerator }) => {
  const rate = 400
  const result = await loadGenerator.generateLoad({ url: '/paced', rate, duration: 1_500, connections: 200 })
  const record = await (await fetch(server.url + '/paced-record')).json()
  expect(record.length).toBe(result.requests)
  expect(result.requests + result.unanswered).toBe(600)
  const bins = Array.from({ length: 15 }, () => 0)
  const first = Math.min(...record.map(({ arrived }) => arrived))
  for (const { arrived } of record) bins[Math.min(14, Math.floor((arrived - first) / 100))] += 1
  // A busy machine takes from one bin and gives to the next; never from most of them.
  expect(bins.filter((count) => Math.abs(count - rate / 10) <= 4).length).toBeGreaterThanOrEqual(8)
  // A fifth of all waits, evenly up to 300 ms; on a busy machine for longer, and then the server's own record is the truth.
  const truth = record.map(({ took }) => took).sort((a, b) => a - b)
  for (const [ratio, name, analytic] of [[0.9, 'p90', 150], [0.95, 'p95', 225], [0.99, 'p99', 285]]) {
    const served = truth[Math.ceil(ratio * truth.length) - 1]
    expect(result.latency[name]).toBeGreaterThan(Math.max(analytic, served) * 0.9)
    expect(result.latency[name]).toBeLessThan(served * 1.1 + 15 + result.generator.lateness)
  }
})

test('aborts with what was measured', async ({ server, loadGenerator }) => {
  const controller = new AbortController()
  const load = loadGenerator.generateLoad({ url: '/hang', signal: controller.signal })
  const other = loadGenerator.generateLoad({ url: '/', connections: 2, duration: 900 })
  setTimeout(() => controller.abort(new Error('enough')), 500)
  const error = await load.catch((error) => error)
  expect(error).toBeInstanceOf(PerfAbortError)
  expect(error).toMatchObject({ name: 'AbortError', code: 'PERF_ABORTED', partial: { unanswered: 10, requests: 0, aborted: true } })
  expect(error.cause.message).toBe('enough')
  expect((await other).duration).toBeGreaterThanOrEqual(900)
})

test('refuses what it has no time for', { timeout: 8_000 }, async ({ server, loadGenerator }) => {
  const error = await loadGenerator.generateLoad({ url: '/', duration: 10_000 }).catch((error) => error)
  expect(error).toBeInstanceOf(PerfOptionsError)
  expect(error.message).toMatch(/timeout: 1[1-9]000/)
  expect(await served(server)).toBe(0)
})

test('lists thresholds', async ({ server, loadGenerator }) => {
  const error = await loadGenerator
    .generateLoad({ url: '/', amount: 50, thresholds: { requests: '==50', errorRate: '>0.5' } })
    .catch((error) => error)
  expect(error).toBeInstanceOf(LoadError)
  expect(error.message).toMatch(/requests ==50[^]*errorRate >0.5/)
  expect(error.partial.requests).toBe(50)
})

test('stops', async ({ server, loadGenerator }) => {
  const load = loadGenerator.generateLoad({ url: '/' })
  await new Promise((resolve) => setTimeout(resolve, 500))
  await loadGenerator.stop()
  expect(await load).toMatchObject({ aborted: true })
})
`

describe.each(MAJORS)('load on Vitest %i', (major) => {
  // The figures are made in the load process, whatever the pool; every pool on every major drives a load in fixtures.test.ts.
  const pool = major === 4 ? 'forks' : 'vmThreads'
  test(`holds what it promises (${pool})`, async () => {
    const run = await runVitest({ major, pool, ...server, files: files(SPEC) })
    expect(run.output).toContain('7 passed')
    expect(run.exitCode).toBe(0)
    expect(await run.leftovers()).toEqual([])
  })

  test('a server that dies, and a test that times out, end the load at once', async () => {
    const run = await runVitest({
      major,
      ...server,
      files: files(`
        test('dies', async ({ server, loadGenerator }) => {
          await loadGenerator.generateLoad({ url: '/crash', duration: 20_000 })
        })
        test('times out', { timeout: 3_000 }, async ({ server, loadGenerator }) => {
          await loadGenerator.generateLoad({ url: '/', amount: 1e9 })
        })
        test('next', async ({ server, loadGenerator }) => {
          expect((await loadGenerator.generateLoad({ url: '/', amount: 10 })).requests).toBe(10)
        })`),
    })
    expect(run.output).toContain('2 failed')
    expect(run.output).toContain('1 passed')
    expect(run.output).toContain('out of luck')
    expect(run.output).toContain('Test timed out in 3000ms')
    expect(run.duration).toBeLessThan(18_000)
    expect(await run.leftovers()).toEqual([])
  })

  const other = major === 4 ? 'threads' : 'forks'
  test(`no load process outlives a killed run (${other})`, async () => {
    const vitest = await startVitest({
      major,
      pool: other,
      ...server,
      files: files(`
        test('long', async ({ server, loadGenerator }) => {
          await loadGenerator.generateLoad({ url: '/', duration: 30_000, connections: 50, progressInterval: 100 }, (p) => p.requests > 0 && console.log('under way'))
        })`),
    })
    await vitest.waitFor(/under way/)
    vitest.child.kill('SIGKILL')
    const run = await vitest.finished
    expect(await run.leftovers(4_000)).toEqual([])
  })
})
