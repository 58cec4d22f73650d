import type { HeaderList } from './header-list.ts'

/** Percent-encodes what a request line cannot hold, and keeps all else. Drops the fragment. */
export function encodePath(path: string): string {
  return (path.split('#', 1)[0] as string).replace(/[^!-~]+|["<>`{}|\\^]+/g, encodeURIComponent)
}

/** Has no body, and then no `Content-Length` either. */
const BODILESS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE'])

/** A request in HTTP/1.1: text in Latin-1, or bytes if its body is given as bytes. */
export function encodeHttp1(request: {
  readonly method: string
  readonly path: string
  readonly authority: string
  readonly headers: HeaderList
  /** Of the body; `undefined` where `headers` say it. */
  readonly type: string | undefined
  /** `''` for none. */
  readonly cookie: string
  /** Text is ASCII. */
  readonly body: Uint8Array | string | undefined
}): Uint8Array | string {
  const { method, path, authority, headers, type, cookie, body } = request
  let head = `${method} ${path} HTTP/1.1\r\n`
  if (!headers.has('host')) head += `Host: ${authority}\r\n`
  head += `Connection: keep-alive\r\n${headers.text}`
  if (type !== undefined) head += `Content-Type: ${type}\r\n`
  if (cookie !== '') head += `Cookie: ${cookie}\r\n`
  if (body !== undefined || !BODILESS.has(method)) head += `Content-Length: ${body?.length ?? 0}\r\n`
  if (body === undefined) return `${head}\r\n`
  if (typeof body === 'string') return `${head}\r\n${body}`
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body])
}
