import { setImmediate as turn } from 'node:timers/promises'
import type { Cancel, Clock } from '../../../src/lifecycle/clock.ts'
import { LoadHost } from '../../../src/load/engine/load-host.ts'
import type { Line, Wire } from '../../../src/load/http/wire.ts'
import type { LoadReportMessage, LoadRequestMessage } from '../../../src/load/messages.ts'
import type { LoadOptions } from '../../../src/load/plan/load-options.ts'
import type { LoadWorker } from '../../../src/load/spec/choose-engine.ts'
import type { LoadChild, LoadChildEvents } from '../../../src/load/spec/load-child.ts'
import type { LoadContext } from '../../../src/load/spec/load-context.ts'
import { LoadGenerator, type OnLoadProgress } from '../../../src/load/spec/load-generator.ts'
import type { LoadEnding, LoadObserver } from '../../../src/load/spec/load-observer.ts'
import { LoadProcesses } from '../../../src/load/spec/load-processes.ts'
import type { LoadResult } from '../../../src/results/load-result.ts'
// Loaded here, so that the first load of a test begins at once.
import '../../../src/load/spec/capacity-run.ts'
import '../../../src/load/spec/start-load.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { ScriptedWire, type Script } from './scripted-wire.ts'

export const URL_UNDER_LOAD = 'http://10.0.0.1/'

/** A load process that runs the real engine on the clock of a test. */
export class VirtualChild implements LoadChild {
  readonly pid: number | undefined
  readonly sent: LoadRequestMessage[] = []
  /** Whether it keeps the worker alive. */
  isHeld = false
  /** By `kill()`. */
  killed = false
  readonly #clock: VirtualClock
  readonly #events: LoadChildEvents
  readonly #host: LoadHost
  readonly #cancels: Cancel[] = []
  readonly #lines: Line[] = []
  #isRunning = true
  #writeError: Error | undefined

