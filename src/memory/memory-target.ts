import type { WatchedIsolate } from '../probe/protocol.ts'

/** A server as a memory watch sees it. */
export interface MemoryTarget {
  readonly pid: number | undefined
  /** Aborts when the server dies; its reason says how. */
  readonly signal: AbortSignal
  /** Resolves when the restart that is under way has ended, well or not; `undefined` where none is. */
  readonly restarted?: Promise<void> | undefined
  /** Reaches the isolates of its tree; absent where no probe could be preloaded. */
  readonly channel?: { isolates(): readonly WatchedIsolate[] } | undefined
}

const targets = new WeakMap<object, MemoryTarget>()

/** Makes known what is behind an object that a user may give as `target`. */
export function registerTarget(server: object, target: MemoryTarget): void {
  targets.set(server, target)
}

export function knownTarget(server: object): MemoryTarget | undefined {
  return targets.get(server)
}
