import type { LoadSample, NameResult, NameSample } from '../../results/load-result.ts'
import { NameRows } from '../../results/name-rows.ts'
import type { MergeableRow } from './merged-progress.ts'

/** The time series by name of a load that several processes share: as their rows are joined, so are those of each name. */
export class SharedNameRows {
  readonly #planned: number | undefined
  readonly #names = new Map<string, { readonly rows: NameRows; readonly tellers: Set<number> }>()
  #end = 0

  /** `planned` is the length of the load in milliseconds. */
  constructor(planned: number | undefined) {
    this.#planned = planned
  }

  /** Adds a row of the whole; `parts` has the rows of each process that it was joined from. */
  add({ at }: LoadSample, parts: readonly (readonly MergeableRow[])[]): void {
    for (const [process, rows] of parts.entries())
      for (const { names = {} } of rows)
        for (const [name, count] of Object.entries(names)) {
          const known = this.#of(name)
          known.tellers.add(process)
          known.rows.add(count)
        }
    for (const { rows } of this.#names.values()) rows.endInterval(at, false)
    this.#end = at
  }

  #of(name: string) {
    const known = this.#names.get(name)
    if (known) return known
    const added = { rows: new NameRows(this.#planned), tellers: new Set<number>() }
    this.#names.set(name, added)
    return added
  }

  /**
   * Returns the rows of a name when the load has ended. `parts` has the figures by name of each process. Returns `undefined` if a
   * process has counted the name without rows of its own: it has rows of its first 20 names only.
   */
  samplesOf(name: string, parts: readonly Readonly<Record<string, NameResult>>[]): NameSample[] | undefined {
    const known = this.#names.get(name)
    if (!known || parts.some((byName, process) => byName[name] !== undefined && !known.tellers.has(process))) return
    known.rows.endInterval(this.#end, true)
    return known.rows.rows.length > 0 ? known.rows.rows : undefined
  }
}
