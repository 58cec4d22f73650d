import type { CapturedAnswer } from '../http/captured-answer.ts'
import type { Failure } from '../http/failure.ts'
import type { OutgoingRequest } from '../http/outgoing-request.ts'
import type { HeaderList } from './header-list.ts'
import type { Origin } from './origin.ts'
import type { RosterMember } from './roster.ts'

/** One request and what becomes of it: exactly one call of `answered` or `failed`, or none if its user is closed first. */
export interface Exchange extends RosterMember, Pick<OutgoingRequest, 'isHead' | 'needsBody'> {
  readonly origin: Origin
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Without those that the connection, the body and cookies add. */
  readonly headers: HeaderList
  /** `Content-Type` of the body, if `headers` have none. */
  readonly type: string | undefined
  /** `''` for none. */
  readonly cookie: string
  /** Text is ASCII. */
  readonly body: Uint8Array | string | undefined
  /** Milliseconds. */
  readonly timeout: number
  /** On the monotonic clock. */
  readonly sentAt: number
  /** What it is under way on: ends that. Set by the transport. */
  carrier: Carrier | undefined
  answered(status: number, answer: CapturedAnswer, now: number): void
  failed(failure: Failure): void
}

/** Carries a request. */
export interface Carrier {
  /** Its answer is wanted no longer. */
  cancel(exchange: Exchange): void
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
