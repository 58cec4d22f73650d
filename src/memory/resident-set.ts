import { MemoryError } from '../errors.ts'
import { readResidentTree } from '../lifecycle/process-table.ts'
import { readWallClock } from '../lifecycle/real-timers.ts'
import type { MemorySource, SourceReading } from './memory-source.ts'

/** A process that is not Node, or not ours to look into: resident memory of it and its descendants. */
export class ResidentSet implements MemorySource {
  readonly kind = 'process'
  readonly name: string
  readonly gone?: AbortSignal
  readonly #pid: number

  constructor(pid: number, name: string, gone?: AbortSignal) {
    this.#pid = pid
    if (gone) this.gone = gone
    this.name = name
  }

  async read(): Promise<SourceReading> {
    const rss = readResidentTree(this.#pid)
    if (rss === undefined) {
      throw new MemoryError(
        `There is no process ${this.#pid} (any more): give the pid of one that runs, or watch the server fixture`,
      )
    }
    return { snapshot: { timestamp: readWallClock(), rss }, stale: false }
  }

  release(): void {}
}
