import { setImmediate as turn } from 'node:timers/promises'
import type { Cancel, Clock } from '../../src/lifecycle/clock.ts'

/** Time moves at least so far with each timer: else one that is set anew for 0 ms would stop it. */
const TICK = 1e-6
/** The machine runs for longer than its processes. */
const MACHINE_ORIGIN = 5_000_000

interface Task {
  readonly at: number
  act: (() => void) | undefined
}

/** Tasks by time, and of one time in the order in which they were set. */
class Agenda {
  readonly #tasks: Task[] = []

  add(at: number, act: () => void): Cancel {
    const task: Task = { at, act }
    let index = this.#tasks.length
    while (index > 0 && (this.#tasks[index - 1] as Task).at > at) index -= 1
    this.#tasks.splice(index, 0, task)
    return () => {
      task.act = undefined
    }
  }

  get next(): number {
    return this.#tasks[0]?.at ?? Infinity
  }

  get size(): number {
    return this.#tasks.filter(({ act }) => act).length
  }

  /** Does all that is due by `now`, but for what is added meanwhile and due later. */
  doDue(now: number): void {
    while (this.#tasks.length > 0 && this.next <= now) this.#tasks.shift()?.act?.()
  }
}

/**
 * A clock that moves when a test says so. A turn of its loop is one of Node's: timers that are due, then what has arrived from
 * outside, then what is to be done soon.
 */
export class VirtualClock implements Clock {
  readonly origin = 1_800_000_000_000
  #now = 0
  readonly #timers = new Agenda()
  readonly #arrivals = new Agenda()
  #soon = new Agenda()

  now(): number {
    return this.#now
  }

  machineNow(): number {
    return MACHINE_ORIGIN + this.#now
  }

  after(milliseconds: number, act: () => void): Cancel {
    return this.#timers.add(this.#now + Math.max(TICK, milliseconds), act)
  }

  at(moment: number, act: () => void): Cancel {
    return this.after(moment - this.#now, act)
  }

  soon(act: () => void): Cancel {
    return this.#soon.add(this.#now, act)
  }

  /** Something arrives from outside after so many milliseconds, whether or not the process runs then. */
  arrive(milliseconds: number, act: () => void): Cancel {
    return this.#arrivals.add(this.#now + Math.max(TICK, milliseconds), act)
  }

  /** Timers and tasks of the process that are still to come: none after a clean end. */
  get pending(): number {
    return this.#timers.size + this.#soon.size
  }

  /** Moves on by so many milliseconds and does all that is due by then, each at its time. */
  advance(milliseconds: number): void {
    const until = this.#now + milliseconds
    this.#turn()
    for (;;) {
      const next = Math.min(this.#timers.next, this.#arrivals.next)
      if (next > until) break
      // A process that stood still does late what was due.
      this.#now = Math.max(this.#now, next)
      this.#turn()
    }
    this.#now = Math.max(this.#now, until)
  }

  /** As `advance`, and lets promises settle after all that is done at one time. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds
    await turn()
    for (;;) {
      const next = Math.min(this.#timers.next, this.#arrivals.next, this.#soon.next)
      if (next > until) break
      this.advance(Math.max(0, next - this.#now))
      await turn()
    }
    this.advance(until - this.#now)
  }

  /** The process stands still for so many milliseconds: time passes, things arrive, and nothing is done. */
  block(milliseconds: number): void {
    this.#now += milliseconds
  }

  #turn(): void {
    this.#timers.doDue(this.#now)
    this.#arrivals.doDue(this.#now)
    // What is asked for meanwhile is for the next turn.
    const soon = this.#soon
    this.#soon = new Agenda()
    soon.doDue(Infinity)
    if (this.#soon.next < Infinity) this.#turn()
  }
}
