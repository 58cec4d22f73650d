import { fork, type ChildProcess } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { LoadError } from '../../errors.ts'
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../../lifecycle/real-timers.ts'
import { COOKIE_VARIABLE, guard, type Guard } from '../../lifecycle/watchdog.ts'
import type { LoadReportMessage, LoadRequestMessage } from '../messages.ts'
import type { LoadEngine, LoadEngineLine, LoadEngineListener } from './load-engine.ts'

const ENTRY = fileURLToPath(new URL('../engine/main.js', import.meta.url))
/** Where a Vitest worker keeps its load processes: on `process`, because in vmThreads each file has its own modules and globals. */
const SHARED = Symbol.for('vitest-plugin-perf.load-process')

/**
 * A load process with loads in it sends something every 100 ms. One that sends nothing for 5 s (30 s while it starts) counts as dead.
 * Counted in turns of a timer, not on a clock: this thread may have been blocked for longer.
 */
const SILENCE = { turn: 500, turns: { starting: 60, serving: 10 } }
/** Milliseconds that a process whose channel has closed has to exit, which says why. */
const EXIT_GRACE = 100

type Holder = typeof process & { [SHARED]?: (LoadProcess | undefined)[] }

// What Vitest and the shell set for the spec's process, and what would make the load process another one: a profiler, a debugger,
// a coverage run, a loader.
const SCRUBBED =
  /^(NODE_ENV|NODE_OPTIONS|NODE_V8_COVERAGE|NODE_CHANNEL_.*|VITEST.*|VITE_.*|TEST|MODE|DEV|PROD|SSR|BASE_URL)$/

function scrubbedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !SCRUBBED.test(name)))
}

/** One load's line to a load process. */
export interface LoadProcessLine extends LoadEngineLine {
  readonly pid: number | undefined
}

/** `starting` until its first message, then `serving`. A process that is `leaving` serves the loads it has. Nothing leads out of `lost`. */
type State = 'starting' | 'serving' | 'leaving' | 'lost'

/** A load process of this worker, the only one in its slot. All loads share that of slot 0; the first that notices its end loses it for all. */
class LoadProcess {
  readonly entry = ENTRY
  readonly #child: ChildProcess
  readonly #guard: Guard = guard()
  readonly #lines = new Set<LoadEngineListener>()
  #state: State = 'starting'
  #silentTurns = 0
  #silence: NodeJS.Timeout | undefined
  #exitGrace: NodeJS.Timeout | undefined

  readonly #slot: number

  /** The running load process of this worker in a slot, or a new one. */
  static shared(slot: number): LoadProcess {
    const slots = ((process as Holder)[SHARED] ??= [])
    const known = slots[slot]
    if (known?.entry === ENTRY) return known
    return (slots[slot] = new LoadProcess(slot))
  }

  constructor(slot: number) {
    this.#slot = slot
    // Its channel ends it with the worker. The watchdog is for the day when it does not listen.
    this.#child = fork(ENTRY, [], {
      serialization: 'advanced',
      execArgv: [],
      env: { ...scrubbedEnvironment(), [COOKIE_VARIABLE]: this.#guard.cookie },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // A process group of its own: a Ctrl-C on the terminal must not end it before its loads have been ended.
      detached: true,
    })
    if (this.#child.pid !== undefined) this.#guard.addGroup(this.#child.pid)
    this.#child.on('message', (message) => this.#onMessage(message as LoadReportMessage))
    this.#child.once('exit', (code, signal) => this.#onExit(code, signal))
    this.#child.once('disconnect', () => this.#loseSoon('closed its channel'))
    this.#child.on('error', (error) => this.#loseSoon(`could not be reached: ${error.message}`, error))
    this.#child.unref()
    this.#child.channel?.unref()
  }

