import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { MemoryError } from '../errors.ts'
import type { MemorySource, SourceReading } from './memory-source.ts'
import { readWallClock } from '../lifecycle/real-timers.ts'

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
    const rss = process.platform === 'linux' ? procTree(this.#pid) : await psTree(this.#pid)
    if (rss === undefined) {
      throw new MemoryError(
        `There is no process ${this.#pid} (any more): give the pid of one that runs, or watch the server fixture`,
      )
    }
    return { snapshot: { timestamp: readWallClock(), rss }, stale: false }
  }

  release(): void {}
}

/** A process and its descendants, by pid and name; empty where there is no `/proc`. */
export function listTree(root: number): { pid: number; name: string }[] {
  const name = readIfThere(`/proc/${root}/comm`)?.trim()
  return name === undefined ? [] : [{ pid: root, name }, ...procChildren(root).flatMap(listTree)]
}

/** Resident bytes of a tree from `/proc`; `undefined` when its root is gone. */
function procTree(root: number): number | undefined {
  const rss = procResident(root)
  if (rss === undefined) return undefined
  return procChildren(root).reduce((sum, child) => sum + (procTree(child) ?? 0), rss)
}

/** A zombie has no memory left, and `VmRSS` is missing. */
function procResident(pid: number): number | undefined {
  const status = readIfThere(`/proc/${pid}/status`)
  const kilobytes = status === undefined ? undefined : /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024
}

function procChildren(pid: number): number[] {
  let threads: string[]
  try {
    threads = readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
  return threads.flatMap((thread) =>
    (readIfThere(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  )
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** The same from `ps`, for systems without `/proc`. */
async function psTree(root: number): Promise<number | undefined> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,ppid=,rss='])
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const resident = new Map(rows.map(([pid, , kilobytes]) => [pid, (kilobytes ?? 0) * 1_024]))
  if (!resident.get(root)) return undefined
  const sumOf = (pid: number): number =>
    rows.reduce(
      (sum, [child, parent]) => (parent === pid && child !== undefined ? sum + sumOf(child) : sum),
      resident.get(pid) ?? 0,
    )
  return sumOf(root)
}
