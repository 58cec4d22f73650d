import type { LoadSample } from '../../results/load-result.ts'
import { Arrivals } from './arrivals.ts'
import type { Connection } from '../http/connection.ts'
import { ConnectionPool } from '../http/connection-pool.ts'
import type { Failure } from '../http/failure.ts'
import { InFlightHistory } from '../measure/in-flight-history.ts'
import { LoadPhase } from './load-phase.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { LOOK, Measurement } from '../measure/measurement.ts'
import type { LoadEnd, RowlessProgress } from '../messages.ts'
import { ProgressTimer } from './progress-timer.ts'
import {
  listRequests,
  PerConnectionOrder,
  SharedOrder,
  type ListedRequest,
  type RequestOrder,
} from './request-order.ts'
import { Reachability } from './reachability.ts'
import { valueAt } from '../plan/schedule.ts'
import { shareOf, WHOLE } from '../plan/share.ts'
import { targetOf } from '../http/target.ts'
import { ThresholdWatch } from '../plan/threshold-watch.ts'
import { describeNothing } from './nothing-answered.ts'
import { every, type Cancel } from '../../lifecycle/clock.ts'
import type { LoadMachine } from './load-machine.ts'

/** Milliseconds that the first arrival of an open model waits for all connections to be open: the first arrivals would pay for the opening otherwise. */
const LONGEST_OPENING = 1_000
/** Milliseconds that an open model waits at its end for requests under way: the slowest would be missing otherwise. */
const LONGEST_DRAIN = 1_000

export interface LoadRunReport {
  /** All so far; absent before there is anything. */
  tick(completed: number, progress?: RowlessProgress): void
  progress(progress: RowlessProgress, rows: LoadSample[]): void
  /** `left`: something that its scenario has begun still runs. */
  end(end: LoadEnd, completed: number, progress: RowlessProgress, rows: LoadSample[], left?: boolean): void
  /** It is ready, and waits to be told when to begin. */
  armed(): void
  /** A line for the test's output. */
  log(level: 'log' | 'error', text: string): void
}

/** One load under way, from the opening of its connections through warm-up and measured part to its end. */
export class LoadRun {
  readonly #plan: LoadPlan
  readonly #report: LoadRunReport
  readonly #machine: LoadMachine
  readonly #pool: ConnectionPool<ListedRequest>
  readonly #list: readonly ListedRequest[]
  /** Outlives the warm-up, as sessions do. */
  readonly #perConnection: RequestOrder | undefined
  readonly #history = new InFlightHistory()
  readonly #reachability: Reachability
  readonly #thresholds: ThresholdWatch | undefined
  readonly #waits: boolean
  /** When it was told to begin, on the clock of the machine. */
  #toldAt: number | undefined
  #state: 'opening' | 'armed' | 'warmup' | 'measured' | 'drain' | 'ended' = 'opening'
  /** Absent while connections are opened. */
  #phase: LoadPhase | undefined
  #cancelLooking: Cancel | undefined
  /** What ends the state of now, where time does. */
  #cancelState: Cancel | undefined
  #progressTimer: ProgressTimer | undefined

  /** `waits`: it says when it is ready, and begins when it is told to. */
  constructor(plan: LoadPlan, report: LoadRunReport, machine: LoadMachine, waits = false) {
    this.#plan = plan
    this.#waits = waits
    this.#report = report
    this.#machine = machine
    const { clock, wire } = machine
    this.#reachability = new Reachability(plan.url, plan.duration === undefined, clock.now())
    this.#list = listRequests(plan)
    if (plan.order === 'perConnection' && this.#list.length > 1)
      this.#perConnection = new PerConnectionOrder(this.#list)
    const ramps = plan.stages !== undefined
    if (plan.abortOnFail) this.#thresholds = new ThresholdWatch(plan.thresholds, { duration: plan.duration, ramps })
    this.#pool = new ConnectionPool(
      { target: targetOf(plan), clock, wire },
      {
        onReady: (connection) => this.#onReady(connection),
        onAnswer: (_connection, status, since, request, answer) =>
          this.#phase?.onAnswer(status, since, request, answer),
        onFailure: (kind, message, since, request) => this.#phase?.onFailure(kind, message, since, request),
        onWithdrawn: (connection, since, request) => this.#phase?.onWithdrawn(connection, since, request),
        onConnectFailure: (connection, failure) => this.#onConnectFailure(connection, failure),
        onBytes: (count) => this.#phase?.measurement.recorder.addBytes(count),
      },
    )
  }

