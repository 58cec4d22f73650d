import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { onTestFinished } from 'vitest'
import { WebSocketServer } from 'ws'

export interface Served {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** Unix ms. */
  readonly at: number
}

/** A shop with a record of all that it served. */
export interface ShopServer {
  readonly url: string
  readonly served: Served[]
  /** How often a method and path were served. */
  count(request: string): number
  /** Sockets ever opened. */
  connections(): number
  /** Sockets that are open now. */
  openConnections(): number
}

/** Milliseconds between the opening of a stream and its first message, at the least. */
export const GREETING = 50
/** Timers can be up to a millisecond early. */
const EARLY = 1

type Handler = (request: Served, response: ServerResponse) => void

function json(response: ServerResponse, value: unknown, headers: Record<string, string | string[]> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

const encodings = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync, raw: deflateRawSync }

const HANDLERS: Record<string, Handler> = {
  '/login': ({ body }, response) => {
    const { id = 1 } = body.length === 0 ? {} : (JSON.parse(body.toString()) as { id?: number })
    const cookies = [`sid=${id}; Path=/; HttpOnly`, 'cart=2; Path=/cart', 'old=3; Max-Age=0']
    json(response, { token: 'secret' }, { 'set-cookie': cookies })
  },
  '/items': (_request, response) => json(response, { items: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] }),
  '/slow': (_request, response) => void delay(120).then(() => response.end('slow')),
  '/hang': () => {},
  '/text': (_request, response) => response.end('<html>no JSON</html>'),
  '/empty': (_request, response) => response.end(),
  '/close': (_request, response) => response.setHeader('connection', 'close').end('bye'),
  '/destroy': (_request, response) => response.socket?.destroy(),
  '/once': (_request, response) => {
    // Closes without a word, as a server does whose idle timeout is over.
    response.end('ok')
    response.once('finish', () => setImmediate(() => response.socket?.end()))
  },
  '/chunked': (_request, response) => {
    response.write('{"a":')
    setTimeout(() => response.end('1}'), 5)
  },
  '/events': (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    setTimeout(() => response.write('id: 1\nevent: price\ndata: 3\n\n'), GREETING + EARLY)
    setTimeout(() => response.end(': a comment\ndata: a\ndata: b\n\n'), GREETING + EARLY + 20)
  },
  '/endless-events': (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const timer = setInterval(() => response.write('data: x\n\n'), 5)
    response.once('close', () => clearInterval(timer))
  },
}

function handle(request: Served, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.path, 'http://shop')
  const known = HANDLERS[pathname]
  if (known) return known(request, response)
  if (pathname === '/status') return void response.writeHead(Number(searchParams.get('code'))).end()
  if (pathname === '/redirect') {
    const code = Number(searchParams.get('code') ?? 302)
    return void response.writeHead(code, { location: searchParams.get('to') ?? '/items' }).end()
  }
  if (pathname === '/loop') return void response.writeHead(302, { location: 'loop' }).end()
  if (pathname === '/encoded') {
    const name = searchParams.get('as') as keyof typeof encodings
    response.setHeader('content-encoding', name === 'raw' ? 'deflate' : name)
    return void response.end(encodings[name]('{"ok":true}'))
  }
  if (pathname === '/echo') {
    const { method, path, headers, body } = request
    return json(response, { method, path, headers, body: body.toString('latin1') })
  }
  json(response, { id: pathname, price: 3 })
}

export async function startShop(): Promise<ShopServer> {
  const served: Served[] = []
  let connections = 0
  let openConnections = 0
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const entry: Served = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(parts),
        at: performance.timeOrigin + performance.now(),
      }
      served.push(entry)
      handle(entry, response)
    })
  })
  const sockets = new WebSocketServer({ server, path: '/chat' })
  sockets.on('connection', (socket, { headers }) => {
    setTimeout(() => socket.send(`hello ${headers.cookie ?? 'stranger'}`), GREETING + EARLY)
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  server.on('connection', (socket) => {
    connections += 1
    openConnections += 1
    socket.once('close', () => (openConnections -= 1))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    served,
    count: (text) => served.filter(({ method, path }) => `${method} ${path}` === text).length,
    connections: () => connections,
    openConnections: () => openConnections,
  }
}
