import type { Target } from './target.ts'

/** What happens on a line of a wire. Nothing is called before `connect` has returned. */
export interface LineEvents {
  onOpen(): void
  /** `length` bytes of `chunk` are new. They are valid only until the call returns. */
  onData(chunk: Buffer, length: number): void
  onError(error: Error): void
  /** The other side has ended or closed the line. May be called twice. */
  onEnd(): void
}

/** A line to a server: open, or being opened. */
export interface Line {
  /** Text is Latin-1, and says so. */
  write(bytes: Uint8Array | string, encoding?: 'latin1'): unknown
  /** What is written from here to `uncork` leaves in one piece. */
  cork(): void
  uncork(): void
  destroy(): unknown
}

/** Connects to servers: sockets, or what a test scripts. */
export interface Wire {
  connect(target: Target, events: LineEvents): Line
}
