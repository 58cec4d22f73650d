/** A function that took time while a load ran. Shares are parts of the busy (not idle) time of its isolate, 0 to 1. */
export interface HotFunction {
  /** Its name; `(anonymous)` where it has none; `RegExp: …` for a regular expression. */
  function: string
  /** `file:line` of the source, through source maps; a module of Node as `node:fs:440`. */
  location: string
  /** Time in the function itself. */
  self: number
  /** Time in the function and in all that it called. */
  total: number
  /** Whose code it is. */
  code: 'own' | 'dependency' | 'node'
  /**
   * The time that this function answers for: its own, and that of the dependencies and Node modules it called, up to the next
   * function of the project's own code. One function of a dependency may have it too: the one that took most of the time in which a
   * framework called dependencies without any code of the project between.
   */
  attributed?: number
  /** Where most of `attributed` was spent, if it was not in the function itself. */
  mostlyIn?: string
}

/** The longest time in which an isolate's event loop did not turn. */
export interface LoopBlock {
  /** Milliseconds. */
  duration: number
  /** What ran most of that time, from the innermost frame outwards: `parse (src/auth.ts:42)`. */
  stack: string[]
}

/** A call in a flame graph. */
export interface FlameNode {
  /** The function's name. */
  name: string
  /** As in `HotFunction`. */
  location: string
  /** As in `HotFunction`. */
  code: 'own' | 'dependency' | 'node'
  /** Milliseconds in it and in what it called. */
  value: number
  /** What it called. */
  children?: FlameNode[]
}

/**
 * What the system's scheduler says of an isolate. On a machine that has more to do than processors, requests take longer than the
 * server's work.
 */
export interface ProcessorShare {
  /** Part of the recording, 0 to 1, in which the isolate's thread ran on a processor. */
  running: number
  /** Part of the recording, 0 to 1, in which it was ready to run, and other threads of the machine had the processors. */
  waiting: number
  /** Time that all threads of its process were ready or running, as a multiple of the time that they ran: 1 on an idle machine. */
  slowdown: number
}

/** One thread of the server's process tree while a load ran. */
export interface ProfiledIsolate {
  /** Its process. */
  pid: number
  /** 0 for the main thread of its process. */
  threadId: number
  /** Part of the recording in which its event loop worked, 0 to 1: `cpu.user` and `cpu.gc`. */
  eventLoopUtilization: number
  /** Part of the recording in which it had at least one HTTP request to answer, 0 to 1. */
  serving: number
  /** Parts of the recording, 0 to 1: code, waiting for events, and garbage collection. */
  cpu: { user: number; idle: number; gc: number }
  /** Absent where the system does not say (Linux does). */
  processor?: ProcessorShare
  /** Where `cpu.user` and `cpu.gc` went; the project's own code first, by the time it answers for. At most 20. */
  hot: HotFunction[]
  /** The project's function that ran before most collections, and the part of the collections' time that followed it. */
  garbage?: { function: string; location: string; share: number }
  /** Absent where no turn took longer than a sample can tell. */
  blocked?: LoopBlock
  /** The tree of calls for a flame graph, without branches of less than 0.5 % of the busy time. */
  flame: FlameNode[]
  /** Milliseconds that were recorded. */
  duration: number
}

/** What a call out of the server went to. */
export type WaitKind = 'http' | 'database' | 'cache' | 'pool' | 'storage' | 'connect' | 'socket'

/** Calls out of the server that look alike: ids in paths and literals in statements are folded. */
export interface ProfileWait {
  /** `GET inventory/items/:id`, `SELECT name FROM items WHERE id = ?`, `GET user:?`, `10.0.0.5:5432`. */
  what: string
  /** What the calls went to. */
  kind: WaitKind
  /** Calls in the recorded time. */
  count: number
  /** Calls for each request that the server answered in that time; `NaN` (in JSON `null`) where it answered none. */
  perRequest: number
  /** Milliseconds of all calls together. */
  time: number
  /** Part of the time of all requests in which a request waited for at least one such call, 0 to 1. */
  share: number
  /** Milliseconds of one call. */
  p50: number
  /** Milliseconds of one call: 99 % took at most so long. */
  p99: number
  /** Calls that failed. */
  failed: number
  /** `file:line` of the project's own code that made the call, where the stack at the call shows it. */
  location?: string
}

/** Why a server was slow: what its event loops did and what its requests waited for while a load ran. */
export interface LoadProfile {
  /** `true` where the load was run again for the profile, and its figures are not those of the result. */
  repeated: boolean
  /** Milliseconds that were recorded. */
  duration: number
  /** Requests that the server answered in that time; of a server that asks itself, those of the load. */
  requests: number
  /** A row for each thread of the server's process tree, the busiest first. */
  isolates: ProfiledIsolate[]
  /** Calls out of the server by shape, those that requests waited for longest first. */
  waits: ProfileWait[]
  /** The `.cpuprofile` of each isolate, for DevTools and speedscope. */
  files: string[]
  /** A few sentences: what stands out, and what is not known. */
  summary: string[]
}
