import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { LoadGenerator } from '../../../dist/load/spec/load-generator.js'
import type { LoadOptions } from '../../../src/load/plan/load-options.ts'
import { freePort, startTarget } from './target.ts'

// The few things that only real processes and sockets show. The rules of loads are tested on a virtual clock: engine/, http/.

async function listen(server: net.Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => sockets.add(socket))
  await once(server.listen(0, host), 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as net.AddressInfo).port
}

async function drive(server: net.Server, options: LoadOptions) {
  const port = await listen(server)
  return new LoadGenerator().generateLoad({
    connections: 3,
    ...options,
    url: `http://127.0.0.1:${port}${options.url ?? '/'}`,
  })
}

/** A server on bare sockets that calls `onRequest` with the number of each request on its connection, from 1. */
function bareServer(onRequest: (socket: net.Socket, count: number) => void): net.Server {
  return net.createServer((socket) => {
    let seen = ''
    let count = 0
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1')
      for (let end = seen.indexOf('\r\n\r\n'); end !== -1; end = seen.indexOf('\r\n\r\n')) {
        seen = seen.slice(end + 4)
        onRequest(socket, (count += 1))
      }
    })
  })
}

const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'

it.for([
  ['chunked', {}, 200],
  ['early', {}, 200],
  ['204', {}, 204],
  ['304', {}, 304],
  ['chunked', { method: 'HEAD' }, 200],
  ['plain', { headers: { connection: 'close' } }, 200],
  ['plain', { pipelining: 8 }, 200],
] as const)("reads the answers of Node's server: %s %o", async ([kind, options, status]) => {
  const server = http.createServer((_, response) => {
    if (kind === 'early') response.writeEarlyHints({ link: '</a>; rel=preload' })
    if (kind === 'chunked') response.write('hel')
    else response.statusCode = status
    response.end(kind === 'chunked' ? 'lo' : status === 200 ? 'hello' : undefined)
  })
  const result = await drive(server, { amount: 60, ...options })
  expect(result).toMatchObject({ requests: 60, errors: { total: 0 }, unanswered: 0, statusCodes: { [status]: 60 } })
})

it.for([
  'HTTP/1.1 200 OK\r\n\r\nhello',
  'HTTP/1.0 200 OK\r\n\r\nhello',
  `${PLAIN.replace('\r\n', '\r\nConnection: close\r\n')}`,
])('reads an answer that ends with its connection: %j', async (answer) => {
  const result = await drive(
    bareServer((socket) => socket.end(answer)),
    { amount: 30 },
  )
  expect(result).toMatchObject({ requests: 30, errors: { total: 0 }, unanswered: 0 })
})

it.for(['fin', 'rst'])('counts each request that is lost by a %s, and times no other by it', async (how) => {
  const server = bareServer((socket, count) => {
    if (count <= 5) return socket.write(PLAIN)
    return how === 'fin' ? socket.end() : socket.resetAndDestroy()
  })
  const result = await drive(server, { amount: 120, connections: 2 })
  const lost = result.errors.byKind.reset?.count ?? 0
  expect(result.errors.total).toBe(lost)
  expect(result.requests + lost).toBe(120)
  expect(Math.abs(lost - result.requests / 5)).toBeLessThanOrEqual(2)
})

it('sends method, headers and body', async () => {
  const seen: unknown[] = []
  const server = http.createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const { 'content-type': type, 'content-length': length, 'x-test': test } = request.headers
      seen.push([request.method, request.url, body, type, length, test])
      response.end('ok')
    })
  })
  const requests = [
    {},
    { path: '/b', method: 'POST', body: { n: 1 } },
    { path: '/c', method: 'put', body: 'täxt', headers: { 'x-test': 'no' } },
  ]
  await drive(server, { url: '/a?x=1', connections: 1, amount: 3, headers: { 'x-test': 'yes' }, requests })
  expect(seen).toEqual([
    ['GET', '/a?x=1', '', undefined, undefined, 'yes'],
    ['POST', '/b', '{"n":1}', 'application/json', '7', 'yes'],
    ['PUT', '/c', 'täxt', undefined, '5', 'no'],
  ])
})

