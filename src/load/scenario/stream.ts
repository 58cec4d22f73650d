import type { LoadHeaders } from '../plan/load-options.ts'
import type { Failure } from '../http/failure.ts'
import type { TransportEvents } from './exchange.ts'
import type { ResolvedUrl } from './user-client.ts'

/** Counts what comes over a stream that stays open. Times are on the monotonic clock. */
export interface StreamBook {
  /** The stream is being opened. */
  begin(): void
  /** It is open, or was refused with a status. */
  opened(name: string, status: number, since: number, now: number): void
  failed(name: string, kind: Failure['kind'], message: string, since: number, now: number): void
  message(name: string): void
  /** Milliseconds that are of no request: in a row of their own, and in no other figure. */
  latency(name: string, milliseconds: number): void
}

/** A stream to open. */
export interface StreamRequest {
  readonly name: string
  readonly url: ResolvedUrl
  /** Names and values in turn, cookies included. */
  readonly headers: readonly string[]
  readonly timeout: number
  readonly protocols: readonly string[]
  readonly since: number
  /** Absent in `start` and `stop`. */
  readonly book: StreamBook | undefined
  readonly events: TransportEvents
}

/** A stream from its owner's side. */
export interface OpenStream {
  /** Ends the stream, and all reads of it, with this error. Idempotent. */
  abort(error: Error): void
}

/** Names and values in turn as an object, of which Node writes lists as several headers. */
export function headerObject(raw: readonly string[]): Record<string, LoadHeaders[string]> {
  const headers: Record<string, string | string[]> = {}
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    const value = raw[index + 1] as string
    const known = headers[name]
    headers[name] = known === undefined ? value : [...[known].flat(), value]
  }
  return headers
}
