import type { LoadPlan } from './load-plan.ts'

/** The two servers of a comparison. */
export type TurnSide = 'base' | 'head'

/**
 * Where the CPU of a server comes from: the scheduler's count for each thread of its tree (after every turn), its probes (after
 * every slice), or nowhere.
 */
export type CpuSource = 'process-tree' | 'probe' | 'none'

/** A block of turns: so many requests to one server, then as many to the other, over and over. Times in milliseconds. */
export interface TurnsPlan {
  /** The same load, on each server. */
  readonly loads: Readonly<Record<TurnSide, LoadPlan>>
  readonly cpu: CpuSource
  /** Pid of each server's root process. Absent where it is not known. */
  readonly pids: Readonly<Partial<Record<TurnSide, number>>>
  readonly connections: number
  /** Whose turn is first. */
  readonly first: TurnSide
  readonly warmup: number
  readonly duration: number
  /** Whether each request is first sent once to both servers, to compare their answers. */
  readonly compareAnswers: boolean
}

/** So many requests to one server, from the first that is sent to the last that is answered. */
export interface Turn {
  readonly side: TurnSide
  /** Milliseconds. */
  readonly time: number
  /** Median latency in milliseconds. */
  readonly p50: number
  /** CPU milliseconds of the server's tree since the end of its turn before; with `cpu: 'process-tree'`. */
  readonly cpu?: number
}

/** Turns of about 400 ms; within a slice the two servers alternate strictly. */
export interface TurnSlice {
  readonly turns: readonly Turn[]
  /** Percentiles of all latencies of the slice, in milliseconds. */
  readonly p90: Readonly<Record<TurnSide, number>>
  readonly p99: Readonly<Record<TurnSide, number>>
  /** CPU milliseconds of each server in this slice; with `cpu: 'probe'`. Absent where a probe did not answer. */
  readonly cpu?: Readonly<Record<TurnSide, number>>
}

/** What one of the requests was answered with. */
export interface SeenAnswer {
  /** Method and path. */
  readonly request: string
  readonly statuses: readonly number[]
  /** Bytes of the bodies, without content codings. */
  readonly sizes: readonly number[]
}

export interface TurnSideReport {
  /** Answered in measured turns. */
  readonly requests: number
  /** Of all turns, warm-up included. */
  readonly statusCodes: Readonly<Record<string, number>>
  readonly answers: readonly SeenAnswer[]
}

export interface TurnBlock {
  readonly requestsPerTurn: number
  readonly slices: readonly TurnSlice[]
  readonly sides: Readonly<Record<TurnSide, TurnSideReport>>
  /** Milliseconds of the measured turns. */
  readonly duration: number
  /** Event-loop utilisation of the load process in measured turns, 0 to 1. */
  readonly generatorUtilization: number
  /** Milliseconds that the load process stood still. */
  readonly stalled: number
}

/** How a block ended. */
export type TurnsEnd =
  | { readonly outcome: 'completed'; readonly block: TurnBlock }
  | { readonly outcome: 'aborted' }
  /** A request to `side` failed; the block ended there. */
  | { readonly outcome: 'failed'; readonly side: TurnSide; readonly kind: string; readonly message: string }
