import { LoadError } from '../../errors.ts'
import { every, type Cancel, type Clock } from '../../lifecycle/clock.ts'
import type { LoadReportMessage, LoadRequestMessage } from '../messages.ts'
import type { LoadChild, StartChild } from './load-child.ts'
import type { LoadEngineLine, LoadEngineListener } from './load-engine.ts'

/**
 * A load process with loads in it sends something every 100 ms. One that sends nothing for 5 s (30 s while it starts) counts as dead.
 * Counted in turns of a timer, not on a clock: this thread may have been blocked for longer.
 */
const SILENCE = { turn: 500, turns: { starting: 60, serving: 10 } }
/** Milliseconds that a process whose channel has closed has to exit, which says why. */
const EXIT_GRACE = 100

/** One load's line to a load process. */
export interface LoadProcessLine extends LoadEngineLine {
  readonly pid: number | undefined
}

export interface LoadProcessParts {
  readonly clock: Clock
  readonly startChild: StartChild
  /** No new load may be given to the process from now on. Called once. */
  onClosed(): void
}

type State =
  /** Until its first message. */
  | { readonly name: 'starting' | 'serving' }
  /** It ends after the loads that it has. */
  | { readonly name: 'leaving' }
  /** It can no longer be reached. Its exit, which says why, has a moment to come. */
  | { readonly name: 'dying'; readonly cancel: Cancel }
  | { readonly name: 'lost' }

/** A load process, as the spec's worker sees it: passes messages on, and tells every load in it when it is lost. */
export class LoadProcess {
  readonly #clock: Clock
  readonly #child: LoadChild
  readonly #onClosed: () => void
  readonly #lines = new Set<LoadEngineListener>()
  #state: State = { name: 'starting' }
  /** Only while it has loads. */
  #cancelSilence: Cancel | undefined
  #silentTurns = 0

  constructor({ clock, startChild, onClosed }: LoadProcessParts) {
    this.#clock = clock
    this.#onClosed = onClosed
    this.#child = startChild({
      onMessage: (message) => this.#onMessage(message),
      onExit: (code, signal) => this.#lose(signal === null ? `exited with code ${code}` : `was ended by ${signal}`),
      onDisconnect: () => this.#loseSoon('closed its channel'),
      onError: (error) => this.#loseSoon(`could not be reached: ${error.message}`, error),
    })
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
    this.#child.hold(true)
    this.#silentTurns = 0
    this.#cancelSilence = every(this.#clock, SILENCE.turn, () => this.#countSilence())
  }

  #removeLine(line: LoadEngineListener): void {
    if (!this.#lines.delete(line) || this.#lines.size > 0) return
    this.#child.hold(false)
    this.#cancelSilence?.()
    if (this.#state.name === 'leaving') this.#lose('was ended')
  }

  #send(message: LoadRequestMessage): void {
    // A process that was killed a moment ago still counts as connected; the failed write is the first to tell.
    this.#child.send(message, (error) => this.#loseSoon(`could not be written to: ${error.message}`, error))
  }

  #onMessage(message: LoadReportMessage): void {
    const { name } = this.#state
    if (name === 'dying' || name === 'lost') return
    if (name === 'starting') this.#state = { name: 'serving' }
    this.#silentTurns = 0
    for (const line of this.#lines) line.onMessage(message)
  }

  #countSilence(): void {
    const { name } = this.#state
    if (name === 'dying' || name === 'lost') return
    this.#silentTurns += 1
    const turns = SILENCE.turns[name === 'starting' ? 'starting' : 'serving']
    if (this.#silentTurns > turns) this.#lose(`sent nothing for ${(SILENCE.turn * turns) / 1_000} s and was ended`)
  }

  /** As `#lose`, but its exit, which says why, may come first. */
  #loseSoon(why: string, cause?: Error): void {
    const { name } = this.#state
    if (name === 'dying' || name === 'lost') return
    // Its exit, which would say why, does not come.
    if (this.#child.pid === undefined || this.#lines.size === 0) return this.#lose(why, cause)
    this.#close({ name: 'dying', cancel: this.#clock.after(EXIT_GRACE, () => this.#lose(why, cause)) })
  }

  /** Ends the process and tells every load in it, once. Nothing leads out of `lost`. */
  #lose(why: string, cause?: Error): void {
    if (this.#state.name === 'lost') return
    if (this.#state.name === 'dying') this.#state.cancel()
    this.#close({ name: 'lost' })
    this.#child.kill()
    const lines = [...this.#lines]
    for (const line of lines) this.#removeLine(line)
    const message = `The load process (pid ${this.#child.pid ?? 'none'}) ${why}; the load it ran is lost`
    for (const line of lines) line.onLost(new LoadError(message, { cause }))
  }

  #leave(): void {
    const { name } = this.#state
    if (name === 'dying' || name === 'lost') return
    this.#close({ name: 'leaving' })
    if (this.#lines.size === 0) this.#lose('was ended')
  }

  /** Enters a state in which it takes no new load. */
  #close(state: State): void {
    const wasOpen = this.#state.name === 'starting' || this.#state.name === 'serving'
    this.#state = state
    if (wasOpen) this.#onClosed()
  }
}
