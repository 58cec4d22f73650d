import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import {
  findDescendants,
  findTree,
  listProcesses,
  type ProcessTable,
  type ProcessTree,
} from '../lifecycle/process-table.ts'
import { bareHost } from '../server-url.ts'

/** A listening socket. */
export interface Listener {
  /** IPv4 or full IPv6 text, in lower case. */
  readonly address: string
  readonly port: number
  /** Tells sockets apart: the inode, or what `lsof` says of who has it. */
  readonly inode: string
}

/** Who listens, as far as this system lets us see it. */
interface SocketTable {
  /** The sockets that listen on a port, or on any. */
  list(port?: number): Listener[]
  /** Which of these processes has one of these sockets. */
  holder(pids: readonly number[], sockets: readonly Listener[]): number | undefined
  /** Any process that has one of these sockets. */
  owner(sockets: readonly Listener[]): PortOwner | undefined
}

const LISTEN = '0A'

/** The address of `/proc/net/tcp{,6}`: hexadecimal words in the byte order of the machine (little-endian here). */
export function parseAddress(hex: string): string {
  const words = hex.match(/.{8}/g) ?? []
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).toReversed())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  const groups = Array.from({ length: 8 }, (_, index) => `${bytes[index * 2]}${bytes[index * 2 + 1]}`.toLowerCase())
  if (groups.slice(0, 5).every((group) => group === '0000') && groups[5] === 'ffff') {
    return bytes
      .slice(12)
      .map((byte) => Number.parseInt(byte, 16))
      .join('.')
  }
  return groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')
}