  get #now(): number {
    return this.#machine.clock.now()
  }

  /** Sets what ends the state of now. */
  #after(milliseconds: number, act: () => void): void {
    this.#cancelState = this.#machine.clock.after(milliseconds, act)
  }

  // From one state to the next -----------------------------------------------------------------------------------------

  start(): void {
    this.#cancelLooking = every(this.#machine.clock, LOOK, () => this.#look())
    const { warmup, rate } = this.#plan
    if (!rate) return this.#begin()
    this.#pool.resize(warmup ? this.#shareOf(warmup.connections) : this.#connectionsWanted(0))
    this.#after(LONGEST_OPENING, () => this.#begin())
  }

  /** Begins to send, once. */
  #begin(): void {
    if (this.#state !== 'opening') return
    this.#cancelState?.()
    if (!this.#waits) return this.#beginSending()
    this.#state = 'armed'
    this.#report.armed()
  }

  /** Begins to send at `at`, on the clock of the machine. */
  go(at: number): void {
    if (this.#state !== 'armed' || this.#toldAt !== undefined) return
    this.#toldAt = at - this.#machine.clock.machineNow() + this.#now
    this.#cancelState = this.#machine.clock.at(this.#toldAt, () => this.#beginSending())
  }

  #beginSending(): void {
    const { warmup, rate } = this.#plan
    if (!warmup) return this.#beginMeasured()
    const steady = rate?.flatMap(({ from, to }) => [from, to]).find((value) => value > 0) ?? 0
    const arrivals =
      rate && new Arrivals([{ duration: warmup.duration, from: steady, to: steady }], undefined, this.#plan.share)
    this.#state = 'warmup'
    const measured = () => this.#beginMeasured()
    if (this.#toldAt === undefined) this.#after(warmup.duration, measured)
    else this.#cancelState = this.#machine.clock.at(this.#toldAt + warmup.duration, measured)
    this.#beginPhase({ arrivals, connections: this.#shareOf(warmup.connections), duration: warmup.duration })
  }

  #beginMeasured(): void {
    const { rate, amount, duration } = this.#plan
    this.#state = 'measured'
    if (duration !== undefined) this.#after(duration, () => this.#endSending())
    const arrivals = rate && new Arrivals(rate, amount, this.#plan.share)
    this.#beginPhase({ arrivals, amount, connections: this.#connectionsWanted(0), duration: duration ?? Infinity })
  }

  #beginPhase(part: {
    arrivals?: Arrivals | undefined
    amount?: number | undefined
    connections: number
    duration: number
  }) {
    this.#phase?.endSending()
    this.#progressTimer?.stop()
    const { arrivals, amount, connections, duration } = part
    const phase = new LoadPhase({
      plan: this.#plan,
      machine: this.#machine,
      pool: this.#pool,
      order: this.#perConnection ?? new SharedOrder(this.#list, this.#plan.share),
      history: this.#history,
      arrivals,
      amount,
      onEnded: () => this.#endIfDone(),
    })
    this.#phase = phase
    this.#pool.resize(connections)
    this.#progressTimer = new ProgressTimer(
      this.#machine.clock,
      phase.start,
      this.#plan.progressInterval,
      duration,
      () => this.#sendProgress(),
    )
    phase.begin()
  }

  /** The planned time is over: the open model waits a moment for what is under way. */
  #endSending(): void {
    const { duration = 0, timeout } = this.#plan
    if (this.#state !== 'measured' || !this.#phase) return
    const early = this.#phase.start + duration - this.#now
    // Timers can be up to a millisecond early.
    if (early > 0) return this.#after(early, () => this.#endSending())
    this.#state = 'drain'
    this.#phase.endSending()
    // What has arrived by now is read first: see `#judge`.
    const finish = () => void this.#machine.clock.soon(() => this.#finish())
    if (!this.#phase.drains) return finish()
    this.#after(Math.min(timeout + 2 * LOOK, LONGEST_DRAIN), finish)
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#measuring && this.#phase?.isDone) this.#finish()
  }

  #finish(): void {
    if (!this.#phase || this.#state === 'ended') return
    const { measurement, start } = this.#phase
    if (measurement.recorder.outcomes.requests > 0) return this.#end({ outcome: 'completed' })
    const message = describeNothing(this.#plan.url, measurement, this.#now - start)
    this.#end({ outcome: 'failed', message, unanswered: true })
  }

  /** Ends early with what was measured. */
  stop(): void {
    this.#end({ outcome: 'stopped' })
  }

  /** Ends at once. */
  abort(): void {
    this.#end({ outcome: 'aborted' })
  }

  #end(end: LoadEnd): void {
    if (this.#state === 'ended') return
    const measured = this.#measuring ? this.#phase : undefined
    this.#state = 'ended'
    this.#cancelLooking?.()
    this.#cancelState?.()
    this.#progressTimer?.stop()
    this.#phase?.endSending()
    const { progress, rows } = measured?.interval(true) ?? { progress: this.#nothing(), rows: [] }
    this.#pool.close()
    const completed = end.outcome === 'completed'
    const ended = {
      ...progress,
      ...(measured ? measured.measurement.finalParts(progress.duration) : {}),
      aborted: !completed,
      ...(completed ? { progress: 1 } : {}),
    }
    this.#report.end(end, this.#history.completed, ended, rows)
  }

  // Connections --------------------------------------------------------------------------------------------------------

  #connectionsWanted(elapsed: number): number {
    return this.#shareOf(Math.max(1, Math.round(valueAt(this.#plan.connections, elapsed))))
  }

  /** In the open model each process needs a connection for its arrivals, at whatever height a ramp stands. */
  #shareOf(connections: number): number {
    const { share = WHOLE, rate } = this.#plan
    return Math.max(rate ? 1 : 0, shareOf(connections, share))
  }

  #onReady(connection: Connection<ListedRequest>): void {
    this.#reachability.noteOpened()
    if (this.#phase) this.#phase.offer(connection)
    else if (this.#pool.allOpen) this.#begin()
  }

  #onConnectFailure(connection: Connection<ListedRequest>, failure: Failure): void {
    this.#reachability.noteFailure(failure.message, this.#now)
    this.#begin()
    this.#phase?.onConnectFailure(connection, failure)
    this.#giveUpIfDead(false)
  }

  #giveUpIfDead(hanging: boolean): void {
    const connected = this.#pool.anyConnected
    const message = this.#reachability.verdict(this.#now, { hanging, connected })
    if (message !== undefined) this.#end({ outcome: 'failed', message })
  }

  // Time ---------------------------------------------------------------------------------------------------------------

  #look(): void {
    const now = this.#now
    this.#history.note(this.#machine.clock.origin + now)
    if (this.#state === 'measured' && this.#phase && this.#plan.stages) {
      this.#pool.resize(this.#connectionsWanted(now - this.#phase.start))
    }
    this.#phase?.look(now)
    this.#machine.clock.soon(this.#judge)
  }

  /** Checks time-outs after pending data was read, so that our own pauses are not reported as the server's. */
  readonly #judge = (): void => {
    if (this.#state === 'ended') return
    this.#pool.sweep(this.#now)
    this.#giveUpIfDead(true)
  }

  /** The server stood still from `startedAt` (Unix ms) on. */
  noteCollection(startedAt: number, duration: number): void {
    if (!this.#measuring) return
    this.#history.note(this.#machine.clock.origin + this.#now)
    this.#phase?.measurement.collection(startedAt, duration, this.#history)
  }

  // What is told -------------------------------------------------------------------------------------------------------

  /** In the part that makes the result. */
  get #measuring(): boolean {
    return this.#state === 'measured' || this.#state === 'drain'
  }

  /** Reports all so far, several times a second, and ends the load where a threshold says so. */
  tick(): void {
    const progress = this.#measuring ? this.#phase?.soFar() : undefined
    this.#report.tick(this.#history.completed, progress)
    if (!progress || this.#state !== 'measured') return
    const thresholds = this.#thresholds?.judge({ ...progress, samples: [] })
    if (thresholds) this.#end({ outcome: 'failed-threshold', thresholds })
  }

  #sendProgress(): void {
    if (!this.#phase) return
    const { progress, rows } = this.#phase.interval()
    if (this.#measuring) this.#report.progress(progress, rows)
    // What a warm-up counts shows in the interval alone.
    else {
      const { interval, histograms } = progress
      this.#report.progress({ ...this.#nothing(), interval, ...(histograms ? { histograms } : {}) }, [])
    }
  }

  #nothing(): RowlessProgress {
    return new Measurement(this.#plan, this.#machine.clock.origin + this.#now, this.#machine.measureCost()).soFar(0)
  }
}
