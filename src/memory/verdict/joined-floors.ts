import type { MemoryFloor } from '../../results/memory-result.ts'
import type { HeapRecord } from './heap-record.ts'

/**
 * Bytes an isolate. While V8 compiles, the heap grows beside the code by about as much as the machine code does
 * (feedback, deoptimization data), up to this bound. More machine code than that is not a warm-up. See
 * `docs/decisions/code-in-floors.md`.
 */
const BESIDE_CODE_AT_MOST = 256 * 1024

/** Those that lived to the end must have served this share of the requests, or their floors say little of the target. */
const SHARE_OF_LASTING = 0.5

export interface JoinedFloors {
  readonly floors: MemoryFloor[]
  /** Why there are none, and what would help. */
  readonly hindrance?: string
  readonly remedy?: string
}

/** An isolate that is silent more often than not is left out; of others no floor may be missing. */
const SHARE_OF_ANSWERS = 0.5

/**
 * Joins the records of a target's isolates into its floors. Only isolates that live at the end count: a worker that
 * exits must not hide what the others keep. If those served only a part of the requests, there is nothing to judge. A
 * record in which one of them is silent is discarded.
 */
export function joinFloors(records: readonly HeapRecord[]): JoinedFloors {
  const last = records.at(-1)
  const counted = countedIsolates(records)
  const left = records.some(({ isolates }) => [...isolates.keys()].some((id) => !counted.has(id)))
  if (left && [...(records[0]?.isolates.keys() ?? [])].every((id) => !counted.has(id))) {
    return replaced('none of its processes')
  }
  if (left && shareOf(counted, last?.requestsOf) < SHARE_OF_LASTING) {
    const living = new Set([...counted, ...(last?.silent ?? [])])
    return shareOf(living, last?.requestsOf) >= SHARE_OF_LASTING
      ? {
          floors: [],
          hindrance: 'the processes that served most requests hardly ever answered: their event loops are blocked',
        }
      : replaced('few of the processes and threads that served requests')
  }
  const whole = records.filter((record, index) =>
    [...counted].every((id) => record.isolates.has(id) || !hasAppeared(id, records.slice(0, index))),
  )
  const codeBefore = new Map<string, number>()
  for (const { isolates } of records) {
    for (const [id, { machineCode }] of isolates) if (!codeBefore.has(id)) codeBefore.set(id, machineCode)
  }
  return { floors: whole.map((record) => sumFloor(record, codeBefore, counted)) }
}

function hasAppeared(id: string, records: readonly HeapRecord[]): boolean {
  return records.some(({ isolates }) => isolates.has(id))
}

/** Those that live at the end and mostly answered since they were first seen. */
function countedIsolates(records: readonly HeapRecord[]): ReadonlySet<string> {
  const last = records.at(-1)
  const living = [...(last?.isolates.keys() ?? []), ...(last?.silent ?? [])]
  return new Set(
    living.filter((id) => {
      const since = records.slice(records.findIndex(({ isolates }) => isolates.has(id)))
      const answers = since.filter(({ isolates }) => isolates.has(id)).length
      return answers > 0 && answers >= SHARE_OF_ANSWERS * since.length
    }),
  )
}

function replaced(what: string): JoinedFloors {
  const remedy = 'watch for a time in which the server replaces no process'
  return { floors: [], hindrance: `${what} lived through the watch`, remedy }
}

/** The share of all requests that some isolates served; 1 where nobody counted. */
function shareOf(isolates: ReadonlySet<string>, requestsOf: ReadonlyMap<string, number> = new Map()): number {
  let [own, all] = [0, 0]
  for (const [id, requests] of requestsOf) {
    all += requests
    if (isolates.has(id)) own += requests
  }
  return all === 0 ? 1 : own / all
}

function sumFloor(
  { timestamp, requests, segment, isolates }: HeapRecord,
  codeBefore: ReadonlyMap<string, number>,
  counted: ReadonlySet<string>,
): MemoryFloor {
  let heapData = 0
  let external = 0
  let arrayBuffers = 0
  for (const [id, memory] of isolates) {
    if (!counted.has(id)) continue
    const compiled = memory.machineCode - (codeBefore.get(id) ?? memory.machineCode)
    heapData += memory.heapData - Math.max(0, Math.min(compiled, BESIDE_CODE_AT_MOST))
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
