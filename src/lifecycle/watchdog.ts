import { swallow } from './debug.ts'
import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { isMainThread } from 'node:worker_threads'
import { WATCHDOG_SCRIPT } from './watchdog-script.ts'

/** Set in the environment of each process that is started: the watchdog finds it by that, whatever its parent and its group. Not to be set by you. */
export const COOKIE_VARIABLE = 'VITEST_PERF_COOKIE'

/** The watch over one tree of processes. */
export interface Guard {
  /** To be set as `VITEST_PERF_COOKIE` in the environment of the tree's root, before it is started. */
  readonly cookie: string
  /** Adds a process group: the pid of a child that was spawned with `detached: true`. */
  addGroup(pgid: number): void
  /** Adds a file, or a folder that is empty by then, to be removed where the tree has to be killed. */
  addFile(path: string): void
  /** Ends the watch. Call it when the tree is gone: what is still there then stays. Idempotent. */
  release(): void
}

/** How often a watchdog that was killed is replaced, before something must be wrong with this machine. */
const MAX_REPLACEMENTS = 20

/** Our parent when this module was loaded; a forked worker whose parent is another one by now is an orphan. */
const originalParent = process.ppid

/** The orders of each guard, by its cookie, to be given again to a new watchdog. */
const guards = new Map<string, string[]>()
let watchdog: ChildProcess | undefined
let replacements = 0

/**
 * Starts to watch over a tree that is about to be started: when this worker or Vitest's main process is gone, however it
 * ended, every group added and every process that carries the cookie is killed within two seconds. A watchdog process is
 * shared by all guards of this module; it is replaced when it dies, and ends with the last guard.
 *
 * On Windows there is no watchdog, and the guard does nothing.
 */
export function guard(): Guard {
  const cookie = randomUUID()
  const orders: string[] = []
  guards.set(cookie, orders)
  if (process.platform !== 'win32') watchdog ??= startWatchdog()
  const add = (line: string) => {
    if (!guards.has(cookie)) return
    orders.push(line)
    order(line)
  }
  add(`cookie ${cookie}`)
  return {
    cookie,
    addGroup: (pgid) => add(`group ${cookie} ${pgid}`),
    addFile(path) {
      // A line of its own is what an order is.
      if (!path.includes('\n')) add(`file ${cookie} ${path}`)
    },
    release() {
      if (!guards.delete(cookie)) return
      order(`release ${cookie}`)
      if (guards.size === 0) endWatchdog()
    },
  }
}

/** The pid of the watchdog, where one is up. */
export function watchdogPid(): number | undefined {
  return watchdog?.pid
}

function order(line: string): void {
  watchdog?.stdin?.write(`${line}\n`)
}

function endWatchdog(): void {
  const ending = watchdog
  watchdog = undefined
  ending?.stdin?.end()
}

function startWatchdog(): ChildProcess {
  const { [COOKIE_VARIABLE]: _, ...env } = process.env
  // Only a fork can outlive the main process; a worker thread dies with it, and the pipe closes.
  const watched = isMainThread && process.send ? [String(process.pid), String(originalParent)] : []
  const child = spawn('/bin/sh', ['-c', WATCHDOG_SCRIPT, 'vitest-perf-watchdog', ...watched], {
    // A session of its own: Ctrl-C on the terminal must reach Vitest and the server, not the watchdog.
    detached: true,
    cwd: '/',
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.once('error', () => replace(child))
  child.once('exit', () => replace(child))
  child.stdin.on('error', swallow('watchdog'))
  child.unref()
  const pipe = child.stdin as typeof child.stdin & { unref?: () => void }
  pipe.unref?.()
  return child
}

function replace(dead: ChildProcess): void {
  if (dead !== watchdog) return
  watchdog = undefined
  // In an orphan the watchdog has done its work.
  if (guards.size === 0 || replacements >= MAX_REPLACEMENTS || process.ppid !== originalParent) return
  replacements += 1
  watchdog = startWatchdog()
  for (const orders of guards.values()) for (const line of orders) order(line)
}
