import type { EncodedHistogram } from '../results/load-result.ts'
import type { ProfiledIsolate, WaitKind } from '../results/profile-result.ts'

/** What a V8 isolate (a process's main thread, or a worker thread) says of itself when its probe connects. */
export interface IsolateGreeting {
  readonly pid: number
  readonly threadId: number
  /** Whether it is a package manager that only started the server: its memory is not the server's. */
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
  /** HTTP responses finished since the watch began. This and the rest are absent where the reading belongs to no watch. */
  readonly requests?: number
  readonly loop?: LoopDelay
  /** Collections since the watch began, without the forced ones. */
  readonly gc?: { readonly count: number; readonly time: number }
}

/** Memory of one isolate right after a full collection, in bytes. */
export interface IsolateHeap {
  /** `heapUsed` without compiled code and what V8 notes about it, which grow in every sound program. */
  readonly heapData: number
  /** Used bytes of V8's code spaces. */
  readonly machineCode: number
  readonly external: number
  readonly arrayBuffers: number
  /** HTTP responses finished since the watch began; absent where the collection belongs to no watch. */
  readonly requests?: number
  /** Milliseconds that the isolate stood still for it. */
  readonly time: number
  /** Milliseconds of `time` without what other programs of the machine took. */
  readonly cost: number
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

/** Calls of one shape out of an isolate, as its recorder has them. */
export interface RecordedWait {
  readonly kind: WaitKind
  readonly what: string
  readonly count: number
  readonly failed: number
  /** Milliseconds of all calls together. */
  readonly time: number
  /** Over the requests that were followed: the calls they made, and the milliseconds in which at least one of them was open. */
  readonly calls: number
  readonly waited: number
  readonly times: EncodedHistogram
  /** Stack of a call that shows the project's code. */
  readonly stack?: string
}

/** What an isolate recorded between `record` and `endRecord`. */
export interface IsolateProfile extends Omit<ProfiledIsolate, 'pid' | 'threadId'> {
  /** The size of its `.cpuprofile`, or why there is none. */
  readonly file: { readonly bytes: number } | { readonly problem: string }
  /** HTTP requests that it answered. */
  readonly requests: number
  /** Milliseconds that these took together. */
  readonly requestTime: number
  /** Those of them that were followed to their calls. */
  readonly followed: { readonly requests: number; readonly time: number }
  readonly waits: readonly (Omit<RecordedWait, 'stack'> & { readonly location?: string })[]
}

/**
 * Every question that an isolate answers: what is asked with it, and the answer. A new question is one entry here, one in the
 * isolate's `#handlers` and one in `ACCEPTS` of `incoming.ts`.
 */
export interface IsolateQuestions {
  /** Memory now. A `watch` that is not known yet begins. */
  read: { details: { readonly watch?: string | undefined }; answer: IsolateReading }
  /** Memory after a forced full collection. */
  collect: { details: { readonly watch?: string | undefined }; answer: IsolateHeap }
  /** Ends a watch. */
  forget: { details: { readonly watch: string }; answer: null }
  /** Begins to sample allocations. */
  sampleAllocations: { details: object; answer: null }
  /** Keeps the allocation sites as they are now: what hangs on connections is gone when a load has closed them. */
  rememberAllocations: { details: object; answer: null }
  /** Ends the sampling. Remembered sites stand in where most of what they held is gone. */
  endAllocations: { details: object; answer: AllocationProfile }
  /** Starts the CPU profiler (a sample every `interval` microseconds) and the record of calls out of the server. */
  record: { details: { readonly interval: number }; answer: null }
  /** Ends it and writes the `.cpuprofile` to `file`; answers with `null` where nothing was recorded. */
  endRecord: { details: { readonly file: string }; answer: IsolateProfile | null }
  /** Ends it and keeps nothing. */
  dropRecord: { details: object; answer: null }
  /** CPU milliseconds that its process, with all its threads, has used so far. */
  cpu: { details: object; answer: number }
  /** Writes a heap snapshot; answers with its milliseconds, or `null` where the heap is larger than asked for. */
  snapshot: { details: { readonly file: string; readonly largestHeap: number }; answer: number | null }
}

export type Ask = keyof IsolateQuestions
export type Details<A extends Ask> = IsolateQuestions[A]['details']
export type Answer<A extends Ask> = IsolateQuestions[A]['answer']

/** A question as a line of JSON. */
export interface QuestionLine<A extends Ask = Ask> {
  readonly id: number
  readonly ask: A
  readonly details: Details<A>
}

/** An answer as a line of JSON: a value or an error's text. */
export interface AnswerLine {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** One isolate of a server's tree, as the spec's process can ask it. */
export interface WatchedIsolate extends IsolateGreeting {
  /** `pid:threadId` */
  readonly id: string
  /** Whether its process (or thread) was still connected a moment ago. */
  readonly connected: boolean
  /**
   * Its answer; `undefined` when none came within `limit` milliseconds (its event loop is blocked) or it is gone.
   * Rejects where it answered with an error.
   */
  ask<A extends Ask>(ask: A, details: Details<A>, limit: number): Promise<Answer<A> | undefined>
}

/** The environment variable that tells a probe where to connect. */
export const PROBE_SOCKET = 'PERF_PROBE_SOCKET'
