import { afterAll, describe, expect, test } from 'vitest'
import { MAJORS } from './harness/installed-package.ts'
import { removeProjects, runVitest } from './harness/run-vitest.ts'

afterAll(removeProjects)

// `/items/…` is slow, each second answer of `/graph` is an error with status 200; `/counts` is what it served.
const SERVER = `
import { createServer } from 'node:http'
const served = {}
createServer((request, response) => {
  if (request.url === '/health') return response.end('ok')
  if (request.url === '/counts') return response.end(JSON.stringify(served))
  const route = request.url.split('/')[1]
  served[route] = (served[route] ?? 0) + 1
  if (route === 'items') return setTimeout(() => response.end('{"price":5}'), 40)
  const body = served[route] % 2 === 0 ? { errors: [{ message: 'no' }] } : { data: { id: 7 } }
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(body))
}).listen(process.env.PORT, process.env.HOST)
`

const SPEC = `
import { test, expect, LoadError, PerfOptionsError } from 'vitest-plugin-perf'

const requests = [
  { name: 'GET /items/:id', path: '/items/1' },
  { name: 'GET /items/:id', path: '/items/2', check: { body: { json: { price: 5 } } } },
  { path: '/graph', check: { body: { json: { errors: undefined }, matches: /data|errors/ }, headers: { 'content-type': /json/ } } },
]

test('keeps routes apart, and agrees with the server', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({ url: '/', requests, amount: 90, connections: 6 })
  expect(await (await fetch(server.url + '/counts')).json()).toEqual({ items: 60, graph: 30 })
  expect(result).toMeetThresholds({
    'byName["GET /items/:id"].requests': '==60',
    'byName["GET /items/:id"].latency.min': '>=39',
    'byName["GET /items/:id"].errors.total': '==0',
    'byName["GET /graph"].requests': '==30',
    'byName["GET /graph"].latency.p50': '<39',
    'byName["GET /graph"].errors.byKind.check.count': '==15',
    'byName["GET /graph"].errorRate': '==0.5',
    'checks["GET /items/:id"].passed': '==30',
    'checks["GET /graph"].rate': '==0.5',
    'errors.byKind.check.count': '==15',
    'errors.byKind.timeout.count': '==0',
    'statusCodes.200': '==90',
    'statusCodes.503': '==0',
    dropped: '==0',
  })
  expect(result.checks['GET /graph'].firstFailure).toBe('expected no errors in the body, got [{"message":"no"}]')
  for (const [figure, nearest] of [
    ['latency.p98', 'latency.p99'],
    ['rps', 'requestsPerSecond'],
    ['byName["GET /graf"].requests', '"GET /graph"'],
  ]) {
    expect(() => expect(result).toMeetThresholds({ [figure]: '<1' })).toThrow(PerfOptionsError)
    expect(() => expect(result).toMeetThresholds({ [figure]: '<1' })).toThrow(nearest)
    expect(() => expect(result).not.toMeetThresholds({ [figure]: '<1' })).toThrow(nearest)
  }
})

test('refuses what cannot be, before the first request', async ({ server, loadGenerator }) => {
  const thresholds = { 'byName["GET /item/:id"].latency.p95': '<80', 'latency.p98': '<5', errorRate: '0.1' }
  const error = await loadGenerator.generateLoad({ url: '/', requests, amount: 90, thresholds }).catch((error) => error)
  expect(error).toBeInstanceOf(PerfOptionsError)
  expect(error.issues).toHaveLength(3)
  expect(error.message).toMatch(/did you mean "GET .items.:id"[^]*did you mean .latency.p99[^]*\\n +latency.p98\\n +\\^/)
  expect(await (await fetch(server.url + '/counts')).json()).toEqual({})
})

test('ends by a threshold of one name', async ({ server, loadGenerator }) => {
  const thresholds = { 'checks["GET /graph"].failed': '<10' }
  const load = { url: '/', requests, duration: '30s', thresholds, abortOnFail: true }
  const error = await loadGenerator.generateLoad(load).catch((error) => error)
  expect(error).toBeInstanceOf(LoadError)
  expect(error.message).toMatch(/checks\\["GET .graph"\\].failed <10/)
  expect(error.partial.duration).toBeLessThan(15_000)
})
`

describe.each(MAJORS)('figures by name on Vitest %i', (major) => {
  const pool = major === 4 ? 'vmThreads' : 'forks'
  test(`are counted, checked and judged (${pool})`, async () => {
    const perf = `{ server: { command: 'node server.js', health: { timeout: '20s' } } }`
    const run = await runVitest({ major, pool, perf, files: { 'server.js': SERVER, 'a.test.ts': SPEC } })
    expect(run.output).toContain('3 passed')
    expect(run.exitCode).toBe(0)
    expect(await run.leftovers()).toEqual([])
  })

  test('a figure that cannot exist in the options of the plugin runs no test', async () => {
    const perf = `{ load: { thresholds: { 'latency.p98': '<50', 'statusCodes.503': 'none' }, timeout: '10' } }`
    const files = { 'a.test.ts': `import { test } from 'vitest'\ntest('runs', () => console.log('it ran'))` }
    const run = await runVitest({ major, perf, files })
    expect(run.exitCode).toBe(1)
    expect(run.output).toContain('did you mean `latency.p99`?')
    expect(run.output).toContain('Malformed threshold of `statusCodes.503`')
    expect(run.output).toContain("`load.timeout` to be a positive number of milliseconds, or a text such as '10s'")
    expect(run.output).not.toContain('it ran')
  })
})