  constructor(pid: number | undefined, clock: VirtualClock, wire: ScriptedWire, events: LoadChildEvents) {
    this.pid = pid
    this.#clock = clock
    this.#events = events
    const own: Clock = {
      origin: clock.origin,
      now: () => clock.now(),
      machineNow: () => clock.machineNow(),
      after: (milliseconds, act) => this.#own(clock.after(milliseconds, act)),
      at: (moment, act) => this.#own(clock.at(moment, act)),
      soon: (act) => this.#own(clock.soon(act)),
    }
    const ownWire: Wire = {
      connect: (target, events) => {
        const line = wire.connect(target, events)
        this.#lines.push(line)
        return line
      },
    }
    const measureCost = () => ({ read: () => ({ cpu: 1, eventLoopUtilization: 0.1 }), stop() {} })
    this.#host = new LoadHost(
      () => ({ clock: own, wire: ownWire, measureCost }),
      (message) => this.say(message as LoadReportMessage),
    )
  }

  #own(cancel: Cancel): Cancel {
    this.#cancels.push(cancel)
    return cancel
  }

  #ifRunning(act: () => void): void {
    if (this.#isRunning) act()
  }

  /** Does something to the worker, which hears of it at its next turn. */
  #later(act: () => void): void {
    this.#clock.arrive(0, act)
  }

  send(message: LoadRequestMessage, onError: (error: Error) => void): void {
    this.sent.push(structuredClone(message))
    const error = this.#writeError
    if (error) return this.#later(() => onError(error))
    this.#later(() => this.#ifRunning(() => this.#host.onMessage(structuredClone(message))))
  }

  say(message: LoadReportMessage): void {
    this.#ifRunning(() => this.#later(() => this.#events.onMessage(structuredClone(message))))
  }

  hold(isHeld: boolean): void {
    this.isHeld = isHeld
  }

  kill(): void {
    this.killed = true
    if (this.#isRunning) this.exit(null, 'SIGKILL')
  }

  /** Does nothing any more, and does not exit. */
  freeze(): void {
    this.#isRunning = false
    for (const cancel of this.#cancels.splice(0)) cancel()
    for (const line of this.#lines.splice(0)) line.destroy()
  }

  exit(code: number | null, signal: string | null = null): void {
    this.freeze()
    this.#later(() => this.#events.onExit(code, signal))
  }

  /** What a process does that was killed a moment ago: its channel fails before its exit is known. */
  die(exitsAfter: number): void {
    this.freeze()
    this.#writeError = new Error('write EPIPE')
    this.#clock.arrive(exitsAfter, () => this.#events.onExit(null, 'SIGKILL'))
  }

  disconnect(): void {
    this.#later(() => this.#events.onDisconnect())
  }

  fail(error: Error): void {
    this.#later(() => this.#events.onError(error))
  }
}

/** A load under way, and how it ended. */
export interface VirtualLoad {
  readonly generator: LoadGenerator
  readonly result: Promise<LoadResult>
  /** As soon as it has ended, and when that was by the clock. */
  ending: LoadEnding | undefined
  endedAt: number
  readonly startedAt: number
}

/** The loads of a worker, their load processes and a server, on a clock that a test holds. */
export class VirtualWorker implements LoadWorker {
  readonly clock = new VirtualClock()
  readonly wire: ScriptedWire
  readonly children: VirtualChild[] = []
  /** Whether the next child can be started, and whether it says that it is ready. */
  canStart = true
  getsReady = true
  readonly processes: LoadProcesses

  constructor(script: Script) {
    this.wire = new ScriptedWire(this.clock, script)
    this.processes = new LoadProcesses(this.clock, (events) => {
      const pid = this.canStart ? 1_001 + this.children.length : undefined
      const child = new VirtualChild(pid, this.clock, this.wire, events)
      this.children.push(child)
      if (this.canStart && this.getsReady) child.say({ type: 'ready' })
      else if (!this.canStart) child.fail(new Error('spawn /nowhere/node ENOENT'))
      return child
    })
  }

  /** The load process that was started last. */
  get child(): VirtualChild {
    return this.children.at(-1) as VirtualChild
  }

  generator(context: LoadContext = {}): LoadGenerator {
    return new LoadGenerator({ env: {}, ...context, worker: this })
  }

  /** Begins a load, up to its first message to a load process. */
  async load(options: LoadOptions, onProgress?: OnLoadProgress, context: LoadContext = {}): Promise<VirtualLoad> {
    const { clock } = this
    const observe: LoadObserver = {
      ...context.observe,
      onEnd: (id, ending) => {
        load.ending = ending
        load.endedAt = clock.now()
        context.observe?.onEnd?.(id, ending)
      },
    }
    const generator = this.generator({ ...context, observe })
    const result = generator.generateLoad({ url: URL_UNDER_LOAD, ...options }, onProgress)
    result.catch(() => {})
    const load: VirtualLoad = { generator, result, ending: undefined, endedAt: Number.NaN, startedAt: clock.now() }
    await settle()
    return load
  }

  /** Moves on by so many milliseconds, with a turn for promises every `step`. */
  async pass(milliseconds: number, step = 10): Promise<void> {
    await settle()
    for (let passed = 0; passed < milliseconds; passed += step) {
      this.clock.advance(Math.min(step, milliseconds - passed))
      await turn()
    }
  }

  /** Moves on until a promise is settled, at most so many milliseconds. */
  async until<Value>(promise: Promise<Value>, within = 60_000, step = 10): Promise<Value> {
    let isSettled = false
    const settled = () => {
      isSettled = true
    }
    promise.then(settled, settled)
    for (let passed = 0; passed < within; passed += step) {
      await turn()
      if (isSettled) return promise
      this.clock.advance(step)
    }
    throw new Error(`It goes on after ${within} ms`)
  }

  /** Runs a load to its end. */
  async run(options: LoadOptions, onProgress?: OnLoadProgress, context?: LoadContext): Promise<LoadResult> {
    const load = await this.load(options, onProgress, context)
    return this.until(load.result)
  }
}

/** Lets promises and imports that are under way settle. */
async function settle(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await turn()
}
