import { Buffer } from 'node:buffer'
import type { PlannedRequest } from '../plan/load-plan.ts'

/** A request as it is written to a connection, and what its answer is needed for. */
export interface OutgoingRequest {
  readonly bytes: Uint8Array
  /** An answer to HEAD announces a body that never comes. */
  readonly isHead: boolean
  /** Whether the answer is handed out with its headers, or with headers and body. Keeping them costs time. */
  readonly needsHeaders?: boolean
  readonly needsBody?: boolean
}

/** Returns the bytes of a request. `Content-Length` is computed. */
export function encodeRequest({ method, path, headers, body }: PlannedRequest): Uint8Array {
  const lines = [`${method} ${path} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)]
  const needsLength = body !== undefined || !['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE'].includes(method)
  if (needsLength) lines.push(`Content-Length: ${body?.length ?? 0}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, body])
}