/** The sockets in one file of `/proc/net` that listen (on a port). After a load test it has thousands of lines. */
export function parseListeners(table: string, port?: number): Listener[] {
  const wanted = port === undefined ? ' ' : `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  return table
    .split('\n')
    .filter((line) => line.includes(` ${LISTEN} `) && line.includes(wanted))
    .flatMap((line): Listener[] => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
      const [hex = '', portHex = ''] = local.split(':')
      const bound = Number.parseInt(portHex, 16)
      return state === LISTEN && (port ?? bound) === bound ? [{ address: parseAddress(hex), port: bound, inode }] : []
    })
}

const ANY_4 = '0.0.0.0'
const ANY_6 = '0:0:0:0:0:0:0:0'

/** The sockets that a connection to `address` reaches: those bound to it, or else those bound to everything. */
export function reachedBy(listeners: readonly Listener[], address: string, port: number): Listener[] {
  const there = listeners.filter((listener) => listener.port === port)
  const wildcards = address.includes(':') ? [ANY_6] : [ANY_4, ANY_6]
  for (const bound of [address, ...wildcards]) {
    const found = there.filter((listener) => listener.address === bound)
    if (found.length > 0) return found
  }
  return []
}

/** An address as `/proc/net/tcp6` gives it: eight groups, none of them shortened. */
function fullAddress(address: string): string {
  const bare = bareHost(address).toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)
  if (mapped) return mapped[1] as string
  if (!bare.includes(':')) return bare
  const [head = '', tail] = bare.split('::')
  const [left, right] = [head, tail ?? ''].map((part) => part.split(':').filter(Boolean)) as [string[], string[]]
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right].join(':')
}

/** What `lsof -Fpctn` prints: `p` a pid, `c` its command, then for each socket `t` its family and `n` its address. */
export function parseLsof(text: string): (Listener & PortOwner)[] {
  const found: (Listener & PortOwner)[] = []
  let pid = 0
  let name = ''
  let family = ''
  for (const line of text.split('\n')) {
    const value = line.slice(1)
    if (line[0] === 'p') pid = Number(value)
    else if (line[0] === 'c') name = value
    else if (line[0] === 't') family = value
    else if (line[0] === 'n') {
      const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(value) ?? []
      const any = family === 'IPv6' ? ANY_6 : ANY_4
      const address = host === '*' ? any : fullAddress(host)
      if (port) found.push({ address, port: Number(port), inode: `${pid} ${value}`, pid, name })
    }
  }
  return found
}

/** From `/proc`: Linux. */
const procTable: SocketTable = {
  list: (port) =>
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => {
      try {
        return parseListeners(readFileSync(path, 'latin1'), port)
      } catch {
        return []
      }
    }),
  holder(pids, sockets) {
    const inodes = new Set(sockets.map(({ inode }) => inode))
    return pids.find((pid) => holdsSocket(pid, inodes))
  },
  owner(sockets) {
    const pid = procTable.holder(
      listProcesses().map((entry) => entry.pid),
      sockets,
    )
    const name = listProcesses(pid === undefined ? [] : [pid])[0]?.name
    return pid === undefined || name === undefined ? undefined : { pid, name }
  },
}

/** From `lsof`: where there is no `/proc`, as on macOS. It shows the processes of this user, and takes about 50 ms. */
export function lsofTable(run: (args: string[]) => string = runLsof): SocketTable {
  let known: (Listener & PortOwner)[] = []
  const of = (sockets: readonly Listener[]) => {
    const wanted = new Set(sockets.map(({ inode }) => inode))
    return known.filter(({ inode }) => wanted.has(inode))
  }
  return {
    list(port) {
      known = parseLsof(run(['-nP', `-iTCP${port === undefined ? '' : `:${port}`}`, '-sTCP:LISTEN', '-Fpctn']))
      return known
    },
    holder: (pids, sockets) => of(sockets).find(({ pid }) => pids.includes(pid))?.pid,
    owner(sockets) {
      const [first] = of(sockets)
      return first && { pid: first.pid, name: first.name }
    },
  }
}

function runLsof(args: string[]): string {
  // It exits with 1 where nothing listens; where it is missing, nothing is known.
  return spawnSync('lsof', args, { encoding: 'utf8', timeout: 2_000 }).stdout ?? ''
}

const systemTable: SocketTable = existsSync('/proc/net/tcp') ? procTable : lsofTable()

function holdsSocket(pid: number, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1]
        return inode !== undefined && inodes.has(inode)
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}

/** A process that listens, for messages. */
export interface PortOwner {
  readonly pid: number
  readonly name: string
}

/** Whose a port is: the tree's own, another process's, or that cannot be seen (another user's, a container's, no `lsof`). */
export type PortOwnership =
  | { readonly kind: 'own' }
  | { readonly kind: 'foreign'; readonly owner: PortOwner }
  | { readonly kind: 'unknown' }

function numericAddresses(host: string): string[] {
  const bare = bareHost(host)
  if (bare === 'localhost') return ['127.0.0.1', fullAddress('::1')]
  if (bare.includes(':')) return [fullAddress(bare)]
  return /^\d+\.\d+\.\d+\.\d+$/.test(bare) ? [bare] : []
}

/** The processes of a tree: mostly it is the root or a child of the shell, so these come first. */
function pidsOf(tree: ProcessTree, processes?: ProcessTable): { near: number[]; all: () => number[] } {
  return {
    near: tree.group > 0 ? [tree.group, ...findDescendants(tree.group, processes)] : [],
    all: () => findTree(tree, processes).map(({ pid }) => pid),
  }
}

/** Who listens where a connection to `host:port` ends up. */
export function findOwnership(
  host: string,
  port: number,
  tree: ProcessTree,
  table = systemTable,
  processes?: ProcessTable,
): PortOwnership {
  const listeners = table.list(port)
  const reached = numericAddresses(host).flatMap((address) => reachedBy(listeners, address, port))
  if (reached.length === 0) return { kind: 'unknown' }
  const { near, all } = pidsOf(tree, processes)
  if (table.holder(near, reached) !== undefined || table.holder(all(), reached) !== undefined) return { kind: 'own' }
  const owner = table.owner(reached)
  return owner ? { kind: 'foreign', owner } : { kind: 'unknown' }
}

/** Where the processes of a tree listen. */
export function findListeners(tree: ProcessTree, table = systemTable, processes?: ProcessTable): Listener[] {
  const pids = pidsOf(tree, processes).all()
  return table.list().filter((socket) => table.holder(pids, [socket]) !== undefined)
}

/** Who listens on a port of this machine, if that can be seen. */
export function findPortOwner(host: string, port: number): PortOwner | undefined {
  const found = findOwnership(host, port, { group: -1, cookie: 'none' })
  return found.kind === 'foreign' ? found.owner : undefined
}
