import { spawnSync } from 'node:child_process'
import { sleep } from './abort.ts'
import { canListProcesses, findProcess, findGroup, findTree, type ProcessTree } from './process-table.ts'
import { kill } from './real-kill.ts'
import { readClock } from './real-timers.ts'

export type { ProcessTree } from './process-table.ts'

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
    kill(-group, signal)
  } catch {
    // Gone, or zombies only.
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    kill(pid, signal)
  } catch {
    // Gone.
  }
}

/** Sends a signal to every process of a tree, and wakes up one that is stopped to hear it; those outside its group. */
export function signalTree(tree: ProcessTree, signal: NodeJS.Signals): number[] {
  if (process.platform === 'win32') {
    // There are no signals, and the children of a process that was ended alone would be found no more.
    spawnSync('taskkill', ['/pid', String(tree.group), '/t', '/f'], { stdio: 'ignore' })
    return []
  }
  signalGroup(tree.group, signal)
  if (signal !== 'SIGKILL') signalGroup(tree.group, 'SIGCONT')
  // The search takes milliseconds, which the group spends on its end.
  const strays = findTree(tree).filter((entry) => entry.group !== tree.group)
  for (const { pid } of strays) {
    signalProcess(pid, signal)
    if (signal !== 'SIGKILL') signalProcess(pid, 'SIGCONT')
  }
  return strays.map(({ pid }) => pid)
}

/**
 * Whether a process group has a member that runs. Zombies do not: `kill(-group, 0)` finds them until somebody reaps them,
 * which in a container without an init is never.
 */
function isGroupAlive(tree: ProcessTree): boolean {
  const { group } = tree
  try {
    kill(process.platform === 'win32' ? group : -group, 0)
  } catch (error) {
    // Of another user: only the table can tell. On macOS it is what zombies answer.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM' || !canListProcesses) return false
  }
  if (!canListProcesses || findProcess(group)) return true
  return findGroup(tree).length > 0
}

/** Whether anything of a tree still runs. */
export function isTreeAlive(tree: ProcessTree): boolean {
  return isGroupAlive(tree) || findTree(tree).length > 0
}

/** Waits until a group and some strays are gone; `false` when that takes longer than `timeout` milliseconds. */
async function areGone(tree: ProcessTree, strays: readonly number[], timeout: number): Promise<boolean> {
  const end = readClock() + timeout
  for (let pause = 2; ; pause = Math.min(pause * 1.6, 50)) {
    if (!isGroupAlive(tree) && !strays.some((pid) => findProcess(pid))) return true
    const left = end - readClock()
    if (left <= 0) return false
    await sleep(Math.min(pause, left))
  }
}

/**
 * Asks a tree to end, kills what is left when its time is over, and returns when nothing runs any more: at the latest
 * `timeout` plus a second after the call, whatever the processes do. Resolves `false` when something survived even that.
 */
export async function terminateTree(tree: ProcessTree, options: TerminateOptions): Promise<boolean> {
  if (options.timeout > 0) {
    const strays = signalTree(tree, options.signal)
    await areGone(tree, strays, options.timeout)
    if (!isTreeAlive(tree)) return true
  }
  const end = readClock() + KILL_TIMEOUT
  // Again and again: a process may fork while it is being killed.
  do {
    const strays = signalTree(tree, 'SIGKILL')
    if ((await areGone(tree, strays, 100)) && !isTreeAlive(tree)) return true
  } while (readClock() < end)
  return false
}
