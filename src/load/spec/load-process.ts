import { fork, type ChildProcess } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { LoadError } from '../../errors.ts'
import { COOKIE_VARIABLE, guard } from '../../lifecycle/watchdog.ts'
import type { LoadReportMessage, LoadRequestMessage } from '../messages.ts'
import { clearInterval, nanoseconds, setInterval, setTimeout } from '../../lifecycle/real-timers.ts'

const ENTRY = fileURLToPath(new URL('../engine/main.js', import.meta.url))
/** Where a Vitest worker keeps its load process: on `process`, because in vmThreads each file has its own modules and globals. */
const SHARED = Symbol.for('vitest-plugin-perf.load-process')

/**
 * A process with loads in it speaks every 100 ms. One that is silent for so many turns of so many milliseconds, at its start for
 * some more, does not run any more.
 */
const SILENCE = { turn: 500, turns: 10, start: 50 }

interface SharedProcess {
  readonly child: ChildProcess
  readonly entry: string
  /** Loads under way: while there are any, the process holds the worker. */
  users: number
  /**
   * While there are loads, counts the turns it was silent; below 0 as long as it may still be starting. Turns of ours, and not a time:
   * this thread may have been blocked.
   */
  silence: { turns: number; turnedAt: bigint; timer: NodeJS.Timeout | undefined }
  /** Why we ended it. */
  ended?: string
}

type Holder = typeof process & { [SHARED]?: SharedProcess | undefined }

// What Vitest and the shell set for the spec's process, and what would make the load process another one: a profiler, a debugger,
// a coverage run, a loader.
const SCRUBBED =
  /^(NODE_ENV|NODE_OPTIONS|NODE_V8_COVERAGE|NODE_CHANNEL_.*|VITEST.*|VITE_.*|TEST|MODE|DEV|PROD|SSR|BASE_URL)$/

function scrubbedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !SCRUBBED.test(name)))
}

function start(): SharedProcess {
  // Its channel ends it with the worker. The watchdog is for the day when it does not listen.
  const watch = guard()
  const child = fork(ENTRY, [], {
    serialization: 'advanced',
    execArgv: [],
    env: { ...scrubbedEnvironment(), [COOKIE_VARIABLE]: watch.cookie },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // A process group of its own: a Ctrl-C on the terminal must not end it before its loads have been ended.
    detached: true,
  })
  if (child.pid !== undefined) watch.addGroup(child.pid)
  child.setMaxListeners(0)
  child.once('exit', () => watch.release())
  // A process that cannot be started says so to whoever waits for it; without a listener it would end the worker.
  child.on('error', () => {
    if (child.pid === undefined) watch.release()
  })
  child.unref()
  child.channel?.unref()
  return { child, entry: ENTRY, users: 0, silence: { turns: -SILENCE.start, turnedAt: 0n, timer: undefined } }
}

function end(own: SharedProcess, why: string): void {
  own.ended ??= why
  own.child.kill('SIGKILL')
}

function addUser(own: SharedProcess): void {
  own.users += 1
  own.child.channel?.ref()
  if (own.users > 1) return
  const { silence } = own
  silence.turns = Math.min(silence.turns, 0)
  silence.timer = setInterval(() => {
    // Under fake timers hours pass in a moment, with all their turns.
    const now = nanoseconds()
    if (now - silence.turnedAt < BigInt(SILENCE.turn) * 900_000n) return
    silence.turnedAt = now
    silence.turns += 1
    if (silence.turns > SILENCE.turns)
      end(own, `said nothing for ${(SILENCE.turn * SILENCE.turns) / 1_000} s and was ended`)
  }, SILENCE.turn)
}

function removeUser(own: SharedProcess): void {
  own.users -= 1
  if (own.users > 0) return
  own.child.channel?.unref()
  clearInterval(own.silence.timer)
}

function alive({ child, entry, ended }: SharedProcess): boolean {
  return entry === ENTRY && !ended && child.connected && child.exitCode === null && child.signalCode === null
}

function shared(): SharedProcess {
  const holder = process as Holder
  const known = holder[SHARED]
  if (known && alive(known)) return known
  const started = start()
  holder[SHARED] = started
  return started
}

/** Starts the load process of this worker, if none runs: it takes about 300 ms, so do it while the server boots. */
export function warmLoadProcess(): void {
  shared()
}

/** What a load hears of its process. */
export interface LoadProcessListener {
  onMessage(message: LoadReportMessage): void
  /** The process is gone; nothing more will come. */
  onLost(error: LoadError): void
}

/** One load's line to the load process. */
export interface LoadProcessLine {
  readonly pid: number | undefined
  send(message: LoadRequestMessage): void
  /** Ends the process by force, with every load in it: for one that no longer answers. */
  kill(): void
  /** Whether other loads run in the process. */
  isShared(): boolean
  /** Idempotent. */
  close(): void
}

/** Opens a line to the load process of this worker, starting (or replacing) it where needed. */
export function openLoadProcess(listener: LoadProcessListener): LoadProcessLine {
  const own = shared()
  const { child } = own
  let open = true
  addUser(own)
  const onMessage = (message: unknown) => {
    own.silence.turns = 0
    listener.onMessage(message as LoadReportMessage)
  }
  const lose = (why: string, cause?: unknown) => {
    if (!open) return
    close()
    listener.onLost(
      new LoadError(`The load process (pid ${child.pid ?? 'none'}) ${why}; the load it ran is lost`, { cause }),
    )
  }
  const onExit = (code: number | null, signal: string | null) =>
    lose(own.ended ?? (signal === null ? `exited with code ${code}` : `was ended by ${signal}`))
  // Its exit, which says why, follows in a moment.
  const onDisconnect = () => {
    setTimeout(() => lose('closed its channel'), 100).unref()
  }
  const onError = (error: Error) => lose(`could not be reached: ${error.message}`, error)
  function close(): void {
    if (!open) return
    open = false
    child.off('message', onMessage)
    child.off('exit', onExit)
    child.off('disconnect', onDisconnect)
    child.off('error', onError)
    removeUser(own)
  }
  child.on('message', onMessage)
  child.on('exit', onExit)
  child.on('disconnect', onDisconnect)
  child.on('error', onError)
  return {
    pid: child.pid,
    send: (message) => {
      if (open && child.connected)
        child.send(message, (error) => error && lose(`took no message: ${error.message}`, error))
    },
    kill: () => end(own, 'did not answer and was ended'),
    isShared: () => own.users > 1,
    close,
  }
}