it.for(['127.0.0.1', '::1'])('finds a server on localhost that listens on %s alone', async (host) => {
  const server = http.createServer((_, response) => response.end('ok'))
  const port = await listen(server, host)
  const load = { amount: 20, connections: 2, headers: { connection: 'close' } }
  const generator = new LoadGenerator()
  for (const name of ['localhost', host === '::1' ? '[::1]' : host]) {
    const result = await generator.generateLoad({ url: `http://${name}:${port}/`, ...load })
    expect(result).toMatchObject({ requests: 20, errors: { total: 0 } })
  }
})

it('sends what is pipelined first in one piece: the rest would break on a server that closes after one answer', async () => {
  const pieces: number[] = []
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (chunk) => {
      pieces.push(chunk.toString().split('GET ').length - 1)
      socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  const result = await drive(server, { connections: 1, pipelining: 6, amount: 60 })
  expect(result).toMatchObject({ requests: 60, errors: { total: 0 } })
  expect(pieces.slice(0, 50)).toEqual(Array.from({ length: 50 }, () => 6))
})

it.for([{}, { pipelining: 3 }, { rate: 2_000, connections: 20 }])(
  'sends each of a list once, on connections that the server closes now and then: %o',
  async (options) => {
    const paths: string[] = []
    const server = http.createServer((request, response) => {
      paths.push(request.url ?? '')
      response.end('ok')
    })
    server.maxRequestsPerSocket = 7
    const requests = Array.from({ length: 600 }, (_, index) => ({ path: `/${index}` }))
    const result = await drive(server, { connections: 50, amount: 600, requests, ...options })
    expect(result).toMatchObject({ requests: 600, errors: { total: 0 } })
    expect(paths).toHaveLength(600)
    expect(new Set(paths).size).toBe(600)
  },
)

it('paces an open model by the clock of the machine', async () => {
  const server = http.createServer((_, response) => response.end('ok'))
  const result = await drive(server, { rate: 400, amount: 200, connections: 30 })
  expect(result).toMatchObject({ requests: 200, dropped: 0, errors: { total: 0 } })
  // The last is due at 497.5 ms.
  expect(result.duration).toBeGreaterThan(497)
})

it('is true through a restart of the server', async () => {
  const port = await freePort()
  const first = await startTarget('load-http.mjs', { PORT: String(port) })
  const seen: { requests: number; errors: number }[] = []
  const generator = new LoadGenerator()
  const load = generator.generateLoad(
    { url: `${first.url}/slow/5`, connections: 5, duration: 20_000, progressInterval: 100 },
    ({ requests, errors }) => seen.push({ requests, errors: errors.byKind.refused?.count ?? 0 }),
  )
  await expect.poll(() => seen.at(-1)?.requests ?? 0, { timeout: 10_000 }).toBeGreaterThan(50)
  const before = await first.counts()
  await first.kill()
  await expect.poll(() => seen.at(-1)?.errors ?? 0, { timeout: 10_000 }).toBeGreaterThan(0)
  const second = await startTarget('load-http.mjs', { PORT: String(port) })
  const served = seen.at(-1)?.requests ?? 0
  await expect.poll(() => seen.at(-1)?.requests ?? 0, { timeout: 10_000 }).toBeGreaterThan(served + 50)
  const after = await second.counts()
  await generator.stop()
  const result = await load
  // What each served between our question and its end is not known.
  expect(result.requests).toBeGreaterThanOrEqual(before.answered + after.answered - 10)
  const { refused, reset } = result.errors.byKind
  expect(result.errors.total).toBe((refused?.count ?? 0) + (reset?.count ?? 0))
  // Each connection lost what it had under way. And the kernel closes a killed process's connections before its listening socket:
  // who connects again in between is let in, sends, and is reset once more.
  expect(reset?.count).toBeLessThanOrEqual(10)
  expect(result.latency.min).toBeGreaterThanOrEqual(4)
})
