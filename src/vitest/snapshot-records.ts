import { expect } from 'vitest'

interface Comparison {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** The part of Vitest's snapshots that keeps each call of `toMatchInlineSnapshot`: the same on 4 and 5. */
interface SnapshotState {
  readonly _inlineSnapshotStacks?: Comparison[]
}

function comparisons(): Comparison[] {
  const { snapshotState } = expect.getState() as unknown as { snapshotState?: SnapshotState }
  return snapshotState?._inlineSnapshotStacks ?? []
}

/**
 * Lets go what Vitest keeps of inline snapshots until the file ends, 330 bytes a call: where each was compared. It needs one
 * at each place, to refuse a different snapshot there.
 */
export class SnapshotRecords {
  readonly #before = comparisons().length

  release(): void {
    const all = comparisons()
    if (all.length - this.#before < 2) return
    const since = all.splice(this.#before)
    all.push(...new Map(since.map((one) => [`${one.file}:${one.line}:${one.column}`, one])).values())
  }
}