  openLine(listener: LoadEngineListener): LoadProcessLine {
    const line: LoadEngineListener = {
      onMessage: (message) => listener.onMessage(message),
      onLost: (error) => listener.onLost(error),
    }
    this.#addLine(line)
    return {
      pid: this.#child.pid,
      send: (message) => {
        if (this.#lines.has(line)) this.#send(message)
      },
      kill: () => {
        this.#removeLine(line)
        this.#lose('did not answer and was ended')
      },
      retire: () => this.#leave(),
      isShared: () => this.#lines.size > 1,
      close: () => this.#removeLine(line),
    }
  }

  #addLine(line: LoadEngineListener): void {
    this.#lines.add(line)
    if (this.#lines.size > 1) return
    this.#child.channel?.ref()
    this.#silentTurns = 0
    this.#silence = setInterval(() => this.#countSilence(), SILENCE.turn)
  }

  #removeLine(line: LoadEngineListener): void {
    if (!this.#lines.delete(line) || this.#lines.size > 0) return
    this.#child.channel?.unref()
    clearInterval(this.#silence)
    if (this.#state === 'leaving') this.#lose('was ended')
  }

  #send(message: LoadRequestMessage): void {
    // A process that was killed a moment ago still counts as connected; the failed write is the first to tell.
    this.#child.send(message, (error) => {
      if (error) this.#loseSoon(`could not be written to: ${error.message}`, error)
    })
  }

  #onMessage(message: LoadReportMessage): void {
    if (this.#state === 'lost') return
    if (this.#state === 'starting') this.#state = 'serving'
    this.#silentTurns = 0
    for (const line of this.#lines) line.onMessage(message)
  }

  #countSilence(): void {
    if (this.#state === 'lost') return
    this.#silentTurns += 1
    const turns = SILENCE.turns[this.#state === 'starting' ? 'starting' : 'serving']
    if (this.#silentTurns > turns) this.#lose(`sent nothing for ${(SILENCE.turn * turns) / 1_000} s and was ended`)
  }

  #onExit(code: number | null, signal: string | null): void {
    this.#guard.release()
    clearTimeout(this.#exitGrace)
    this.#lose(signal === null ? `exited with code ${code}` : `was ended by ${signal}`)
  }

  /** As `#lose`, but its exit, which says why, has a moment to come first. */
  #loseSoon(why: string, cause?: unknown): void {
    if (this.#child.pid === undefined) {
      this.#guard.release()
      return this.#lose(why, cause)
    }
    if (this.#state === 'lost') return
    this.#retire()
    this.#exitGrace = setTimeout(() => this.#lose(why, cause), EXIT_GRACE)
    if (this.#lines.size === 0) this.#exitGrace.unref()
  }

  /** Ends the process and tells every load in it, once. */
  #lose(why: string, cause?: unknown): void {
    this.#retire()
    this.#child.kill('SIGKILL')
    const lines = [...this.#lines]
    for (const line of lines) this.#removeLine(line)
    const message = `The load process (pid ${this.#child.pid ?? 'none'}) ${why}; the load it ran is lost`
    for (const line of lines) line.onLost(new LoadError(message, { cause }))
  }

  #leave(): void {
    if (this.#state !== 'lost') this.#state = 'leaving'
    this.#giveWay()
    if (this.#lines.size === 0) this.#lose('was ended')
  }

  /** The one way out: whoever asks next gets another process. */
  #retire(): void {
    this.#state = 'lost'
    this.#giveWay()
  }

  /** Whoever asks next gets another process. */
  #giveWay(): void {
    const slots = (process as Holder)[SHARED] ?? []
    if (slots[this.#slot] === this) slots[this.#slot] = undefined
  }
}

/** Starts the load process of this worker, if none runs: it takes about 300 ms, so do it while the server boots. */
export function warmLoadProcess(): void {
  LoadProcess.shared(0)
}

/** Opens a line to a load process of this worker, starting (or replacing) it where needed. */
export function openLoadProcess(listener: LoadEngineListener, slot = 0): LoadProcessLine {
  return LoadProcess.shared(slot).openLine(listener)
}

/** The engine of one load process. */
export function oneProcess(slot = 0): LoadEngine {
  return { open: (listener) => openLoadProcess(listener, slot) }
}
