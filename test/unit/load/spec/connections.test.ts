import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { describe, expect, it } from 'vitest'
import { LoadGenerator } from '../../../../dist/load/spec/load-generator.js'
import { freePort, startTarget } from './target.ts'

const CONNECTIONS = 5

async function drive(behaviour: string, options: object = {}, env: Record<string, string> = {}) {
  const target = await startTarget('load-sockets.mjs', { BEHAVIOUR: behaviour, ...env })
  const result = await new LoadGenerator().generateLoad({
    url: `${target.url}/`,
    connections: CONNECTIONS,
    duration: 400,
    ...options,
  })
  return { result, counts: await target.counts() }
}

describe('agrees with what the server served', () => {
  it.for([
    ['keep', {}, {}],
    ['close', {}, {}],
    ['late-close', {}, { AFTER: '7' }],
    ['late-close', { pipelining: 4 }, { AFTER: '7' }],
    ['eof', {}, {}],
    ['http10', {}, {}],
    ['length304', {}, {}],
    ['head', { method: 'HEAD' }, {}],
  ] as const)('%s %o', async ([behaviour, options, env]) => {
    const { result, counts } = await drive(behaviour, options, env)
    expect(result.requests).toBeGreaterThan(20)
    expect(result.errors).toMatchObject({ total: 0, byKind: {} })
    expect(counts.answered - result.requests).toBeGreaterThanOrEqual(0)
    expect(counts.answered - result.requests).toBeLessThanOrEqual(CONNECTIONS * 4)
    // A server that answers in well under a millisecond (and waits for a busy machine now and then): a clock that drifts from connection to connection shows here.
    expect(result.latency.p50).toBeLessThan(50)
  })

  it.for(['fin', 'rst'])('%s after 5 answers: every request lost is an error', async (behaviour) => {
    const { result, counts } = await drive(behaviour, { duration: 800 }, { AFTER: '5', DELAY: '2' })
    expect(counts.connections).toBeGreaterThan(3 * CONNECTIONS)
    expect(result.requests).toBeGreaterThan(20)
    expect(Math.abs(counts.answered - result.requests)).toBeLessThanOrEqual(CONNECTIONS)
    const lost = result.errors.byKind.reset?.count ?? 0
    expect(result.errors.total).toBe(lost)
    // Each connection ends with one request written to it and not answered.
    expect(Math.abs(lost - Math.floor(counts.answered / 5))).toBeLessThanOrEqual(CONNECTIONS)
    expect(result.errorRate).toBeCloseTo(lost / (lost + result.requests), 10)
    expect(result.latency.p50).toBeLessThan(50)
    expect(result.latency.min).toBeGreaterThanOrEqual(1)
  })

  it('is true through a restart of the server', async () => {
    const port = await freePort()
    const first = await startTarget('load-sockets.mjs', { PORT: String(port), DELAY: '5' })
    const seen: number[] = []
    const load = new LoadGenerator().generateLoad(
      { url: first.url, connections: CONNECTIONS, duration: 2_500, progressInterval: 100 },
      ({ requests }) => seen.push(requests),
    )
    await expect.poll(() => seen.at(-1) ?? 0, { timeout: 5_000 }).toBeGreaterThan(50)
    const before = await first.counts()
    await first.kill()
    const second = await startTarget('load-sockets.mjs', { PORT: String(port), DELAY: '5' })
    const result = await load
    const after = await second.counts()
    // What the first served between our question and its end is not known.
    expect(result.requests).toBeGreaterThanOrEqual(before.answered + after.answered - 2 * CONNECTIONS)
    expect(after.answered).toBeGreaterThan(20)
    const { refused, reset } = result.errors.byKind
    expect(result.errors.total).toBe((refused?.count ?? 0) + (reset?.count ?? 0))
    // Each lost what it had under way. And the kernel closes a killed process's connections before its listening socket: who
    // connects again in between is let in, sends, and is reset once more.
    expect(reset?.count).toBeLessThanOrEqual(2 * CONNECTIONS)
    expect(refused?.count).toBeGreaterThan(0)
    // 5 ms, as before: the second and a half of the restart is in no latency.
    expect(result.latency.p99).toBeLessThan(200)
    expect(result.latency.min).toBeGreaterThanOrEqual(4)
  })

  it('begins anew after a body that was cut off', async () => {
    const { result, counts } = await drive('half', { duration: 800 }, { AFTER: '5' })
    expect(counts.connections).toBeGreaterThan(3 * CONNECTIONS)
    expect(result.statusCodes).toEqual({ 200: result.requests })
    expect(Math.abs(counts.answered - result.requests)).toBeLessThanOrEqual(CONNECTIONS)
    expect(Math.abs((result.errors.byKind.reset?.count ?? 0) - counts.answered / 4)).toBeLessThanOrEqual(
      2 * CONNECTIONS,
    )
    expect(result.errors.byKind.reset?.message).toContain('in the middle of an answer')
  })

  it('counts a body that is cut off as lost, and nothing answered as an error with its reason', async () => {
    const target = await startTarget('load-sockets.mjs', { BEHAVIOUR: 'half' })
    const load = new LoadGenerator().generateLoad({ url: target.url, connections: 2, duration: 300 })
    await expect(load).rejects.toMatchObject({
      name: 'LoadError',
      code: 'PERF_LOAD',
      message: expect.stringMatching(/answered none of \d+ requests.*in the middle of an answer/s),
      partial: { requests: 0, errors: { byKind: { reset: { count: expect.any(Number) } } } },
    })
  })

  it('says protocol where the answer is not HTTP, without a hot loop', async () => {
    const target = await startTarget('load-sockets.mjs', { BEHAVIOUR: 'garbage' })
    const load = new LoadGenerator().generateLoad({ url: target.url, connections: 2, duration: 500 })
    await expect(load).rejects.toMatchObject({
      partial: { errors: { byKind: { protocol: { message: expect.stringContaining('not HTTP') } } } },
    })
    const { connections } = await target.counts()
    expect(connections).toBeLessThan(40)
  })

  it('does not spin on a server that closes every connection at once', async () => {
    const target = await startTarget('load-sockets.mjs', { BEHAVIOUR: 'slam' })
    const load = new LoadGenerator().generateLoad({ url: target.url, connections: 2, duration: 600 })
    await expect(load).rejects.toMatchObject({ name: 'LoadError', partial: { requests: 0 } })
    const { connections } = await target.counts()
    expect(connections).toBeGreaterThan(2)
    expect(connections).toBeLessThan(40)
  })

  it('counts requests that hang, by time-outs below a second and in all', async () => {
    const target = await startTarget('load-sockets.mjs', { BEHAVIOUR: 'hang' })
    const generator = new LoadGenerator()
    const load = generator.generateLoad({ url: target.url, connections: 3, duration: 700, timeout: 200 })
    const error = await load.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({
      name: 'LoadError',
      partial: { requests: 0, errors: { byKind: { timeout: { message: 'no answer within 200 ms' } } } },
    })
    const { errors } = (error as { partial: { errors: { timeouts: number; total: number } } }).partial
    expect(errors.timeouts).toBeGreaterThanOrEqual(6)
    expect(errors.timeouts).toBeLessThanOrEqual(9)
    await expect(generator.generateLoad({ url: target.url, connections: 3, duration: 300 })).rejects.toMatchObject({
      message: expect.stringContaining('answered none of 3 requests'),
      partial: { unanswered: 3 },
    })
  })
})

