/** What a V8 isolate (a process's main thread, or a worker thread) says of itself when its probe connects. */
export interface IsolateGreeting {
  readonly pid: number
  readonly threadId: number
  /** A package manager that only started the server: its memory is not the server's. */
  readonly wrapper: boolean
  /** The script it runs, for messages. */
  readonly script: string
}

/** Memory of one isolate in bytes; `rss` is the whole process's. */
export interface IsolateMemory {
  readonly heapUsed: number
  readonly heapTotal: number
  readonly external: number
  readonly arrayBuffers: number
  readonly rss: number
}

/** Delay of an event loop in milliseconds since a watch began; `latest` is the worst since the reading before. */
export interface LoopDelay {
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly latest: number
}

export interface IsolateReading {
  readonly memory: IsolateMemory
  /** The rest is there where the reading belongs to a watch. HTTP responses finished since the watch began. */
  readonly requests?: number
  readonly loop?: LoopDelay
  /** Collections since the watch began, without the forced ones. */
  readonly gc?: { readonly count: number; readonly time: number }
}

/** Memory right after a full collection. */
export interface IsolateFloor {
  readonly memory: IsolateMemory
  /** The part of `heapUsed` that is compiled code and what V8 noted about it: it grows in every sound program. */
  readonly code: number
  /** The machine code alone, which is in `code`. */
  readonly machineCode: number
  readonly requests?: number
  /** Milliseconds that the isolate stood still for it. */
  readonly time: number
}

/** Where memory was allocated that is still alive. */
export interface AllocationSite {
  readonly function: string
  /** `file:line`, through source maps where there are any. */
  readonly location: string
  readonly bytes: number
}

export interface AllocationProfile {
  readonly sites: readonly AllocationSite[]
  /** All sampled bytes that are still alive, also those of sites not listed. */
  readonly total: number
}

export type IsolateQuestion =
  | { readonly ask: 'read'; readonly watch?: string }
  | { readonly ask: 'collect'; readonly watch?: string }
  | { readonly ask: 'forget'; readonly watch: string }
  | { readonly ask: 'profile' }
  /** Keeps the sites as they are now: what hangs on connections is gone when a load has closed them. */
  | { readonly ask: 'remember' }
  /** Ends the profile; sites that were remembered stand in where most of what they held is gone. */
  | { readonly ask: 'sites' }
  | { readonly ask: 'snapshot'; readonly file: string; readonly largestHeap: number }

/** The answer to each question. */
export interface IsolateAnswers {
  read: IsolateReading
  collect: IsolateFloor
  forget: null
  profile: null
  remember: null
  sites: AllocationProfile
  /** Milliseconds that it took; `null` where the heap is larger than asked for. */
  snapshot: number | null
}

/** The environment variable that tells a probe where to connect. */
export const PROBE_SOCKET = 'PERF_PROBE_SOCKET'
