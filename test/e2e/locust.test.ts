import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { findFreePort } from '../../src/server/port.ts'
import { MAJORS } from './harness/installed-package.ts'
import { removeProjects, runVitest } from './harness/run-vitest.ts'
import { hasLocust, startWorker } from './harness/workers.ts'

afterAll(removeProjects)

/** Keeps the path of each request in the order in which they came. */
const SERVER = `
import { createServer } from 'node:http'
let paths = []
createServer((request, response) => {
  if (request.url === '/health') return response.end('ok')
  if (request.url === '/paths') return response.end(JSON.stringify(paths.splice(0)))
  paths.push(request.url)
  response.end('ok')
}).listen(process.env.PORT, process.env.HOST)
`
const SCENARIO = `
import { ending } from './ending.ts'
export default async function visit(user: any) {
  await user.get('/account/' + user.take('accounts').name + ending, { name: 'account' })
  await user.get('/unique/' + user.unique(), { name: 'unique' })
}
`
const SPEC = `
import { test, expect, mergeLatency } from 'vitest-plugin-perf'
const paths = async (server) => (await fetch(server.url + '/paths')).json()
const sorted = (list) => list.toSorted((a, b) => a - b)

test('rate', async ({ server, loadGenerator }) => {
  const requests = Array.from({ length: 60 }, (_, index) => ({ path: '/' + index, name: 'all' }))
  const result = await loadGenerator.generateLoad({ url: '/', requests, rate: 30, duration: 2_000, connections: 60 })
  expect(result.requests + result.unanswered).toBe(60)
  const arrived = (await paths(server)).map((path) => Number(path.slice(1)))
  expect(sorted(arrived)).toEqual(requests.map((_, index) => index))
  // Arrival k of the load is element k of the list, so the order at the target shows whether the workers keep step.
  const outOfStep = arrived.map((index, position) => Math.abs(index - position))
  expect(Math.max(...outOfStep)).toBeLessThan(20)
  const { p50, p99, max } = mergeLatency([result])
  expect([p50, p99, max]).toEqual([result.latency.p50, result.latency.p99, result.latency.max])
  expect(result.samples.reduce((sum, row) => sum + row.requests, 0)).toBe(result.requests)
  expect(result.startedAt).toBeLessThan(Date.now())
})
test('amount', async ({ server, loadGenerator }) => {
  const seen = []
  const result = await loadGenerator.generateLoad({ url: '/', amount: 1_001, connections: 7 }, ({ requests }) => seen.push(requests))
  expect(result).toMeetThresholds({ requests: '==1001', 'errors.total': '==0' })
  expect(await paths(server)).toHaveLength(1_001)
  expect(seen.at(-1)).toBe(1_001)
})
test('stages', async ({ server, loadGenerator }) => {
  const stages = [{ duration: 500, rate: 100 }, { duration: 500, rate: 0 }]
  const result = await loadGenerator.generateLoad({ url: '/', stages, connections: 50 })
  expect(await paths(server)).toHaveLength(50 - result.dropped)
  expect(result.stages).toHaveLength(2)
})
test('scenario', async ({ server, loadGenerator }) => {
  const accounts = Array.from({ length: 20 }, (_, index) => ({ name: index }))
  const options = { scenario: './visit.ts', data: { accounts, when: new Date(0) }, virtualUsers: 5, amount: 20 }
  const result = await loadGenerator.generateLoad(options)
  expect(result).toMeetThresholds({ 'iterations.count': '==20', 'iterations.failed': '==0', requests: '==40' })
  const all = await paths(server)
  const names = all.filter((path) => path.startsWith('/account/'))
  expect(sorted(names.map((path) => Number(path.split('/')[2].split('.')[0])))).toEqual(accounts.map(({ name }) => name))
  expect(new Set(all).size).toBe(40)
})
test('stop', async ({ server, loadGenerator }) => {
  const load = loadGenerator.generateLoad({ url: '/', duration: 30_000 })
  await expect.poll(() => loadGenerator.requestsCompleted(), { timeout: 20_000 }).toBeGreaterThan(10)
  await loadGenerator.stop()
  const result = await load
  expect(result.aborted).toBe(true)
  expect(result.requests).toBeGreaterThan(10)
})
test.runIf(process.env.PAGE)("Locust's page shows the load, and its stop button ends it", async ({ server, loadGenerator }) => {
  const page = async (path) => (await fetch('http://127.0.0.1:' + process.env.PAGE + path)).json()
  const load = loadGenerator.generateLoad({ url: '/', requests: [{ path: '/shown' }], rate: 50, duration: 30_000 })
  const shown = async () => {
    const { state, user_count, stats } = await page('/stats/requests')
    const row = stats.find(({ name }) => name === '/shown')
    return state === 'running' && user_count === 10 && row?.method === 'GET' && row.num_requests > 50 && row.median_response_time > 0
  }
  await expect.poll(shown, { timeout: 25_000, interval: 200 }).toBe(true)
  await page('/stop')
  const result = await load
  expect(result.aborted).toBe(true)
  expect(result.duration).toBeLessThan(29_000)
})
`

describe.runIf(hasLocust).each(MAJORS)('workers of a Locust master on Vitest %i', (major) => {
  test('run one load with one result, and the next', async () => {
    const port = await findFreePort()
    const workers = [1, 2].map((processes) => {
      const worker = startWorker(['--master', `127.0.0.1:${port}`, '--processes', String(processes)])
      onTestFinished(() => void worker.child.kill('SIGKILL'))
      return worker
    })
    // One major with Locust's own page, one without.
    const page = major === 5 ? await findFreePort() : undefined
    const web = page === undefined ? '' : `, web: ${page}`
    const engine = `{ use: 'locust', workers: 2, listen: '127.0.0.1:${port}'${web} }`
    const run = await runVitest({
      major,
      perf: `{ server: { command: 'node server.js' }, load: { engine: ${engine} } }`,
      files: {
        'server.js': SERVER,
        'visit.ts': SCENARIO,
        'ending.ts': `export const ending = '.html'`,
        'a.test.js': SPEC,
      },
      env: page === undefined ? {} : { PAGE: String(page) },
      timeout: 100_000,
    })
    expect(run.output).toContain(page === undefined ? '5 passed | 1 skipped' : '6 passed')
    if (page !== undefined) expect(run.output).toContain(`Locust shows this load on http://127.0.0.1:${page}`)
    expect(await run.leftovers()).toEqual([])
    const codes = await Promise.all(workers.map((worker) => worker.stop()))
    expect(codes).toEqual([0, 0])
    for (const worker of workers) {
      expect(worker.output().match(/joined the master/g)).toHaveLength(1)
      expect(worker.output().match(/ requests, /g)).toHaveLength(page === undefined ? 5 : 6)
    }
    // A share of a third for each of three load processes: of the whole, to the request.
    expect(workers.map((worker) => /GET \/ on \S+ (\d+) requests/.exec(worker.output())?.[1])).toEqual(['334', '667'])
  })
})
