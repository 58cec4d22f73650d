import { URL } from 'node:url'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { hostInUrl } from '../server-url.ts'

/** A web-standard handler, as Hono, H3 and others export it. */
export type FetchHandler = (request: Request) => Response | Promise<Response>

function toRequest(incoming: IncomingMessage, base: string, signal: AbortSignal): Request {
  const headers = new Headers()
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '')
  }
  const host = incoming.headers.host ? `http://${incoming.headers.host}` : base
  const url = new URL(incoming.url ?? '/', URL.canParse(host) ? host : base)
  const method = incoming.method ?? 'GET'
  const init: RequestInit & { duplex?: 'half' } = { method, headers, signal }
  if (method !== 'GET' && method !== 'HEAD') {
    init.body = Readable.toWeb(incoming) as ReadableStream
    init.duplex = 'half'
  }
  return new Request(url, init)
}

async function writeResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.statusCode = response.status
  if (response.statusText) outgoing.statusMessage = response.statusText
  for (const [name, value] of response.headers) {
    if (name === 'set-cookie') outgoing.appendHeader(name, value)
    else outgoing.setHeader(name, value)
  }
  if (response.body === null) outgoing.end()
  else await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing)
}

/** A request listener for Node around a web-standard handler. */
export function fetchListener(handler: FetchHandler, { host, port }: { host: string; port: number }): RequestListener {
  const base = `http://${hostInUrl(host)}:${port}`
  return (incoming, outgoing) => {
    const controller = new AbortController()
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) controller.abort()
    })
    const answer = async () => writeResponse(await handler(toRequest(incoming, base, controller.signal)), outgoing)
    answer().catch((error: unknown) => {
      if (outgoing.destroyed) return
      console.error(error)
      if (outgoing.headersSent) outgoing.destroy()
      else outgoing.writeHead(500).end()
    })
  }
}
