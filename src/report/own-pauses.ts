import { isMeasured } from '../units.ts'
import type { LoadEntry, MemoryEntry } from './summary.ts'

/** A time during which a memory watch of ours made the server stand still. */
export interface OwnPause {
  kind: 'collection' | 'snapshot'
  /** Milliseconds from the start of the load. */
  at: number
  duration: number
}

/** The pauses that watches of the same attempt forced while a load ran. They are in its latencies, and are not the server's. */
export function pausesDuring({ attempt, result }: LoadEntry, watches: readonly MemoryEntry[]): OwnPause[] {
  const { startedAt, duration } = result
  if (!isMeasured(startedAt) || !isMeasured(duration)) return []
  return watches
    .filter((watch) => watch.attempt === attempt && watch.target !== 'this process')
    .flatMap((watch) => watch.result.collections?.pauses ?? [])
    .map((pause) => ({ kind: pause.kind, at: (pause.startedAt ?? 0) - startedAt, duration: pause.duration ?? 0 }))
    .filter((pause) => pause.at + pause.duration > 0 && pause.at < duration)
    .sort((a, b) => a.at - b.at)
}

const NAMES = { collection: ['forced collection', 'forced collections'], snapshot: ['heap snapshot', 'heap snapshots'] }

/** Those that touch an interval. Milliseconds from the start of the load. */
export function pausesWithin(pauses: readonly OwnPause[], from: number, to: number): OwnPause[] {
  return pauses.filter((pause) => pause.at < to && pause.at + pause.duration > from)
}

/** `2 forced collections`, `1 heap snapshot`. */
export function countPauses(pauses: readonly OwnPause[]): string {
  return (['collection', 'snapshot'] as const)
    .map((kind) => ({ kind, count: pauses.filter((pause) => pause.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${NAMES[kind][count === 1 ? 0 : 1]}`)
    .join(' and ')
}
