import { expect } from 'vitest'

interface Comparison {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** The parts of Vitest's snapshots that keep each call of `toMatchInlineSnapshot`: the same on 4 and 5. */
interface SnapshotState {
  readonly _inlineSnapshotStacks?: Comparison[]
  /** Keys by test, such as `name of the test 1`. */
  readonly _testIdToKeys?: Map<string, string[]>
  /** How many of them each name has. */
  readonly _counters?: Map<string, number>
  /** Those that stand in a file. */
  readonly _snapshotData?: Readonly<Record<string, unknown>>
}

function snapshotState(): SnapshotState {
  return (expect.getState() as unknown as { snapshotState?: SnapshotState }).snapshotState ?? {}
}

/**
 * Lets go what Vitest keeps of inline snapshots until the file ends, 390 bytes a call: where each was compared, and its key. It
 * needs one comparison at each place, to refuse a different snapshot there, and as many keys as it has counted.
 */
export class SnapshotRecords {
  readonly #test: string
  readonly #before = snapshotState()._inlineSnapshotStacks?.length ?? 0
  readonly #keysBefore: number

  /** `test` is the id of the task. */
  constructor(test: string) {
    this.#test = test
    this.#keysBefore = this.#keys()?.length ?? 0
  }

  /** Keys count the snapshots of a test, and name those that stand in a file: `keys` is only for calls that none of those follow. */
  release({ keys }: { keys: boolean }): void {
    this.#releaseComparisons(snapshotState()._inlineSnapshotStacks ?? [])
    if (keys) this.#releaseKeys(this.#keys() ?? [], snapshotState())
  }

  #keys(): string[] | undefined {
    const all = snapshotState()._testIdToKeys
    return all?.has(this.#test) ? all.get(this.#test) : undefined
  }

  #releaseComparisons(all: Comparison[]): void {
    if (all.length - this.#before < 2) return
    const since = all.splice(this.#before)
    all.push(...new Map(since.map((one) => [`${one.file}:${one.line}:${one.column}`, one])).values())
  }

  #releaseKeys(keys: string[], { _counters: counters, _snapshotData: data = {} }: SnapshotState): void {
    const since = keys.slice(this.#keysBefore)
    // A number that is given again would name another snapshot in the file.
    if (!counters || since.some((key) => key in data)) return
    keys.length = Math.min(keys.length, this.#keysBefore)
    for (const key of since) {
      const name = key.replace(/ \d+$/, '')
      counters.set(name, Math.max(0, (counters.get(name) ?? 0) - 1))
    }
  }
}
