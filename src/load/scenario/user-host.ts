import type { TransportEvents } from './exchange.ts'
import type { StreamBook } from './stream.ts'
import type { ClientHost, RequestBook, ResolvedUrl } from './user-client.ts'

/** Counts what virtual users do in one part of a load. */
export interface UserBook extends RequestBook, StreamBook {
  /** `at` says where in the scenario it was called. */
  check(name: string, passed: boolean, at: () => string | undefined): void
}

/** What a virtual user needs of the load it is part of. */
export interface UserHost extends ClientHost {
  /** Vitest's root. */
  readonly root: string
  readonly seed: number
  /** What ends each text of `unique`. */
  readonly round: string
  readonly data: unknown
  /** Milliseconds: of a request that says nothing else. */
  readonly timeout: number
  readonly expectStatus: readonly [number, number] | undefined
  readonly transportEvents: TransportEvents
  /** The part of the load that runs now; absent before the first. */
  book(): UserBook | undefined
  /** @throws if the path is malformed. */
  resolve(path: string): ResolvedUrl
  /** The next element of a list in `data`. */
  take(name: string): unknown
}
