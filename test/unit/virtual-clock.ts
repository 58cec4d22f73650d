import type { Cancel, Clock } from '../../src/lifecycle/clock.ts'

/** Time moves at least so far with each timer: else one that is set anew for 0 ms would stop it. */
const TICK = 1e-6

interface Timer {
  readonly at: number
  act: (() => void) | undefined
}

/** A clock that moves when a test says so. */
export class VirtualClock implements Clock {
  readonly origin = 1_800_000_000_000
  #now = 0
  /** By time, and by the order in which they were set. */
  readonly #timers: Timer[] = []
  #soon: { act: (() => void) | undefined }[] = []

  now(): number {
    return this.#now
  }

  after(milliseconds: number, act: () => void): Cancel {
    const timer: Timer = { at: this.#now + Math.max(TICK, milliseconds), act }
    let index = this.#timers.length
    while (index > 0 && (this.#timers[index - 1] as Timer).at > timer.at) index -= 1
    this.#timers.splice(index, 0, timer)
    return () => {
      timer.act = undefined
    }
  }

  soon(act: () => void): Cancel {
    const task: { act: (() => void) | undefined } = { act }
    this.#soon.push(task)
    return () => {
      task.act = undefined
    }
  }

  /** Timers and tasks that are still to come: none after a clean end. */
  get pending(): number {
    return [...this.#timers, ...this.#soon].filter(({ act }) => act).length
  }

  /** Moves on by so many milliseconds and does all that is due by then: in order, and each at its time. */
  advance(milliseconds: number): void {
    const until = this.#now + milliseconds
    this.#finishTurn()
    for (let next = this.#timers[0]; next && next.at <= until; next = this.#timers[0]) {
      this.#timers.shift()
      // A process that stood still does late what was due.
      this.#now = Math.max(this.#now, next.at)
      next.act?.()
      this.#finishTurn()
    }
    this.#now = Math.max(this.#now, until)
  }

  /** The process stands still for so many milliseconds: time passes, and nothing is done. */
  block(milliseconds: number): void {
    this.#now += milliseconds
  }

  #finishTurn(): void {
    while (this.#soon.length > 0) {
      const tasks = this.#soon
      this.#soon = []
      for (const { act } of tasks) act?.()
    }
  }
}
