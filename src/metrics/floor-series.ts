import type { MemoryFloor } from './memory-result.ts'

/** Memory of each isolate after one collection. */
export interface IsolateFloors {
  readonly timestamp: number
  readonly requests?: number
  readonly segment?: number
  readonly isolates: ReadonlyMap<string, IsolateBytes>
}

interface IsolateBytes {
  /** Without compiled code. */
  readonly heapData: number
  readonly external: number
  readonly arrayBuffers: number
}

/**
 * The floors of a whole target. Where processes or threads ended in between, only those that were there all the time count:
 * a worker that exits must not hide what the others keep.
 */
export function joinFloors(records: readonly IsolateFloors[]): { floors: MemoryFloor[]; hindrance?: string } {
  const lasting = new Set(records[0]?.isolates.keys())
  let ended = false
  let seen = new Set<string>()
  for (const { isolates } of records) {
    for (const id of seen) ended ||= !isolates.has(id)
    for (const id of lasting) if (!isolates.has(id)) lasting.delete(id)
    seen = new Set(isolates.keys())
  }
  if (ended && lasting.size === 0) {
    return { floors: [], hindrance: 'none of its processes lived through the watch' }
  }
  return { floors: records.map((record) => sumFloor(record, ended ? lasting : undefined)) }
}

function sumFloor(
  { timestamp, requests, segment, isolates }: IsolateFloors,
  only: ReadonlySet<string> | undefined,
): MemoryFloor {
  let heapData = 0
  let external = 0
  let arrayBuffers = 0
  for (const [id, memory] of isolates) {
    if (only && !only.has(id)) continue
    heapData += memory.heapData
    external += memory.external
    arrayBuffers += memory.arrayBuffers
  }
  return {
    timestamp,
    ...(requests !== undefined && { requests }),
    bytes: heapData + external,
    heapData,
    external,
    arrayBuffers,
    ...(segment !== undefined && { segment }),
  }
}

/** Requests between two readings of a counter, as if they had come evenly. */
export function countAt(
  ticks: readonly (readonly [timestamp: number, count: number])[],
  timestamp: number,
): number | undefined {
  const after = ticks.findIndex(([at]) => at >= timestamp)
  const last = ticks.at(-1)
  if (after === -1) return last?.[1]
  const [end, count] = ticks[after] ?? [0, 0]
  const before = ticks[after - 1]
  if (!before || end === before[0]) return count
  return before[1] + ((count - before[1]) * (timestamp - before[0])) / (end - before[0])
}