describe('requests and answers of a real server', () => {
  it.for([
    ['/chunked', {}, 200],
    ['/early', {}, 200],
    ['/status/204', {}, 204],
    ['/status/304', {}, 304],
    ['/chunked', { method: 'HEAD' }, 200],
    ['/', { headers: { connection: 'close' } }, 200],
    ['/', { pipelining: 8 }, 200],
  ] as const)('%s %o', async ([path, options, status]) => {
    const target = await startTarget('load-http.mjs')
    const result = await new LoadGenerator().generateLoad({
      url: `${target.url}${path}`,
      connections: 4,
      duration: 300,
      ...options,
    })
    const counts = await target.counts()
    expect(result.requests).toBeGreaterThan(20)
    expect(result.errors.total).toBe(0)
    expect(Math.abs(counts.received - result.requests - result.unanswered)).toBeLessThanOrEqual(4 * 8)
    expect(result.statusCodes).toEqual({ [status]: result.requests })
  })

  it('sends method, headers and body, and works through a sequence', async () => {
    const target = await startTarget('load-http.mjs')
    await new LoadGenerator().generateLoad({
      url: `${target.url}/a?x=1`,
      connections: 1,
      amount: 9,
      headers: { 'x-test': 'yes' },
      requests: [
        {},
        { path: '/b', method: 'POST', body: { n: 1 } },
        { path: '/c', method: 'put', body: 'text', headers: { 'x-test': 'no' } },
      ],
    })
    const counts = await target.counts()
    expect(counts.paths).toEqual({ '/a?x=1': 3, '/b': 3, '/c': 3 })
    expect(counts.methods).toEqual({ GET: 3, POST: 3, PUT: 3 })
    expect(counts.bodies.slice(0, 3)).toEqual(['', '{"n":1}', 'text'])
    expect(counts.headers).toMatchObject({ 'x-test': 'no', 'content-length': '4', host: `127.0.0.1:${target.port}` })
  })

  it('finds localhost on either family', async () => {
    const target = await startTarget('load-http.mjs', { HOST: '::1' })
    const options = { amount: 50, connections: 2, headers: { connection: 'close' } }
    for (const host of ['localhost', '[::1]']) {
      const result = await new LoadGenerator().generateLoad({ url: `http://${host}:${target.port}/`, ...options })
      expect(result).toMatchObject({ requests: 50, errors: { total: 0 } })
    }
  })

  it('sends what is pipelined first in one piece: the rest would break on a server that closes after one answer', async () => {
    const firstChunks: number[] = []
    const server = net.createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (chunk) => {
        firstChunks.push(chunk.toString().split('GET ').length - 1)
        socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok')
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as net.AddressInfo
    const url = `http://127.0.0.1:${port}/`
    const load = { url, connections: 1, pipelining: 6, amount: 60 }
    const result = await new LoadGenerator().generateLoad(load)
    expect(result).toMatchObject({ requests: 60, errors: { total: 0 } })
    expect(firstChunks.slice(0, 50)).toEqual(Array.from({ length: 50 }, () => 6))
    server.close()
  })

  it('goes on with a pipelined sequence where a server closed the connection', async () => {
    const served: Record<string, number> = {}
    const server = http.createServer((request, response) => {
      served[request.url ?? ''] = (served[request.url ?? ''] ?? 0) + 1
      response.end('ok')
    })
    server.maxRequestsPerSocket = 3
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as net.AddressInfo
    const requests = ['/1', '/2', '/3', '/4'].map((path) => ({ path }))
    const load = { url: `http://127.0.0.1:${port}/`, connections: 1, pipelining: 4, amount: 400, requests }
    const result = await new LoadGenerator().generateLoad(load)
    server.close()
    expect(result).toMatchObject({ requests: 400, errors: { total: 0 }, unanswered: 0 })
    expect(served).toEqual({ '/1': 100, '/2': 100, '/3': 100, '/4': 100 })
  })

  it.for([{}, { pipelining: 3 }, { rate: 2_000, connections: 20 }])(
    'sends each of a list once, however many connections: %o',
    async (options) => {
      const bodies: string[] = []
      const server = http.createServer((request, response) => {
        let body = ''
        request.on('data', (chunk: Buffer) => (body += chunk.toString()))
        request.on('end', () => {
          bodies.push(body)
          response.end('ok')
        })
      })
      server.maxRequestsPerSocket = 7
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const { port } = server.address() as net.AddressInfo
      const requests = Array.from({ length: 600 }, (_, n) => ({ method: 'POST', body: { n } }))
      const load = { url: `http://127.0.0.1:${port}/`, connections: 50, amount: 600, requests, ...options }
      const result = await new LoadGenerator().generateLoad(load)
      server.close()
      expect(result).toMatchObject({ requests: 600, errors: { total: 0 } })
      expect(bodies).toHaveLength(600)
      expect(new Set(bodies).size).toBe(600)
    },
  )

  it('tells where redirects lead', async () => {
    const server = http.createServer((_, response) => response.writeHead(302, { location: '/login' }).end())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as net.AddressInfo
    const load = { url: `http://127.0.0.1:${port}/`, amount: 20 }
    expect(await new LoadGenerator().generateLoad(load)).toMatchObject({
      requests: 20,
      redirectedTo: { location: '/login', count: 20 },
    })
    server.close()
  })

  it('takes no answer for that of a request sent after it', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {})
      const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      socket.on('data', () => setTimeout(() => socket.write(answer + answer), 30))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as net.AddressInfo
    const load = { url: `http://127.0.0.1:${port}/`, connections: 2, duration: 500 }
    const result = await new LoadGenerator().generateLoad(load)
    server.close()
    expect(result.latency.min).toBeGreaterThanOrEqual(29)
    expect(result.requests).toBeLessThanOrEqual(2 * 17)
    // Each time the request written in between is lost with its connection.
    expect(result.errors.byKind.protocol?.message).toBe('an answer that no request asked for')
    expect(Math.abs(result.requests - (result.errors.byKind.protocol?.count ?? 0))).toBeLessThanOrEqual(2)
  })

  it('ends at exactly `amount`', async () => {
    const target = await startTarget('load-http.mjs')
    const result = await new LoadGenerator().generateLoad({
      url: target.url,
      connections: 7,
      amount: 500,
      pipelining: 2,
    })
    expect(result).toMatchObject({ requests: 500, unanswered: 0, aborted: false, statusCodes: { 200: 500 } })
    expect((await target.counts()).received).toBe(500)
  })

  it('counts statuses: 400 and above are errors, or what `expectStatus` does not name', async () => {
    const target = await startTarget('load-http.mjs')
    const generator = new LoadGenerator()
    const flaky = await generator.generateLoad({ url: `${target.url}/flaky`, connections: 1, amount: 400 })
    expect(flaky.statusCodes).toEqual({ 200: 300, 503: 100 })
    expect(flaky.errors).toMatchObject({
      total: 100,
      non2xx: 100,
      timeouts: 0,
      byKind: { status: { count: 100, message: 'status 503' } },
    })
    expect(flaky.errorRate).toBe(0.25)
    const expected = await generator.generateLoad({ url: `${target.url}/status/503`, amount: 50, expectStatus: 503 })
    expect(expected.errors).toEqual({ total: 0, non2xx: 50, timeouts: 0, byKind: {} })
    const mismatch = await generator.generateLoad({ url: target.url, amount: 50, expectStatus: [201, 299] })
    expect(mismatch.errors).toMatchObject({
      total: 50,
      non2xx: 0,
      byKind: { mismatch: { count: 50, message: 'status 200, expected 201 to 299' } },
    })
    expect(mismatch.errorRate).toBe(1)
  })

  it('keeps the warm-up out of the result', async () => {
    const target = await startTarget('load-http.mjs')
    const generator = new LoadGenerator()
    const result = await generator.generateLoad({
      url: target.url,
      connections: 2,
      amount: 100,
      warmup: { duration: 200, connections: 1 },
    })
    expect(result.requests).toBe(100)
    const { received } = await target.counts()
    expect(received).toBeGreaterThan(150)
    expect(generator.requestsCompleted()).toBeGreaterThan(150)
    expect(generator.requestsCompleted()).toBeLessThanOrEqual(received)
    // Also what was sent in the warm-up and answered after it: one answer a connection is, and the next is past the end.
    const slow = { url: `${target.url}/slow/500`, connections: 3, warmup: { duration: 250 }, duration: 1_100 }
    expect(await generator.generateLoad(slow)).toMatchObject({ requests: 3, unanswered: 3 })
  })
})
