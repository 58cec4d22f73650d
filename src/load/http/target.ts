import type { LoadTls } from '../plan/load-options.ts'
import type { LoadPlan, PlannedRequest } from '../plan/load-plan.ts'

/** Where a load goes to and what it sends, prepared once for all of its connections. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  readonly tls: LoadTls
  readonly requests: readonly { readonly bytes: Uint8Array; readonly isHead: boolean }[]
  readonly pipelining: number
  readonly timeout: number
  /** The address that `host` was found to have: a name is looked up once, not at every connection. */
  address?: string | undefined
}

/** The bytes of a request. */
function encodeRequest({ method, path, headers, body }: PlannedRequest): Uint8Array {
  const lines = [`${method} ${path} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)]
  const needsLength = body !== undefined || !['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE'].includes(method)
  if (needsLength) lines.push(`Content-Length: ${body?.length ?? 0}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, body])
}

/** What the connections of a load need to know of its plan. */
export function targetOf({ url: text, tls, requests, rate, pipelining, timeout }: LoadPlan): Target {
  const url = new URL(text)
  const secure = url.protocol === 'https:'
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    tls,
    requests: requests.map((request) => ({ bytes: encodeRequest(request), isHead: request.method === 'HEAD' })),
    pipelining: rate ? 1 : pipelining,
    timeout,
  }
}
