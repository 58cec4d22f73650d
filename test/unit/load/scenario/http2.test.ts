import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import http2, { type Http2Server } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { LoadResult } from '../../../../src/results/load-result.ts'
import { LoadGenerator } from '../../../../dist/load/spec/load-generator.js'
import { rejection } from '../../rejection.ts'

const TLS = new URL('../../../programs/load-tls/', import.meta.url)
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'http2-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function start(server: Http2Server, protocol: 'http' | 'https') {
  const served: string[] = []
  let sessions = 0
  server.on('session', (session) => {
    sessions += 1
    onTestFinished(() => session.destroy())
  })
  server.on('request', (request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      served.push(`${request.httpVersion} ${request.method} ${request.url} ${Buffer.concat(parts).toString()}`)
      if (request.url === '/slow') return void setTimeout(() => response.end('slow'), 50)
      if (request.url === '/refused') return request.stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
      if (request.url === '/refused-once' && served.length % 2 === 1) {
        return request.stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
      }
      if (request.url === '/reset') return request.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
      if (request.url === '/moved') return response.writeHead(302, { location: '/items' }).end()
      if (request.url === '/login') response.setHeader('set-cookie', 'sid=1')
      response.end(JSON.stringify({ cookie: request.headers.cookie ?? '', agent: request.headers['x-agent'] }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`, served, sessions: () => sessions }
}

const secure = async () =>
  http2.createSecureServer({
    key: await readFile(new URL('key.pem', TLS)),
    cert: await readFile(new URL('cert.pem', TLS)),
  })

test.for(['http', 'https'] as const)(
  'a scenario over %s: one session a user, many requests at once',
  async (protocol) => {
    const { url, served, sessions } = await start(protocol === 'http' ? http2.createServer() : await secure(), protocol)
    const file = join(folder, `${protocol}.scenario.ts`)
    await writeFile(
      file,
      `export const start = (user) => user.post('/login', { json: { id: user.id } })
     export default async (user) => {
       const answers = await Promise.all([user.get('/items', { headers: { 'X-Agent': 'a' } }), user.get('/slow'), user.get('/slow')])
       user.check('cookie and header', answers[0].json().cookie === 'sid=1' && answers[0].json().agent === 'a')
       await user.get('/reset').catch((error) => user.check(error.name, true))
     }`,
    )
    const result = await new LoadGenerator().generateLoad({
      url,
      scenario: pathToFileURL(file),
      protocol: 'h2',
      tls: { rejectUnauthorized: false },
      virtualUsers: 2,
      amount: 10,
    })
    expect(sessions()).toBe(2)
    expect(result.requests).toBe(30)
    expect(result.checks).toMatchObject({
      'cookie and header': { passed: 10, failed: 0 },
      RequestError: { passed: 10 },
    })
    expect(result.errors.byKind.reset?.count).toBe(10)
    expect(served.filter((line) => line.startsWith('2.0 GET /slow')).length).toBe(20)
    expect(served.slice(0, 2).sort()).toEqual(['2.0 POST /login {"id":0}', '2.0 POST /login {"id":1}'])
  },
)

test('a list of requests, closed and open', async () => {
  const { url, served, sessions } = await start(http2.createServer(), 'http')
  const requests = [
    { path: '/a' },
    { path: '/b', method: 'POST', body: { n: 1 }, check: { body: { contains: 'cookie' } } },
  ]
  const generator = new LoadGenerator()
  const closed = await generator.generateLoad({ url, protocol: 'h2', requests, connections: 3, amount: 100 })
  expect(sessions()).toBe(3)
  expect(closed.requests).toBe(100)
  expect(closed.iterations).toBeUndefined()
  expect(closed.byName).toMatchObject({ 'GET /a': { requests: 50 }, 'POST /b': { requests: 50 } })
  expect(closed.checks).toMatchObject({ 'POST /b': { passed: 50, failed: 0 } })
  expect(served.filter((line) => line === '2.0 POST /b {"n":1}').length).toBe(50)
  // Each answer has 9 bytes of frame twice, its headers and its body.
  expect(closed.throughput.bytes).toBeGreaterThan(100 * (2 * 9 + '{"cookie":""}'.length))
  const moved = await generator.generateLoad({ url: `${url}/moved`, protocol: 'h2', amount: 7 })
  expect(moved.redirectedTo).toEqual({ location: '/items', status: 302, count: 7 })
  served.length = 100
  const open = await generator.generateLoad({ url, protocol: 'h2', rate: 100, connections: 5, duration: 500 })
  expect(open.requests + open.dropped).toBe(50)
  expect(served.length).toBe(100 + open.requests)
})

test('a request that the server refused to look at is sent again, three times at the most', async () => {
  const { url, served } = await start(http2.createServer(), 'http')
  const generator = new LoadGenerator()
  const once = await generator.generateLoad({ url: `${url}/refused-once`, protocol: 'h2', connections: 1, amount: 10 })
  expect(once).toMatchObject({ requests: 10, errors: { total: 0 } })
  expect(served.length).toBe(20)
  served.length = 0
  const refused = await rejection(
    generator.generateLoad({ url: `${url}/refused`, protocol: 'h2', connections: 1, amount: 5 }),
  )
  expect(refused.message).toContain('stream refused by the server 4 times (REFUSED_STREAM)')
  expect(refused.partial?.errors.byKind).toEqual({ reset: expect.objectContaining({ count: 5 }) })
  expect(served.length).toBe(20)
})

/** A server of frames: its answer's body has begun when its stream is reset with `code`. */
async function startCutting(code: number): Promise<string> {
  const frame = (type: number, flags: number, stream: number, payload: Buffer) => {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head.writeUInt8(type, 3)
    head.writeUInt8(flags, 4)
    head.writeUInt32BE(stream, 5)
    return Buffer.concat([head, payload])
  }
  const PREFACE = 24
  const [DATA, HEADERS, RESET, SETTINGS, END_HEADERS] = [0, 1, 3, 4, 4] as const
  const server = createTcpServer((socket) => {
    let read = Buffer.alloc(0)
    let skipped = 0
    socket.on('error', () => {})
    socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)))
    socket.on('data', (chunk) => {
      const preface = Math.min(PREFACE - skipped, chunk.length)
      skipped += preface
      read = Buffer.concat([read, chunk.subarray(preface)])
      while (read.length >= 9 && read.length >= 9 + read.readUIntBE(0, 3)) {
        const [type, stream] = [read.readUInt8(3), read.readUInt32BE(5)]
        read = read.subarray(9 + read.readUIntBE(0, 3))
        if (type !== HEADERS) continue
        // `:status: 200` is entry 8 of the static table; the literal is `content-length: 99`.
        const fields = Buffer.concat([Buffer.from([0x88, 0x0f, 0x0d, 2]), Buffer.from('99')])
        const error = Buffer.alloc(4)
        error.writeUInt32BE(code)
        socket.write(frame(HEADERS, END_HEADERS, stream, fields))
        socket.write(frame(DATA, 0, stream, Buffer.from('abc')))
        socket.write(frame(RESET, 0, stream, error))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = http2.constants

test.for([NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL])(
  'an answer that is cut by a reset with code %d is an error, and no answer',
  async (code) => {
    const url = await startCutting(code)
    const failed = new LoadGenerator().generateLoad({ url, protocol: 'h2', amount: 5, connections: 1 })
    const { partial } = (await failed.catch((error: unknown) => error)) as { partial: LoadResult }
    expect(partial.requests).toBe(0)
    expect(partial.errors.byKind.reset?.count).toBe(5)
  },
)

test('a server that speaks HTTP/1.1 alone over TLS is told from one with a wrong certificate', async () => {
  const key = await readFile(new URL('key.pem', TLS))
  const cert = await readFile(new URL('cert.pem', TLS))
  const server = createHttpsServer({ key, cert }, (_request, response) => response.end('ok'))
  const url = await listen(server)
  const generator = new LoadGenerator()
  const load = (rejectUnauthorized: boolean) =>
    generator.generateLoad({ url, protocol: 'h2', duration: 30_000, tls: { rejectUnauthorized } })
  await expect(load(false)).rejects.toThrow(/offers no HTTP\/2 \(ALPN\)\. Leave out `protocol: 'h2'`/)
  const both = http2.createSecureServer({ key, cert })
  const strict = generator.generateLoad({
    url: await listen(both),
    protocol: 'h2',
    duration: 30_000,
    tls: { rejectUnauthorized: true },
  })
  await expect(strict).rejects.toThrow(/certificate/)
})

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a server that speaks no HTTP/2, and what cannot be asked for', async () => {
  const server = createHttpServer((_request, response) => response.end('ok'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const generator = new LoadGenerator()
  await expect(generator.generateLoad({ url, protocol: 'h2', duration: 30_000 })).rejects.toThrow(
    /No connection to http:.* could be opened .*: http:.* does not answer in HTTP\/2 \(Protocol error\)/,
  )
  await expect(generator.generateLoad({ url, protocol: 'h2', pipelining: 4 })).rejects.toThrow(
    /`pipelining` to be left out with `protocol: 'h2'`/,
  )
  await expect(generator.generateLoad({ url, protocol: 'h3' as never })).rejects.toThrow(/'http\/1\.1' or 'h2'/)
})
