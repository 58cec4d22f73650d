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
  /** Its threads, the first included. */
  readonly threads: number
  /** Clock ticks from the system's start to the process's. */
  readonly startedAt: number
}

/** One line of `/proc/<pid>/stat`; the name may hold spaces and parentheses. */
export function parseStat(line: string): ProcessEntry | undefined {
  const match = /^(\d+) \((.*)\) (.*)/s.exec(line)
  if (!match) return undefined
  const [, pid, name = '', rest = ''] = match
  const [state = '', parent, group] = rest.split(' ', 3)
  const fields = rest.split(' ', 20)
  const [threads, startedAt] = [Number(fields[17] ?? 1), Number(fields[19] ?? 0)]
  return { pid: Number(pid), parent: Number(parent), group: Number(group), state, name, threads, startedAt }
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

/**
 * One process; `undefined` when it is gone or nothing but a zombie. One whose first thread has ended and whose others have not
 * is shown as a zombie too, but still holds its files and its port.
 */
export function findProcess(pid: number): ProcessEntry | undefined {
  const entry = parseStat(read(`/proc/${pid}/stat`) ?? '')
  if (!entry || entry.state === 'X') return undefined
  return entry.state !== 'Z' || entry.threads > 1 ? entry : undefined
}

function listPids(): number[] {
  return hasProcessTable
    ? readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
    : []
}

/** All processes that are not zombies. Empty where there is no `/proc`. */
export function listProcesses(pids: readonly number[] = listPids()): ProcessEntry[] {
  return pids.flatMap((pid) => findProcess(pid) ?? [])
}

/** Ticks a second in `/proc`, on every system that Node runs on. */
const TICKS = 100
/** For so many seconds the numbers of new processes cannot have gone round past their start once more. */
const YOUNG = 30

/**
 * The pids that a tree's processes can have. Numbers are given out in rising order, so those below the root's are older
 * than it, unless they went round since: then, and for an old tree, it is all of them. To read them all costs 50 µs each.
 */
function possiblePids({ group, since }: ProcessTree): number[] {
  const pids = listPids()
  if (since === undefined || group <= 0) return pids
  const age = Number((read('/proc/uptime') ?? '').split(' ')[0]) - since / TICKS
  const newest = Number((read('/proc/loadavg') ?? '').split(' ')[4])
  return age < YOUNG && newest >= group ? pids.filter((pid) => pid >= group) : pids
}

function carriesCookie(pid: number, cookie: string): boolean {
  return read(`/proc/${pid}/environ`)?.includes(`${COOKIE_VARIABLE}=${cookie}`) ?? false
}

/** The children of a process and theirs, as the kernel lists them: cheap, but blind to those that lost their parent. */
export function findDescendants(pid: number): number[] {
  const children = (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number)
  return children.flatMap((child) => [child, ...findDescendants(child)])
}

/** A child that leads a process group of its own, with all that it started. */
export interface ProcessTree {
  /** Pid of the child, which is the number of its group too. */
  readonly group: number
  readonly cookie: string
  /** When the child started, in clock ticks as `ProcessEntry` has them: nothing of the tree is older. */
  readonly since?: number | undefined
}

/**
 * The living processes of a tree: the group of its root, every descendant of these, and every process that carries the
 * cookie, so that one which left the group and lost its parent is found as well.
 */
export function findTree(tree: ProcessTree): ProcessEntry[] {
  const { group, cookie, since = 0 } = tree
  const all = listProcesses(possiblePids(tree)).filter((entry) => entry.startedAt >= since && entry.pid !== process.pid)
  const members = new Set<number>()
  for (const entry of all) {
    if (entry.group === group || carriesCookie(entry.pid, cookie)) members.add(entry.pid)
  }
  for (let before = -1; before !== members.size;) {
    before = members.size
    for (const entry of all) if (members.has(entry.parent)) members.add(entry.pid)
  }
  return all.filter((entry) => members.has(entry.pid))
}

/** The living processes of a tree's group alone. */
export function findGroup(tree: ProcessTree): ProcessEntry[] {
  return listProcesses(possiblePids(tree)).filter((entry) => entry.group === tree.group)
}
