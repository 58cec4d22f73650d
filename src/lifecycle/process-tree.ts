import { spawnSync } from 'node:child_process'
import { sleep } from './abort.ts'
import { findTree, hasProcessTable } from './process-table.ts'

/** A child that leads a process group of its own, with all that it started. */
export interface ProcessTree {
  /** Pid of the child, which is the number of its group too. */
  readonly group: number
  readonly cookie: string
}

export interface TerminateOptions {
  /** The signal that asks the tree to end. */
  readonly signal: NodeJS.Signals
  /** Milliseconds it has for that, before it is killed. */
  readonly timeout: number
}

/** What is waited for after SIGKILL, in milliseconds: a process in an uninterruptible call cannot be hurried. */
const KILL_TIMEOUT = 800

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch {
    // Gone, or zombies only.
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone.
  }
}

/** Sends a signal to every process of a tree; one that is stopped is woken up to hear it. */
export function signalTree(tree: ProcessTree, signal: NodeJS.Signals): void {
  if (process.platform === 'win32') {
    if (signal === 'SIGKILL') spawnSync('taskkill', ['/pid', String(tree.group), '/t', '/f'], { stdio: 'ignore' })
    else signalProcess(tree.group, signal)
    return
  }
  const strays = findTree(tree.group, tree.cookie).filter((entry) => entry.group !== tree.group)
  signalGroup(tree.group, signal)
  for (const { pid } of strays) signalProcess(pid, signal)
  if (signal === 'SIGKILL') return
  signalGroup(tree.group, 'SIGCONT')
  for (const { pid } of strays) signalProcess(pid, 'SIGCONT')
}

/**
 * Whether anything of a tree still runs. Zombies do not: `kill(-group, 0)` finds them until somebody reaps them, which in
 * a container without an init is never.
 */
export function isTreeAlive(tree: ProcessTree): boolean {
  if (hasProcessTable) return findTree(tree.group, tree.cookie).length > 0
  try {
    process.kill(process.platform === 'win32' ? tree.group : -tree.group, 0)
    return true
  } catch {
    return false
  }
}

/** Waits until nothing of a tree runs; `false` when that takes longer than `timeout` milliseconds. */
export async function treeGone(tree: ProcessTree, timeout: number): Promise<boolean> {
  const end = performance.now() + timeout
  for (let pause = 2; ; pause = Math.min(pause * 1.6, 50)) {
    if (!isTreeAlive(tree)) return true
    const left = end - performance.now()
    if (left <= 0) return false
    await sleep(Math.min(pause, left))
  }
}

/**
 * Asks a tree to end, kills what is left when its time is over, and returns when nothing runs any more: at the latest
 * `timeout` plus a second after the call, whatever the processes do. Resolves `false` when something survived even that.
 */
export async function terminateTree(tree: ProcessTree, options: TerminateOptions): Promise<boolean> {
  if (!isTreeAlive(tree)) return true
  if (options.timeout > 0) {
    signalTree(tree, options.signal)
    if (await treeGone(tree, options.timeout)) return true
  }
  const end = performance.now() + KILL_TIMEOUT
  // Again and again: a process may fork while it is being killed.
  do {
    signalTree(tree, 'SIGKILL')
    if (await treeGone(tree, 100)) return true
  } while (performance.now() < end)
  return false
}
