// Eleven specs that fail, each in another way, with what a person must read of each.

const crashing = `import { createServer } from 'node:http'
export default createServer((request, response) => {
  if (request.url === '/boom') throw new Error('out of handles')
  response.statusCode = request.url === '/health' || request.url === '/' ? 200 : request.url === '/moved' ? 302 : 404
  if (request.url === '/moved') response.setHeader('location', '/login')
  setTimeout(() => response.end('ok'), request.url === '/' ? 30 : 0)
})
`

const head = `import { expect, test } from 'vitest-plugin-perf'\n`

/** Files of a project in which every test fails; the plugin's server is `app.mjs`. */
export const FAILING: Record<string, string> = {
  'app.mjs': crashing,
  'broken.mjs': `import './not-there.mjs'\n`,
  'options.perf.ts': `${head}
test('mistaken options', async ({ loadGenerator }) => {
  await loadGenerator.generateLoad({ url: '/', duration: -1, conections: 10 } as never)
})
`,
  'start.perf.ts': `${head}
test.override('serverOptions', { command: 'node broken.mjs' })
test('cannot start', async ({ server }) => {
  expect(server.url).toBeTruthy()
})
test('cannot start either', async ({ server, loadGenerator }) => {
  await loadGenerator.generateLoad({ url: server.url, duration: 100 })
})
test('cannot start a third time', async ({ server }) => {
  expect(server.url).toBeTruthy()
})
`,
  'health.perf.ts': `${head}
test.override('serverOptions', { module: './app.mjs', health: { path: '/healthz' } })
test('answers 404 to its health check', async ({ server }) => {
  expect(server.url).toBeTruthy()
})
`,
  'crash.perf.ts': `${head}
test('dies under load', async ({ server, loadGenerator }) => {
  await loadGenerator.generateLoad({ url: server.url + '/boom', connections: 2, duration: 2_000 })
})
`,
  'errors.perf.ts': `${head}
test('misses its error threshold', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({ url: server.url + '/missing', connections: 2, duration: 300 })
  expect(result).toMeetThresholds({ errorRate: '<0.01' })
})
`,
  'latency.perf.ts': `${head}
test('misses its latency threshold', async ({ server, loadGenerator }) => {
  await loadGenerator.generateLoad({ url: server.url, title: 'home', connections: 2, duration: 500, thresholds: { 'latency.p99': '<5' } })
})
`,
  'not.perf.ts': `${head}
test('meets what it must not', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({ url: server.url, amount: 20 })
  expect(result).not.toMeetThresholds({ 'latency.p99': '<0.001' })
  expect(result).not.toMeetThresholds({ requests: '==20' })
})
`,
  'timeout.perf.ts': `${head}
test('times out', { timeout: 6_000 }, async ({ server, loadGenerator }) => {
  await loadGenerator.generateLoad({ url: server.url, connections: 2, duration: 300 })
  await new Promise(() => {})
})
`,
  'refused.perf.ts': `${head}
test('finds nobody', async ({ loadGenerator }) => {
  await loadGenerator.generateLoad({ url: 'http://127.0.0.1:1/', duration: 1_000 })
})
`,
  'own.perf.ts': `${head}
test('fails by its own expectation', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({ url: server.url + '/moved', connections: 2, duration: 300 })
  expect(result.statusCodes).toEqual({ 200: 1 })
})
`,
  'figure.perf.ts': `${head}
test('asks for a figure that does not exist', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({ url: server.url, connections: 2, duration: 300 })
  expect(result).toMeetThresholds({ 'latency.p99': 'fast', errorRate: '1' } as never)
})
`,
}
