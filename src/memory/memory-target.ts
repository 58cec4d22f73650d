import type { IsolateAnswers, IsolateQuestion } from '../probe/protocol.ts'

/** An isolate of a watched server that can be asked. */
export interface TargetIsolate {
  readonly id: string
  readonly pid: number
  readonly wrapper: boolean
  readonly connected: boolean
  /** `undefined` when no answer came within `limit` milliseconds or the isolate is gone. */
  ask<Ask extends IsolateQuestion['ask']>(
    question: Extract<IsolateQuestion, { ask: Ask }>,
    limit: number,
  ): Promise<IsolateAnswers[Ask] | undefined>
}

/** A server as a memory watch sees it. */
export interface MemoryTarget {
  readonly pid: number | undefined
  /** Aborts when the server dies; its reason says how. */
  readonly signal: AbortSignal
  /** Reaches the isolates of its tree; absent where no probe could be preloaded. */
  readonly channel?: { isolates(): readonly TargetIsolate[] } | undefined
}

const targets = new WeakMap<object, MemoryTarget>()

/** Makes known what is behind an object that a user may give as `target`. */
export function registerTarget(server: object, target: MemoryTarget): void {
  targets.set(server, target)
}

export function knownTarget(server: object): MemoryTarget | undefined {
  return targets.get(server)
}
