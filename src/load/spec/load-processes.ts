import type { Clock } from '../../lifecycle/clock.ts'
import type { StartChild } from './load-child.ts'
import type { LoadEngine } from './load-engine.ts'
import { LoadProcess } from './load-process.ts'

/** Load processes by slot. Loads share the process of a slot; when it takes no more of them, the next load gets another one. */
export class LoadProcesses {
  readonly #clock: Clock
  readonly #startChild: StartChild
  readonly #slots: (LoadProcess | undefined)[] = []

  constructor(clock: Clock, startChild: StartChild) {
    this.#clock = clock
    this.#startChild = startChild
  }

  /** Returns the load process in a slot. Starts one if the slot is empty. */
  at(slot: number): LoadProcess {
    return (this.#slots[slot] ??= new LoadProcess({
      clock: this.#clock,
      startChild: this.#startChild,
      onClosed: () => (this.#slots[slot] = undefined),
    }))
  }

  /** The engine of the load process in a slot. */
  engine(slot = 0): LoadEngine {
    return { open: (listener) => this.at(slot).openLine(listener) }
  }
}
