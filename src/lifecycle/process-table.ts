import { readdirSync, readFileSync } from 'node:fs'
import { COOKIE_VARIABLE } from './watchdog.ts'

/** A living process as `/proc` shows it. */
export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
  /** The letter of `/proc/<pid>/stat`: `Z` for a zombie, `T` for a stopped process. */
  readonly state: string
  readonly name: string
}

/** One line of `/proc/<pid>/stat`; the name may hold spaces and parentheses. */
export function parseStat(line: string): ProcessEntry | undefined {
  const match = /^(\d+) \((.*)\) (\S) (-?\d+) (-?\d+)/s.exec(line)
  if (!match) return undefined
  const [, pid, name = '', state = '', parent, group] = match
  return { pid: Number(pid), parent: Number(parent), group: Number(group), state, name }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

/** Whether this platform has a process table that we can read. */
export const hasProcessTable = process.platform === 'linux' && read('/proc/self/stat') !== undefined

/** One process; `undefined` when it is gone or nothing but a zombie. */
export function findProcess(pid: number): ProcessEntry | undefined {
  const entry = parseStat(read(`/proc/${pid}/stat`) ?? '')
  return entry && entry.state !== 'Z' && entry.state !== 'X' ? entry : undefined
}

/** All processes that are not zombies. Empty where there is no `/proc`. */
export function listProcesses(): ProcessEntry[] {
  if (!hasProcessTable) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => findProcess(Number(name)) ?? [])
}

function carriesCookie(pid: number, cookie: string): boolean {
  return read(`/proc/${pid}/environ`)?.includes(`${COOKIE_VARIABLE}=${cookie}`) ?? false
}

/**
 * The living processes of a tree: the group of its root, every descendant of these, and every process that carries the
 * cookie, so that one which left the group and lost its parent is found as well.
 */
export function findTree(group: number, cookie: string): ProcessEntry[] {
  const all = listProcesses().filter((entry) => entry.pid !== process.pid)
  const members = new Set<number>()
  for (const entry of all) {
    if (entry.group === group || carriesCookie(entry.pid, cookie)) members.add(entry.pid)
  }
  for (let before = -1; before !== members.size; ) {
    before = members.size
    for (const entry of all) if (members.has(entry.parent)) members.add(entry.pid)
  }
  return all.filter((entry) => members.has(entry.pid))
}
