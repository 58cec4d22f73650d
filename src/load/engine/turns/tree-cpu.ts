import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { findDescendants, hasProcessTable, listProcesses } from '../../../lifecycle/process-table.ts'

/** An open `schedstat` of a thread, and the CPU nanoseconds it last showed. */
interface Thread {
  readonly descriptor: number
  time: number
}

const buffer = Buffer.alloc(64)

/** The first number of `schedstat`: nanoseconds on a CPU. */
function readTime(descriptor: number): number | undefined {
  try {
    const length = readSync(descriptor, buffer, 0, buffer.length, 0)
    const time = Number(buffer.toString('latin1', 0, length).split(' ', 1)[0])
    return length > 0 && Number.isFinite(time) ? time : undefined
  } catch {
    // The thread has ended.
    return undefined
  }
}

function listThreads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/**
 * CPU time of a process and of all that it started, thread by thread. The files stay open: a reading costs about 3 µs a thread.
 * The scheduler brings the count of a thread that runs up to date every 4 ms or less.
 */
export class TreeCpu {
  readonly #root: number
  /** Processes that belong to the tree, also those that have lost their parent since they were found. */
  #pids: Set<number>
  readonly #threads = new Map<string, Thread>()
  #total = 0

  constructor(root: number) {
    this.#root = root
    const group = listProcesses().filter((entry) => entry.group === root)
    this.#pids = new Set([root, ...group.map(({ pid }) => pid)])
    this.refresh()
  }

  /** Whether anything can be read: not on macOS and Windows, nor under kernels that keep no such count (gVisor). */
  static isSupported(): boolean {
    if (!hasProcessTable) return false
    try {
      const descriptor = openSync('/proc/self/schedstat', 'r')
      const time = readTime(descriptor)
      closeSync(descriptor)
      return time !== undefined && time > 0
    } catch {
      return false
    }
  }

  /** Looks for new threads and processes. What they used before they were found does not count. */
  refresh(): void {
    const known = new Set([...this.#pids, this.#root])
    for (const pid of known) for (const child of findDescendants(pid)) known.add(child)
    const living = new Set<number>()
    for (const pid of known) {
      const threads = listThreads(pid)
      if (threads.length > 0) living.add(pid)
      for (const thread of threads) this.#open(`/proc/${pid}/task/${thread}/schedstat`)
    }
    this.#pids = living
  }

  #open(path: string): void {
    if (this.#threads.has(path)) return
    try {
      const descriptor = openSync(path, 'r')
      const time = readTime(descriptor)
      if (time === undefined) closeSync(descriptor)
      else this.#threads.set(path, { descriptor, time })
    } catch {
      // It has ended in between.
    }
  }

  /** Milliseconds of CPU since this was created. Includes the time of threads that have ended. */
  read(): number {
    for (const [path, thread] of this.#threads) {
      const time = readTime(thread.descriptor)
      if (time === undefined) {
        closeSync(thread.descriptor)
        this.#threads.delete(path)
        continue
      }
      this.#total += time - thread.time
      thread.time = time
    }
    return this.#total / 1e6
  }

  close(): void {
    for (const { descriptor } of this.#threads.values()) closeSync(descriptor)
    this.#threads.clear()
  }
}
