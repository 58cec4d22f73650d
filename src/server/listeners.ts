import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { findDescendants, findTree, listProcesses, type ProcessTree } from '../lifecycle/process-table.ts'

/** A listening socket as `/proc/net/tcp` shows it. */
export interface Listener {
  /** IPv4 or full IPv6 text, in lower case. */
  readonly address: string
  readonly port: number
  readonly inode: string
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

/** The sockets in one file of `/proc/net` that listen on a port. After a load test it has thousands of lines. */
export function parseListeners(table: string, port: number): Listener[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  return table
    .split('\n')
    .filter((line) => line.includes(` ${LISTEN} `) && line.includes(wanted))
    .flatMap((line): Listener[] => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
      const [hex = '', portHex = ''] = local.split(':')
      const bound = Number.parseInt(portHex, 16)
      return state === LISTEN && bound === port ? [{ address: parseAddress(hex), port, inode }] : []
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

function readListeners(port: number): Listener[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => {
    try {
      return parseListeners(readFileSync(path, 'latin1'), port)
    } catch {
      return []
    }
  })
}

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

/** Whose a port is: the tree's own, another process's, or that cannot be seen (no `/proc`, another user, a container). */
export type PortOwnership =
  | { readonly kind: 'own' }
  | { readonly kind: 'foreign'; readonly owner: PortOwner }
  | { readonly kind: 'unknown' }

function numericAddresses(host: string): string[] {
  const bare = host.replace(/^\[|\]$/g, '')
  if (bare === 'localhost') return ['127.0.0.1', '0:0:0:0:0:0:0:1']
  if (bare === '::1') return ['0:0:0:0:0:0:0:1']
  return /^\d+\.\d+\.\d+\.\d+$/.test(bare) ? [bare] : []
}

/** Who listens where a connection to `host:port` ends up. */
export function findOwnership(host: string, port: number, tree: ProcessTree): PortOwnership {
  const listeners = readListeners(port)
  const reached = numericAddresses(host).flatMap((address) => reachedBy(listeners, address, port))
  if (reached.length === 0) return { kind: 'unknown' }
  const inodes = new Set(reached.map((listener) => listener.inode))
  // Mostly it is the root or a child of the shell; only then the whole table is looked through.
  const near = tree.group > 0 ? [tree.group, ...findDescendants(tree.group)] : []
  if (near.some((pid) => holdsSocket(pid, inodes))) return { kind: 'own' }
  if (findTree(tree).some(({ pid }) => holdsSocket(pid, inodes))) return { kind: 'own' }
  const owner = listProcesses().find((entry) => holdsSocket(entry.pid, inodes))
  return owner ? { kind: 'foreign', owner: { pid: owner.pid, name: owner.name } } : { kind: 'unknown' }
}

/** Who listens on a port of this machine, if that can be seen. */
export function findPortOwner(host: string, port: number): PortOwner | undefined {
  const found = findOwnership(host, port, { group: -1, cookie: 'none' })
  return found.kind === 'foreign' ? found.owner : undefined
}
