import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { LoadGenerator } from '../../../../dist/load/spec/load-generator.js'

/** Each second answer of `/graph` is a GraphQL error with status 200, and `/gone` is 404. */
async function startServer(): Promise<string> {
  let asked = 0
  const server = http.createServer((request, response) => {
    if (request.url === '/gone') return void response.writeHead(404, { 'x-id': '9' }).end('gone')
    if (request.url !== '/graph') return void response.end('ok')
    asked += 1
    const body = asked % 2 === 0 ? { errors: [{ message: 'no' }] } : { data: { id: 7 } }
    response.writeHead(200, { 'content-encoding': 'gzip', 'x-id': '7' }).end(gzipSync(JSON.stringify(body)))
  })
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

it('counts each answer in `checks`, and a failed one as an error of kind check', async () => {
  const result = await new LoadGenerator().generateLoad({
    url: await startServer(),
    amount: 40,
    connections: 4,
    requests: [
      { name: 'graph', path: '/graph', check: { body: { json: { errors: undefined, 'data.id': 7 } } } },
      { path: '/gone', expectStatus: 404, check: { headers: { 'x-id': /^9$/ }, body: { contains: 'gone' } } },
      { path: '/gone', name: 'bad status', check: { headers: { 'x-id': '7' } } },
      { path: '/plain', name: 'unchecked' },
    ],
    thresholds: { 'latency.p99': '<10000' },
  })
  const graph = result.checks.graph as { passed: number; failed: number }
  expect(graph.passed + graph.failed).toBe(10)
  expect(result.checks).toMatchObject({
    graph: { rate: graph.passed / 10, firstFailure: 'expected no errors in the body, got [{"message":"no"}]' },
    'GET /gone': { passed: 10, failed: 0, rate: 1 },
    'bad status': { passed: 0, failed: 10, rate: 0, firstFailure: 'expected header x-id to be "7", got "9"' },
  })
  expect(Object.keys(result.checks)).toHaveLength(3)
  expect(result.errors.byKind).toMatchObject({ check: { count: graph.failed }, status: { count: 10 } })
  expect(result.byName.graph).toMatchObject({
    requests: 10,
    errors: { total: graph.failed },
    errorRate: graph.failed / 10,
  })
  expect(result.byName.unchecked).toMatchObject({ requests: 10, errors: { total: 0 } })
  expect(result.byName['GET /gone']?.statusCodes).toEqual({ 404: 10 })
})
