import type { CapturedAnswer } from '../http/captured-answer.ts'
import type { Failure } from '../http/failure.ts'
import type { OutgoingRequest } from '../http/outgoing-request.ts'
import type { Origin } from './origin.ts'

/** One request and what becomes of it: exactly one call of `answered` or `failed`, or none if its user is closed first. */
export interface Exchange extends OutgoingRequest {
  readonly origin: Origin
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Names and values in turn, without those that the connection adds. */
  readonly headers: readonly string[]
  readonly body: Uint8Array | undefined
  /** Milliseconds. */
  readonly timeout: number
  /** On the monotonic clock: when it has failed. */
  readonly deadline: number
  /** Ends what it is under way on. Set by the transport. */
  cancel: (() => void) | undefined
  answered(status: number, answer: CapturedAnswer): void
  failed(failure: Failure): void
}

/** What a user's requests to one origin go out on. */
export interface Transport {
  send(exchange: Exchange): void
  /** Opens a connection before there is a request for it; resolves also when that failed. */
  open?(): Promise<void>
  /** Closes everything at once. What is under way hears nothing more. Idempotent. */
  close(): void
}

/** What transports tell the load they work for. */
export interface TransportEvents {
  onBytes(count: number): void
  /** A connection was opened, or one that was open has closed. */
  onOpened(): void
  onClosed(): void
  onConnectFailure(failure: Failure): void
}
