import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quotable } from '../../../src/server/health-attempt.ts'
import { checkServerHealth } from '../../../src/server/health.ts'

let server: Server
let url: string
const seen: string[] = []

const listen = (target: Server | ReturnType<typeof createTcpServer>, host = '127.0.0.1') =>
  new Promise<number>((resolve, reject) => {
    target.once('error', reject)
    target.listen(0, host, () => resolve((target.address() as AddressInfo).port))
  })

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    if (request.url === '/hang') return
    if (request.url === '/drop') request.socket.destroy()
    else if (request.url === '/stream') setInterval(() => response.write('more'), 10).unref()
    else if (request.url === '/moved') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
    else response.writeHead(request.url?.startsWith('/status/') ? Number(request.url.slice(8)) : 200).end('ok')
  })
  url = `http://127.0.0.1:${await listen(server)}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

test('a healthy server', async () => {
  const result = await checkServerHealth(url)
  expect(result).toEqual({
    healthy: true,
    status: 200,
    latency: expect.any(Number),
    url: `${url}/health`,
    message: expect.stringMatching(/^GET http:\/\/127\.0\.0\.1:\d+\/health answered 200 in /),
  })
  expect(seen).toContain('GET /health')
})

test('the path goes below a base path', async () => {
  expect(await checkServerHealth(`${url}/base/`, { path: '/up' })).toMatchObject({ url: `${url}/base/up` })
})

test.each<[string, number | [number, number] | undefined, boolean]>([
  ['/status/503', undefined, false],
  ['/status/503', 503, true],
  ['/status/404', [200, 499], true],
  ['/status/204', 200, false],
  ['/moved', undefined, true],
])('%s with %j is %s', async (path, status, healthy) => {
  const result = await checkServerHealth(url, { path, ...(status && { status }) })
  expect(result).toMatchObject({ healthy, status: expect.any(Number) })
  if (!healthy) expect(result.message).toContain('expected')
})

test('a body that never ends does not hold the check', async () => {
  const started = performance.now()
  expect(await checkServerHealth(url, { path: '/stream' })).toMatchObject({ healthy: true })
  expect(performance.now() - started).toBeLessThan(3_000)
})

test('what does not answer is cut off, with its connection', async () => {
  const result = await checkServerHealth(url, { path: '/hang', timeout: 150 })
  expect(result).toMatchObject({ healthy: false, message: expect.stringContaining('did not answer within 150 ms') })
  expect(result.latency).toBeUndefined()
  await expect.poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(0)
})

test('a connection that is closed without an answer', async () => {
  expect(await checkServerHealth(url, { path: '/drop' })).toMatchObject({
    healthy: false,
    message: /without an answer/,
  })
})

test('nothing listens', async () => {
  expect(await checkServerHealth('http://127.0.0.1:1')).toMatchObject({ healthy: false, message: /nothing listens/ })
})

test('a name that does not resolve', async () => {
  const result = await checkServerHealth('http://does-not-exist.invalid', { timeout: 3_000 })
  expect(result.healthy).toBe(false)
})

test('a server that does not speak HTTP', async () => {
  const tcp = createTcpServer((socket: Socket) => socket.end('hello\r\n'))
  const port = await listen(tcp)
  expect(await checkServerHealth(`http://127.0.0.1:${port}`)).toMatchObject({ healthy: false })
  tcp.close()
})

test('an abort ends the request at once, as the options and as the only argument', async () => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 50)
  const results = await Promise.all([
    checkServerHealth(url, { path: '/hang', signal: controller.signal, timeout: 9_000 }),
    checkServerHealth(`${url}/hang`, AbortSignal.abort()),
  ])
  expect(results).toMatchObject([
    { healthy: false, message: /aborted/ },
    { healthy: false, message: /aborted/ },
  ])
})

test('localhost is tried on both families', async () => {
  const six = createServer((_request, response) => response.end('six'))
  const port = await listen(six, '::1')
  expect(await checkServerHealth(`http://localhost:${port}`)).toMatchObject({ healthy: true })
  six.close()
  expect(await checkServerHealth(url.replace('127.0.0.1', 'localhost'))).toMatchObject({ healthy: true })
})

test('proxy variables are not obeyed', async () => {
  const before = { ...process.env }
  Object.assign(process.env, {
    HTTP_PROXY: 'http://127.0.0.1:1',
    http_proxy: 'http://127.0.0.1:1',
    NODE_USE_ENV_PROXY: '1',
  })
  try {
    expect(await checkServerHealth(url)).toMatchObject({ healthy: true })
  } finally {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'NODE_USE_ENV_PROXY']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  }
})

test('bad options do throw, all at once', async () => {
  const wrong = checkServerHealth(url, { timeout: -1, path: 'x', status: 9, signl: 1 } as never)
  await expect(wrong).rejects.toMatchObject({ code: 'PERF_INVALID_OPTIONS', issues: { length: 4 } })
  await expect(checkServerHealth('nope')).rejects.toMatchObject({ code: 'PERF_INVALID_OPTIONS' })
})

test.each([
  ['no database yet\n', 'no database yet'],
  ['x'.repeat(300), 'x'.repeat(200)],
  [
    '<!DOCTYPE html>\n<html lang="en">\n<head><style>p { color: red }</style>\n<title>Error</title>\n</head>\n<body>\n<pre>Cannot GET /health</pre>\n</body>',
    'Error Cannot GET /health',
  ],
  ['<html><body>Oops<script>never ends', 'Oops'],
  ['{"html": "<b>"}', '{"html": "<b>"}'],
])('of the body %j an error quotes %j', (body, quoted) => {
  expect(quotable(body)).toBe(quoted)
})
