/** Memory of a Node process (all isolates of its tree where a server is watched). Sizes in bytes, time Unix ms. */
export interface NodeMemorySnapshot {
  timestamp: number
  heapUsed: number
  heapTotal: number
  external: number
  arrayBuffers: number
  rss: number
}

/** Memory of a process that is not Node: resident set size alone. */
export interface ProcessMemorySnapshot {
  timestamp: number
  rss: number
}

export type MemorySnapshot = NodeMemorySnapshot | ProcessMemorySnapshot

export type MemoryMetric = 'heapUsed' | 'external' | 'arrayBuffers' | 'rss'

export interface MemorySuspect {
  function: string
  /** `file:line`, through source maps where there are any. */
  location: string
  /** Bytes allocated there that were still live after a collection. */
  bytes: number
  /** Share of all live sampled bytes, 0 to 1. */
  share?: number
}

/** Objects of one kind that there were more of in the second of two heap snapshots, with requests (or calls) between them. */
export interface ConstructorGrowth {
  /** The constructor, `function name`, or in parentheses what it is: `(string)`, `(bytes of buffers)`. */
  name: string
  /** How many more. */
  count: number
  /** Bytes of their own, without what they refer to. */
  bytes: number
}

export interface LeakVerdict {
  verdict: 'leak' | 'stable' | 'inconclusive'
  metric: MemoryMetric
  bytesPerSecond: number
  bytesPerRequest?: number
  /** 99 % confidence interval of `bytesPerRequest`. */
  interval?: [low: number, high: number]
  pValue: number
  /** One sentence a person understands; for 'inconclusive' also how much more load would decide. */
  reason: string
  /** Where what is kept was allocated: of a leak, or with `diagnose`. */
  suspects?: MemorySuspect[]
  /** What grew, the most bytes first: of a server or a function that leaks (or with `diagnose`), where the heap is at most 24 MB. */
  constructors?: ConstructorGrowth[]
}

/** A memory floor: what was left after a full collection. */
export interface MemoryFloor {
  timestamp: number
  /** Requests (or calls) completed by then, where something counted them. */
  requests?: number
  /** What the verdict looks at: `heapData` and `external` of all isolates; of a target that is not Node, `rss`. */
  bytes: number
  /** Used heap without compiled code, which grows for a while in every sound program. */
  heapData?: number
  /** External memory, array buffers included. */
  external?: number
  arrayBuffers?: number
  /** Counts up where a heap snapshot was taken in between: floors of two segments differ by a step that is not the target's. */
  segment?: number
}

/** Collections (and heap snapshots) that the watch forced on its target: what they cost, and that they are no one else's. */
export interface ForcedCollections {
  count: number
  /** Milliseconds that the target (its slowest isolate) stood still for them, in total. */
  time: number
  /** When they were: all of a short watch, the longest of a long one. */
  pauses?: ForcedPauseRecord[]
}

/** A time during which a watch made its target stand still. */
export interface ForcedPauseRecord {
  kind: 'collection' | 'snapshot'
  /** Unix time in milliseconds. */
  startedAt: number
  /** Milliseconds. */
  duration: number
}

interface MemoryResultOf<Snapshot extends MemorySnapshot> {
  title?: string
  startedAt: number
  duration: number
  /** The live series, thinned so that an hour stays under 1 MB. */
  samples: (Snapshot & { eventLoopDelay?: number; gcTime?: number; stale?: boolean })[]
  /** Floors after collection, which the verdict is built on. */
  floors: MemoryFloor[]
  baseline: Snapshot
  peak: Snapshot
  final: Snapshot
  growth: { bytes: number; bytesPerSecond: number; interval: [low: number, high: number] }
  leak: LeakVerdict
  /** Absent where no collection can be forced or none was asked for. */
  collections?: ForcedCollections
  /** Present where an 'inconclusive' verdict fails `expect(memory).not.toLeakMemory()`: the `strict` option, on where `CI` is set. */
  strict?: true
  /** Whether the watch was ended before its time, also by `stop()`. */
  aborted: boolean
}

/** A watch of Node: heap figures, event-loop delay (ms) and garbage collection (`count`, `time` in ms). */
export interface NodeMemoryResult extends MemoryResultOf<NodeMemorySnapshot> {
  kind: 'node'
  eventLoopDelay: { p50: number; p99: number; max: number }
  gc: { count: number; time: number }
}

/** A watch of a process that is not Node: `rss` alone. */
export interface ProcessMemoryResult extends MemoryResultOf<ProcessMemorySnapshot> {
  kind: 'process'
}

export type MemoryResult = NodeMemoryResult | ProcessMemoryResult

/** What is shown of a memory watch while it runs. */
export interface MemoryProgress {
  title?: string
  progress: number
  elapsed: number
  latest: MemorySnapshot
  samples: number
  floors: number
}
