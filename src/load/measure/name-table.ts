import type { NameResult } from '../../results/load-result.ts'
import type { NameCount } from '../../results/name-rows.ts'
import { NameCounts } from './name-counts.ts'

/** Names told apart. Each costs up to 100 KB. */
export const MOST_NAMES = 1_000
/** Where the requests of further names are counted. */
export const OTHER = 'other'
/** Names with a time series. */
const MOST_WITH_ROWS = 20

/** The counts of a load by name, in the order in which the names came. */
export class NameTable {
  readonly #names = new Map<string, NameCounts>()
  readonly #planned: number | undefined
  #isFull = false

  /** `planned` is the length of the load in milliseconds. */
  constructor(planned: number | undefined) {
    this.#planned = planned
  }

  get size(): number {
    return this.#names.size
  }

  /** The counts of `name`, or of `other` if there are too many names. */
  of(name: string): NameCounts {
    const known = this.#names.get(name)
    if (known) return known
    if (this.#names.size < MOST_NAMES) return this.#add(name)
    this.#isFull = true
    return this.#names.get(OTHER) ?? this.#add(OTHER)
  }

  #add(name: string): NameCounts {
    const counts = new NameCounts({ rows: this.#names.size < MOST_WITH_ROWS, planned: this.#planned })
    this.#names.set(name, counts)
    return counts
  }

  endInterval(at: number, last: boolean): void {
    for (const counts of this.#names.values()) counts.endInterval(at, last)
  }

  /**
   * Returns what was counted since the last call, by name. Only of names that have a time series; they are merged with
   * those of other processes.
   */
  takeRows(): Record<string, NameCount> {
    const rows = [...this.#names].map(([name, counts]) => [name, counts.takeRow()] as const)
    return Object.fromEntries(rows.flatMap(([name, row]) => (row ? [[name, row]] : [])))
  }

  results(elapsed: number): Record<string, NameResult> {
    return Object.fromEntries([...this.#names].map(([name, counts]) => [name, counts.result(elapsed)]))
  }

  mergeableResults(elapsed: number): Record<string, NameResult> {
    return Object.fromEntries([...this.#names].map(([name, counts]) => [name, counts.mergeableResult(elapsed)]))
  }

  finalResults(elapsed: number): Record<string, NameResult> {
    return Object.fromEntries([...this.#names].map(([name, counts]) => [name, counts.finalResult(elapsed)]))
  }

  /** What was cut, for people. */
  remark(): string | undefined {
    return this.#isFull
      ? `This load has more than ${MOST_NAMES} names: the requests of all further ones are counted as '${OTHER}'. Names that hold an id are the usual cause: give such a request a name of its own, such as { name: 'GET /items/:id' }.`
      : undefined
  }
}
