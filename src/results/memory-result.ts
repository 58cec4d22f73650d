/** Memory of a Node process (all isolates of its tree where a server is watched). Sizes in bytes, time Unix ms. */
export interface NodeMemorySnapshot {
  /** Unix time in milliseconds. */
  timestamp: number
  /** Bytes of the V8 heaps in use. */
  heapUsed: number
  /** Bytes of the V8 heaps reserved. */
  heapTotal: number
  /** Bytes outside the heap that objects of it hold, array buffers included. */
  external: number
  /** Bytes of array buffers. */
  arrayBuffers: number
  /** Resident set size in bytes. */
  rss: number
}

/** Memory of a process that is not Node: resident set size alone. */
export interface ProcessMemorySnapshot {
  /** Unix time in milliseconds. */
  timestamp: number
  /** Resident set size in bytes. */
  rss: number
}

/** Memory at one time. Of a process that is not Node, `rss` alone. */
export type MemorySnapshot = NodeMemorySnapshot | ProcessMemorySnapshot

/** A figure of memory. */
export type MemoryMetric = 'heapUsed' | 'external' | 'arrayBuffers' | 'rss'

/** A place in the code that allocated what was kept. */
export interface MemorySuspect {
  /** The function's name. */
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

/** Whether memory leaks, and by how much. */
export interface LeakVerdict {
  /** Whether the memory left after collections (`floors`) grows. */
  verdict: 'leak' | 'stable' | 'inconclusive'
  /** What grows, or what was judged. */
  metric: MemoryMetric
  /** Growth of the memory left after collections, per second. */
  bytesPerSecond: number
  /** The same per request (or call of `measure`); absent if they were not counted. */
  bytesPerRequest?: number
  /** 99 % confidence interval of `bytesPerRequest`. */
  interval?: [low: number, high: number]
  /** Probability of such readings without a leak. */
  pValue: number
  /** One sentence a person understands; for 'inconclusive' also how much more load would decide. */
  reason: string
  /** Where what is kept was allocated: of a leak, or with `diagnose`. */
  suspects?: MemorySuspect[]
  /** What grew, the most bytes first: of a server or a function that leaks (or with `diagnose`), where the heap is at most 24 MB. */
  constructors?: ConstructorGrowth[]
}

/** Memory after a full collection (the post-GC heap). Of a target that is not Node: the lowest `rss` of a block of the watch. */
export interface MemoryFloor {
  /** Unix time in milliseconds. */
  timestamp: number
  /** Requests (or calls) completed by then, where something counted them. */
  requests?: number
  /** What the verdict looks at: `heapData` and `external` of all isolates; of a target that is not Node, `rss`. */
  bytes: number
  /** Used heap without compiled code, which grows for a while in every program. */
  heapData?: number
  /** External memory, array buffers included. */
  external?: number
  /** Bytes of array buffers. */
  arrayBuffers?: number
  /** Rises by one after each heap snapshot. A snapshot itself changes the memory, so readings of two segments differ by a step that is not the target's. */
  segment?: number
}

/** Collections (and heap snapshots) that the watch forced on its target: what they cost, and that they are no one else's. */
export interface ForcedCollections {
  /** How many. */
  count: number
  /** Milliseconds that the target (its slowest isolate) stood still for them, in total. */
  time: number
  /** When they were: all of a short watch, the longest of a long one. */
  pauses?: ForcedPauseRecord[]
}

/** A time during which a watch made its target stand still. */
export interface ForcedPauseRecord {
  /** What the pause was for. */
  kind: 'collection' | 'snapshot'
  /** Unix time in milliseconds. */
  startedAt: number
  /** Milliseconds. */
  duration: number
}

interface MemoryResultOf<Snapshot extends MemorySnapshot> {
  /** As given in the options. */
  title?: string
  /** Unix time in milliseconds. */
  startedAt: number
  /** Milliseconds. */
  duration: number
  /** The live series, thinned so that an hour stays under 1 MB. */
  samples: (Snapshot & { eventLoopDelay?: number; gcTime?: number; stale?: boolean })[]
  /** Memory left after each forced collection (the post-GC heap): the readings that the verdict is built on. */
  floors: MemoryFloor[]
  /** The first sample after `warmupSamples`. */
  baseline: Snapshot
  /** The highest of each figure. */
  peak: Snapshot
  /** The last sample. */
  final: Snapshot
  /** Growth of the memory left after collections: `bytes` in all, the slope per second, and its 99 % confidence interval. */
  growth: { bytes: number; bytesPerSecond: number; interval: [low: number, high: number] }
  /** Whether it leaks. */
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
  /** Tells this type from a `ProcessMemoryResult`. */
  kind: 'node'
  /** Delay of the event loop in milliseconds. */
  eventLoopDelay: { p50: number; p99: number; max: number }
  /** Garbage collections: how many, and their milliseconds in total. */
  gc: { count: number; time: number }
}

/** A watch of a process that is not Node: `rss` alone. */
export interface ProcessMemoryResult extends MemoryResultOf<ProcessMemorySnapshot> {
  /** Tells this type from a `NodeMemoryResult`. */
  kind: 'process'
}

/** What a memory watch found; `kind` tells the two apart. Plain JSON. Sizes in bytes, times in milliseconds. */
export type MemoryResult = NodeMemoryResult | ProcessMemoryResult

/** What is shown of a memory watch while it runs. */
export interface MemoryProgress {
  /** As given in the options. */
  title?: string
  /** 0 to 1. */
  progress: number
  /** Milliseconds since the watch began. */
  elapsed: number
  /** The last sample. */
  latest: MemorySnapshot
  /** Samples so far. */
  samples: number
  /** Readings after collections so far. */
  floors: number
}
