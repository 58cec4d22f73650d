import { readFileSync } from 'node:fs'
import process from 'node:process'
import { hasProcessTable } from '../../lifecycle/process-table.ts'
import { readClock } from '../../lifecycle/real-timers.ts'
import type { Usage } from './master-connection.ts'

/** Units of `/proc/PID/stat`, the same on every system that Node runs on. */
const TICKS_PER_SECOND = 100
const PAGE = 4_096

/** CPU milliseconds and resident bytes of a process; `undefined` when it is gone. */
function read(pid: number): { cpu: number; memory: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [user, system, pages] = [fields[11], fields[12], fields[21]].map(Number) as [number, number, number]
    return { cpu: ((user + system) * 1_000) / TICKS_PER_SECOND, memory: pages * PAGE }
  } catch {
    return undefined
  }
}

function readSelf(): { cpu: number; memory: number } {
  const { user, system } = process.cpuUsage()
  return { cpu: (user + system) / 1_000, memory: process.memoryUsage.rss() }
}

/** Measures what a worker uses between two calls: with its load processes on Linux, by itself elsewhere. */
export function usageMeter(pids: () => readonly number[]): () => Usage {
  let [lastAt, last] = [readClock(), new Map<number, number>()]
  return () => {
    const now = readClock()
    const all = new Map([process.pid, ...pids()].map((pid) => [pid, hasProcessTable ? read(pid) : undefined]))
    if (!hasProcessTable) all.set(process.pid, readSelf())
    let [cpu, memory] = [0, 0]
    const seen = new Map<number, number>()
    for (const [pid, used] of all) {
      if (!used) continue
      memory += used.memory
      cpu += used.cpu - (last.get(pid) ?? used.cpu)
      seen.set(pid, used.cpu)
    }
    const elapsed = now - lastAt
    ;[lastAt, last] = [now, seen]
    return { cpu: elapsed > 0 ? (cpu / elapsed) * 100 : 0, memory }
  }
}
