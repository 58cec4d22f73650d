import type { LoadSample } from '../../results/load-result.ts'
import { mergeRows, type MergeableRow } from './merged-progress.ts'

/** A row of the whole, and those of each process that it was joined from. */
export interface JoinedRow {
  readonly row: LoadSample
  readonly parts: readonly (readonly MergeableRow[])[]
}

/**
 * Joins the rows of several processes by their time. A process that was busy makes one row of two intervals: then its row stands
 * beside two of another.
 */
export class RowJoiner {
  readonly #tolerance: number
  readonly #queues: MergeableRow[][]
  readonly #ended: boolean[]
  #since = 0

  /** `interval` is the planned length of a row in milliseconds. */
  constructor(processes: number, interval: number) {
    this.#tolerance = interval / 2
    this.#queues = Array.from({ length: processes }, () => [])
    this.#ended = this.#queues.map(() => false)
  }

  /** Rows that one process has ended; returns those of the whole that are complete by that. */
  add(index: number, rows: readonly MergeableRow[]): JoinedRow[] {
    this.#queues[index]?.push(...rows)
    return this.#join()
  }

  /** No more rows come of a process. */
  end(index: number): JoinedRow[] {
    this.#ended[index] = true
    return this.#join()
  }

  #join(): JoinedRow[] {
    const joined: JoinedRow[] = []
    for (let counts = this.#next(); counts; counts = this.#next()) {
      const parts = this.#queues.map((queue, index) => queue.splice(0, counts?.[index]))
      const row = mergeRows(parts, this.#since)
      this.#since = row.at
      joined.push({ row, parts })
    }
    return joined
  }

  /** How many rows of each process make the next row; `undefined` as long as one is missing. */
  #next(): number[] | undefined {
    const counts = this.#queues.map((queue) => Math.min(1, queue.length))
    if (counts.every((count) => count === 0)) return undefined
    // Also where the first row is shorter than the tolerance: nothing is known of a process without one.
    if (counts.some((count, index) => count === 0 && !this.#ended[index])) return undefined
    for (;;) {
      const ends = counts.map((count, index) => this.#queues[index]?.[count - 1]?.row.at ?? 0)
      const last = Math.max(...ends)
      const behind = counts.findIndex(
        (_, index) => (ends[index] as number) < last - this.#tolerance && this.#mayGrow(index, counts),
      )
      if (behind === -1) return counts
      if (counts[behind] === this.#queues[behind]?.length) return undefined
      counts[behind] = (counts[behind] as number) + 1
    }
  }

  /** Whether a process has, or may still get, a further row. */
  #mayGrow(index: number, counts: readonly number[]): boolean {
    return !this.#ended[index] || (this.#queues[index]?.length ?? 0) > (counts[index] as number)
  }
}
