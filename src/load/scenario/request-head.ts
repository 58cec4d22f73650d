import type { LoadHeaders } from '../plan/load-options.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// What may not stand in a header's value: control characters, and what does not fit one byte.
// eslint-disable-next-line no-control-regex
const NOT_IN_VALUE = /[\u0000-\u0008\u000a-\u001f\u007f]|[^\u0000-\u00ff]/
/** Computed from the body and the connection. */
const COMPUTED = new Set(['content-length', 'transfer-encoding', 'connection'])

type HeaderSource = Readonly<Record<string, LoadHeaders[string] | undefined>>

/** Names and values in turn of all sources, of which a later one wins by name, in any case. */
export function mergeHeaders(...sources: readonly HeaderSource[]): string[] {
  const merged = new Map<string, [name: string, values: readonly string[]]>()
  for (const source of sources) {
    for (const name in source) {
      const value = source[name]
      const key = name.toLowerCase()
      if (value === undefined) merged.delete(key)
      else merged.set(key, [name, checked(name, key, value)])
    }
  }
  const raw: string[] = []
  for (const [name, values] of merged.values()) for (const value of values) raw.push(name, value)
  return raw
}

function checked(name: string, key: string, value: LoadHeaders[string]): readonly string[] {
  if (!TOKEN.test(name))
    throw new TypeError(`A header's name takes letters, digits and -, and was ${JSON.stringify(name)}`)
  if (COMPUTED.has(key)) throw new TypeError(`The header ${name} is computed: leave it out`)
  const values = Array.isArray(value) ? (value as readonly string[]).map(String) : [String(value)]
  const wrong = values.find((text) => NOT_IN_VALUE.test(text))
  if (wrong === undefined) return values
  throw new TypeError(
    `The header ${name} takes Latin-1 characters without line breaks, and was ${JSON.stringify(wrong)}`,
  )
}

export function hasHeader(raw: readonly string[], name: string): boolean {
  for (let index = 0; index < raw.length; index += 2) if ((raw[index] as string).toLowerCase() === name) return true
  return false
}

/** What cannot stand in a request line in its percent form; all else as it is. A fragment is not sent. */
export function encodePath(path: string): string {
  return (path.split('#', 1)[0] as string).replace(/[^!-~]+|["<>`{}|\\^]+/g, encodeURIComponent)
}

/** Has no body, and then no `Content-Length` either. */
const BODILESS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE'])

/** The bytes of a request in HTTP/1.1. */
export function encodeHttp1(request: {
  readonly method: string
  readonly path: string
  readonly authority: string
  readonly headers: readonly string[]
  readonly body: Uint8Array | undefined
}): Uint8Array {
  const { method, path, authority, headers, body } = request
  let head = `${method} ${path} HTTP/1.1\r\n`
  if (!hasHeader(headers, 'host')) head += `Host: ${authority}\r\n`
  head += 'Connection: keep-alive\r\n'
  for (let index = 0; index < headers.length; index += 2) head += `${headers[index]}: ${headers[index + 1]}\r\n`
  if (body !== undefined || !BODILESS.has(method)) head += `Content-Length: ${body?.length ?? 0}\r\n`
  const bytes = Buffer.from(`${head}\r\n`, 'latin1')
  return body === undefined ? bytes : Buffer.concat([bytes, body])
}
