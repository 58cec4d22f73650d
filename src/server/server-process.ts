import { spawn, type ChildProcess } from 'node:child_process'
import { canListProcesses, findProcess, listWithDescendants } from '../lifecycle/process-table.ts'
import { terminateTree, type ProcessTree, type TerminateOptions } from '../lifecycle/process-tree.ts'
import { COOKIE_VARIABLE, guard, type Guard } from '../lifecycle/watchdog.ts'
import { sleep, withDeadline } from '../lifecycle/abort.ts'
import { ServerOutput } from './output.ts'
import { readClock } from '../lifecycle/real-timers.ts'

/** What to spawn: a line for the shell, or a program with its arguments. */
export interface SpawnPlan {
  readonly file: string
  readonly args: readonly string[]
  readonly shell: boolean
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** `'open'`: an input that never says anything and does not end. */
  readonly stdin?: 'ignore' | 'open'
  /** Files that must not outlive it, however it ends. */
  readonly files?: readonly string[]
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Milliseconds it lived. */
  readonly lifetime: number
  /** Why it could not be spawned at all. */
  readonly spawnError?: NodeJS.ErrnoException
}

/** How long the exit of a process that is gone may take to reach us. */
const EXIT_NOTICE = 500
/** How long a process may take to give back its memory and its files. */
const SETTLE_LIMIT = 2_000

/**
 * One run of a server: a child that leads its own process group, under guard before it exists and until its whole tree is
 * gone, with its output in a file.
 */
export class ServerProcess {
  readonly output = new ServerOutput()
  readonly spawnedAt = readClock()
  /** Resolves when the child is gone or could not be spawned; never rejects. */
  readonly exited: Promise<Exit>
  exit: Exit | undefined
  readonly #child: ChildProcess
  readonly #guard: Guard = guard()
  #since: number | undefined
  #ending: Promise<boolean> | undefined

  constructor(plan: SpawnPlan) {
    for (const file of plan.files ?? []) this.#guard.addFile(file)
    try {
      this.#child = this.#spawn(plan)
    } catch (error) {
      this.#guard.release()
      this.output.close()
      throw error
    }
    if (this.#child.pid !== undefined) {
      this.#guard.addGroup(this.#child.pid)
      this.#since = findProcess(this.#child.pid)?.startedAt
    }
    this.exited = new Promise((resolve) => {
      const finish = (ended: Omit<Exit, 'lifetime'>) => {
        this.exit ??= { ...ended, lifetime: readClock() - this.spawnedAt }
        resolve(this.exit)
      }
      this.#child.once('exit', (code, signal) => finish({ code, signal }))
      this.#child.on('error', (spawnError) => {
        if (this.#child.pid === undefined) finish({ code: null, signal: null, spawnError })
      })
    })
  }

  #spawn(plan: SpawnPlan): ChildProcess {
    const { descriptor } = this.output
    const child = spawn(plan.file, plan.args, {
      cwd: plan.cwd,
      env: { ...plan.env, [COOKIE_VARIABLE]: this.#guard.cookie },
      shell: plan.shell,
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: [plan.stdin === 'open' ? 'pipe' : 'ignore', descriptor, descriptor],
    })
    // It ends with the server, and must not keep this process up until then.
    child.stdin?.on('error', () => {})
    ;(child.stdin as { unref?: () => void } | null)?.unref?.()
    return child
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get tree(): ProcessTree {
    return { group: this.#child.pid ?? -1, cookie: this.#guard.cookie, since: this.#since }
  }

  /** Whether the child has exited. Its 'exit' event may not have come yet, if this thread was busy. */
  async hasExited(): Promise<boolean> {
    if (this.exit) return true
    if (this.pid === undefined || !canListProcesses || findProcess(this.pid)) return false
    return (await withDeadline(this.exited, EXIT_NOTICE)) !== 'timeout'
  }

  /** Waits for those of its processes that are ending: their connections are cut before their port is closed. */
  async settle(): Promise<void> {
    if (this.pid === undefined || this.exit) return
    const until = readClock() + SETTLE_LIMIT
    while (listWithDescendants(this.pid).some(({ isEnding }) => isEnding) && readClock() < until) await sleep(5)
  }

  /** Ends the whole tree and gives everything back; every call returns the one and same end. */
  end(options: TerminateOptions): Promise<boolean> {
    this.#ending ??= this.#end(options)
    return this.#ending
  }

  async #end(options: TerminateOptions): Promise<boolean> {
    const gone = this.pid === undefined || (await terminateTree(this.tree, options))
    if (this.pid !== undefined && gone) await withDeadline(this.exited, EXIT_NOTICE)
    // What survived even SIGKILL, in a call that cannot be interrupted, stays under guard and must not keep this process up.
    if (gone) this.#guard.release()
    this.output.close()
    this.#child.stdin?.destroy()
    this.#child.unref()
    return gone
  }
}
