import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import { LoadError } from '../../errors.ts'
import type { Clock } from '../../lifecycle/clock.ts'
import { readSettings } from '../../settings.ts'
import type { LoadReportMessage, LoadRequestMessage } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { signPlan } from '../worker/signed-plan.ts'
import type { WorkerHello, WorkerPlan, WorkerReport, WorkerRequest } from '../worker/worker-messages.ts'
import { bestClockOffset, type ClockAnswer, type ClockOffset } from './clock-offset.ts'
import { clockRemarks } from './clock-remarks.ts'
import type { LoadEngine, LoadEngineLine, LoadEngineListener } from './load-engine.ts'

/** How often a worker is asked for its clocks: the shortest round trip says most. */
const CLOCK_ROUNDS = 5

/** The line of a load to one load process of a worker. */
interface Line {
  readonly slot: number
  readonly listener: LoadEngineListener
  /** The run that it was opened for, and when that is to begin, in Unix milliseconds by our clock. */
  run: { readonly id: string; readonly plan: LoadPlan } | undefined
  begin: number | undefined
}

/** A worker that has joined the master: its load processes, each an engine, and its clocks. */
export class RemoteWorker {
  readonly hello: WorkerHello
  readonly #clock: Clock
  readonly #send: (request: WorkerRequest) => void
  readonly #lines = new Set<Line>()
  readonly #clockAnswers: ClockAnswer[] = []
  #offset: ClockOffset = { machine: 0, wall: 0, error: 0 }
  #onClock: (() => void) | undefined
  #isGone = false
  /** Runs of one load that are sent together: its data is sent once for all processes. */
  readonly #pending = new Map<string, { slot: number; plan: LoadPlan }[]>()

  constructor(hello: WorkerHello, clock: Clock, send: (request: WorkerRequest) => void) {
    this.hello = hello
    this.#clock = clock
    this.#send = send
  }

  get #wallNow(): number {
    return this.#clock.origin + this.#clock.now()
  }

  /** Compares its clocks with ours; resolves when that is done, or the worker is gone. */
  async measureClock(): Promise<void> {
    this.#clockAnswers.length = 0
    for (let round = 0; round < CLOCK_ROUNDS && !this.#isGone; round += 1) {
      await new Promise<void>((resolve) => {
        this.#onClock = resolve
        this.#send({ type: 'time', at: this.#clock.machineNow() })
      })
    }
    this.#offset = bestClockOffset(this.#clockAnswers)
  }

  /** The engine of one of its load processes. */
  engine(slot: number): LoadEngine {
    return { open: (listener) => this.#open(slot, listener) }
  }

  #open(slot: number, listener: LoadEngineListener): LoadEngineLine {
    const line: Line = { slot, listener, run: undefined, begin: undefined }
    this.#lines.add(line)
    return {
      send: (message) => this.#sendTo(line, message),
      kill: () => {
        if (line.run) this.#send({ type: 'kill', load: line.run.id, slot })
        this.#lines.delete(line)
      },
      // The worker does this itself.
      retire() {},
      isShared: () => false,
      close: () => void this.#lines.delete(line),
    }
  }

  #sendTo(line: Line, message: LoadRequestMessage): void {
    const { slot } = line
    if (message.type === 'turns') throw new TypeError('Workers run no turns')
    if (message.type === 'go') line.begin = this.#plannedBegin(line, message.at)
    if (message.type !== 'run') return this.#send({ type: 'pass', slot, message: this.#inItsTime(message) })
    line.run = message
    const runs = this.#pending.get(message.id)
    if (runs) return void runs.push({ slot, plan: message.plan })
    this.#pending.set(message.id, [{ slot, plan: message.plan }])
    this.#clock.soon(() => this.#sendPlan(message.id))
  }

  /** When the measured part is to begin: after the warm-up. */
  #plannedBegin({ run }: Line, at: number): number {
    return this.#wallNow + (at - this.#clock.machineNow()) + (run?.plan.warmup?.duration ?? 0)
  }

  /** Sends a moment as the worker's clocks show it. */
  #inItsTime<Message extends LoadRequestMessage>(message: Message): Message {
    if (message.type === 'go') return { ...message, at: message.at + this.#offset.machine }
    if (message.type === 'collection') return { ...message, startedAt: message.startedAt + this.#offset.wall }
    return message
  }

  #sendPlan(load: string): void {
    const runs = this.#pending.get(load) ?? []
    this.#pending.delete(load)
    const bundle = Buffer.from(runs[0]?.plan.scenario?.code ?? '')
    const contents: WorkerPlan = {
      bundle: createHash('sha256').update(bundle).digest('hex'),
      runs: runs.map(({ slot, plan }) => ({ slot, plan: withoutCode(plan) })),
    }
    try {
      const options = { recipient: this.hello.id, now: this.#wallNow, token: readSettings().token }
      this.#send({ type: 'plan', load, plan: signPlan({ plan: serialize(contents), bundle }, options) })
    } catch (error) {
      this.#lose(load, undefined, `could not be sent the load: ${(error as Error).message}`)
    }
  }

  onReport(report: WorkerReport): void {
    switch (report.type) {
      case 'time':
        this.#clockAnswers.push({ ...report, receivedAt: this.#clock.machineNow(), receivedWall: this.#wallNow })
        return this.#onClock?.()
      case 'pass':
        return this.#onPassed(report.slot, report.message)
      case 'lost':
        return this.#lose(report.load, report.slot, `lost a load process: ${report.why}`)
      case 'refused':
        return this.#lose(report.load, undefined, `refused the load: ${report.why}`)
    }
  }

  #onPassed(slot: number, message: LoadReportMessage): void {
    for (const line of this.#lines) if (line.slot === slot) line.listener.onMessage(this.#inOurTime(line, message))
  }

  #inOurTime({ run, begin }: Line, message: LoadReportMessage): LoadReportMessage {
    if (!('progress' in message) || !message.progress) return message
    const startedAt = Math.round(message.progress.startedAt - this.#offset.wall)
    const hasBegun = begin !== undefined && message.progress.requests > 0
    const remarks = clockRemarks({
      name: this.hello.name,
      ahead: this.#offset.wall,
      interval: run?.plan.progressInterval ?? Infinity,
      ...(hasBegun ? { begin: { planned: begin, actual: startedAt } } : {}),
    })
    const { generator } = message.progress
    const told = {
      startedAt,
      ...(remarks.length > 0 ? { remarks: [...(message.progress.remarks ?? []), ...remarks] } : {}),
      ...(generator.reason === undefined
        ? {}
        : { generator: { ...generator, reason: `on the worker ${this.hello.name}, ${generator.reason}` } }),
    }
    return { ...message, progress: { ...message.progress, ...told } } as LoadReportMessage
  }

  #lose(load: string, slot: number | undefined, why: string): void {
    const lost = [...this.#lines].filter((line) => line.run?.id === load && (slot === undefined || line.slot === slot))
    for (const line of lost) this.#loseLine(line, `The worker ${this.hello.name} ${why}`)
  }

  #loseLine(line: Line, message: string): void {
    if (this.#lines.delete(line)) line.listener.onLost(new LoadError(message))
  }

  /** It is gone, and with it every load in it. */
  onGone(message: string): void {
    this.#isGone = true
    this.#onClock?.()
    for (const line of this.#lines) this.#loseLine(line, message)
  }
}

function withoutCode(plan: LoadPlan): LoadPlan {
  return plan.scenario === undefined ? plan : { ...plan, scenario: { ...plan.scenario, code: '' } }
}
