import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { COOKIE_VARIABLE } from './watchdog.ts'

/** A living process. */
export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
  /** The letter of `/proc/<pid>/stat` or of `ps`: `Z` for a zombie, `T` for a stopped process. */
  readonly state: string
  readonly name: string
  /** Its threads, the first included; 1 where only `ps` tells. */
  readonly threads: number
  /** Clock ticks from the system's start to the process's; 0 where only `ps` tells. */
  readonly startedAt: number
  /** It runs no more, and gives its memory, files and ports back. */
  readonly isEnding: boolean
}

/** Bit of the flags in `/proc/<pid>/stat`: PF_EXITING of Linux's include/linux/sched.h, set before the first file is closed. */
const EXITING = 0x4

/** One line of `/proc/<pid>/stat`; the name may hold spaces and parentheses. */
export function parseStat(line: string): ProcessEntry | undefined {
  const match = /^(\d+) \((.*)\) (.*)/s.exec(line)
  if (!match) return undefined
  const [, pid, name = '', rest = ''] = match
  const [state = '', parent, group] = rest.split(' ', 3)
  const fields = rest.split(' ', 20)
  const [threads, startedAt] = [Number(fields[17] ?? 1), Number(fields[19] ?? 0)]
  const isEnding = (Number(fields[6] ?? 0) & EXITING) !== 0
  return { pid: Number(pid), parent: Number(parent), group: Number(group), state, name, threads, startedAt, isEnding }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

/** Whether this system has `/proc`, with all that it tells of a process. */
export const hasProcessTable = process.platform === 'linux' && read('/proc/self/stat') !== undefined

/** Whether processes can be listed at all: from `/proc`, or by `ps`. */
export const canListProcesses = hasProcessTable || process.platform !== 'win32'

/** How processes are seen. Zombies are left out everywhere. */
export interface ProcessTable {
  find(pid: number): ProcessEntry | undefined
  /** Those that may belong to a tree, or all. */
  list(tree?: ProcessTree): ProcessEntry[]
  /** Those of `entries` whose environment carries a cookie. */
  carrying(cookie: string, entries: readonly ProcessEntry[]): ReadonlySet<number>
  /** The children of a process and theirs: cheap, but blind to those that lost their parent. */
  descendants(pid: number): number[]
  /** Resident bytes of each of these processes that has any; a zombie has none. */
  resident(pids: readonly number[]): ReadonlyMap<number, number>
}

/** Ticks a second in `/proc`, on every system that Node runs on. */
const TICKS = 100
/** For so many seconds the numbers of new processes cannot have gone round past their start once more. */
const YOUNG = 30

function listPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

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

/** Linux. */
const procTable: ProcessTable = {
  find(pid) {
    const entry = parseStat(read(`/proc/${pid}/stat`) ?? '')
    if (!entry || entry.state === 'X') return undefined
    // One whose first thread has ended and whose others have not is shown as a zombie too, but still holds its files and its port.
    return entry.state !== 'Z' || entry.threads > 1 ? entry : undefined
  },
  list: (tree) => (tree ? possiblePids(tree) : listPids()).flatMap((pid) => procTable.find(pid) ?? []),
  carrying(cookie, entries) {
    const has = (pid: number) => read(`/proc/${pid}/environ`)?.includes(`${COOKIE_VARIABLE}=${cookie}`) ?? false
    return new Set(entries.map(({ pid }) => pid).filter(has))
  },
  descendants(pid) {
    // A child is listed with the thread that started it, which may be a worker.
    const children = listThreads(pid).flatMap((thread) =>
      (read(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
    )
    return children.flatMap((child) => [child, ...procTable.descendants(child)])
  },
  resident(pids) {
    return new Map(
      pids.flatMap((pid) => {
        const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
        return kilobytes === undefined ? [] : [[pid, Number(kilobytes) * 1_024] as const]
      }),
    )
  },
}

function listThreads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

function runPs(args: readonly string[]): string {
  return spawnSync('ps', args, { encoding: 'utf8', timeout: 2_000, maxBuffer: 64 * 1024 * 1024 }).stdout ?? ''
}

const PS_COLUMNS = ['-o', 'pid=,ppid=,pgid=,stat=,comm=']
/** With the environment behind the command: of this user's processes, as far as the system shows it. */
const PS_ENVIRONMENT = process.platform === 'darwin' ? ['-axwwE', '-o'] : ['axeww', '-o']

function parsePs(text: string): ProcessEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S)(\S*)\s+(.*)$/.exec(line)
    if (!match) return []
    const [, pid, parent, group, state = '', flags = '', name = ''] = match
    const known = { pid: Number(pid), parent: Number(parent), group: Number(group), state }
    // `E` is macOS's: it tries to exit.
    const rest = { name: name.trim().replace(/^.*\//, ''), threads: 1, startedAt: 0, isEnding: flags.includes('E') }
    return state === 'Z' ? [] : [{ ...known, ...rest }]
  })
}

/** From `ps`: where there is no `/proc`, as on macOS. A look takes about 15 ms. */
export const psTable: ProcessTable = {
  find: (pid) => parsePs(runPs(['-p', String(pid), ...PS_COLUMNS]))[0],
  list: () => parsePs(runPs(['-ax', ...PS_COLUMNS])),
  carrying(cookie) {
    const lines = runPs([...PS_ENVIRONMENT, 'pid=,command=']).split('\n')
    const found = lines.filter((line) => line.includes(`${COOKIE_VARIABLE}=${cookie}`))
    return new Set(found.map((line) => Number.parseInt(line, 10)))
  },
  descendants(pid) {
    const all = psTable.list()
    const below = (parent: number): number[] =>
      all.filter((entry) => entry.parent === parent).flatMap((entry) => [entry.pid, ...below(entry.pid)])
    return below(pid)
  },
  resident(pids) {
    const rows = runPs(['-o', 'pid=,rss=', '-p', pids.join(',')])
      .trim()
      .split('\n')
    const numbers = rows.map((row) => row.trim().split(/\s+/).map(Number))
    return new Map(numbers.flatMap(([pid = 0, kilobytes = 0]) => (kilobytes > 0 ? [[pid, kilobytes * 1_024]] : [])))
  },
}

const nothing: ProcessTable = {
  find: () => undefined,
  list: () => [],
  carrying: () => new Set(),
  descendants: () => [],
  resident: () => new Map(),
}

const systemTable = hasProcessTable ? procTable : canListProcesses ? psTable : nothing

/** One process; `undefined` when it is gone or nothing but a zombie. */
export function findProcess(pid: number, table = systemTable): ProcessEntry | undefined {
  return table.find(pid)
}

/** All processes that are not zombies. Empty where they cannot be listed. */
export function listProcesses(pids?: readonly number[], table = systemTable): ProcessEntry[] {
  return pids ? pids.flatMap((pid) => table.find(pid) ?? []) : table.list()
}

/** The children of a process and theirs: cheap, but blind to those that lost their parent. */
export function findDescendants(pid: number, table = systemTable): number[] {
  return table.descendants(pid)
}

/** Resident bytes of a process and its descendants; `undefined` when it is gone or nothing but a zombie. */
export function readResidentTree(pid: number, table = systemTable): number | undefined {
  const resident = table.resident([pid, ...table.descendants(pid)])
  return resident.has(pid) ? [...resident.values()].reduce((sum, bytes) => sum + bytes, 0) : undefined
}

/** A process and its descendants. Empty where they cannot be listed. */
export function listWithDescendants(pid: number, table = systemTable): ProcessEntry[] {
  return listProcesses([pid, ...table.descendants(pid)], table)
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
export function findTree(tree: ProcessTree, table = systemTable): ProcessEntry[] {
  const { group, cookie, since = 0 } = tree
  const all = table.list(tree).filter((entry) => entry.startedAt >= since && entry.pid !== process.pid)
  const members = new Set(
    table.carrying(
      cookie,
      all.filter((entry) => entry.group !== group),
    ),
  )
  for (const entry of all) if (entry.group === group) members.add(entry.pid)
  for (let before = -1; before !== members.size;) {
    before = members.size
    for (const entry of all) if (members.has(entry.parent)) members.add(entry.pid)
  }
  return all.filter((entry) => members.has(entry.pid))
}

/** The living processes of a tree's group alone. */
export function findGroup(tree: ProcessTree, table = systemTable): ProcessEntry[] {
  return table.list(tree).filter((entry) => entry.group === tree.group)
}
