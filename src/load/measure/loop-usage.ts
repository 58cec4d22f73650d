import { performance } from 'node:perf_hooks'

/** Milliseconds of an event loop since its start. */
export interface LoopTime {
  readonly idle: number
  readonly active: number
}

/** 0 to 1; `NaN` if no time has passed. */
export function utilisationBetween(before: LoopTime, after: LoopTime): number {
  const active = after.active - before.active
  return active / (active + after.idle - before.idle)
}

/**
 * The event-loop time of this process, without the time in which a profiler recorded.
 *
 * Each sample of a profiler interrupts the wait of the event loop, and libuv then forgets how long it had been idle: a
 * loop that is busy for 42 % of the time counts as 56 % busy at a sample every 5 ms (Node 20.20).
 */
export class LoopUsage {
  readonly #readLoop: () => LoopTime
  /** Before the last recording. */
  #idle = 0
  #active = 0
  /** When the last recording ended; `undefined` during one. */
  #since: LoopTime | undefined

  constructor(readLoop: () => LoopTime) {
    this.#readLoop = readLoop
    this.#since = readLoop()
  }

  read(): LoopTime {
    const now = this.#since && this.#readLoop()
    if (!this.#since || !now) return { idle: this.#idle, active: this.#active }
    return {
      idle: this.#idle + now.idle - this.#since.idle,
      active: this.#active + now.active - this.#since.active,
    }
  }

  /** A profiler begins to record. Idempotent. */
  beginRecording(): void {
    const { idle, active } = this.read()
    this.#idle = idle
    this.#active = active
    this.#since = undefined
  }

  /** It has stopped. Idempotent. */
  endRecording(): void {
    this.#since ??= this.#readLoop()
  }
}

export const loopUsage = new LoopUsage(() => performance.eventLoopUtilization())
