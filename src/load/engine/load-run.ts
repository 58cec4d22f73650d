import { every, type Cancel } from '../../lifecycle/clock.ts'
import type { LoadSample } from '../../results/load-result.ts'
import type { Failure } from '../http/failure.ts'
import { InFlightHistory } from '../measure/in-flight-history.ts'
import { LOOK, Measurement } from '../measure/measurement.ts'
import { isWhole, type LoadEnd, type RowlessProgress } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { ThresholdWatch } from '../plan/threshold-watch.ts'
import { Arrivals } from './arrivals.ts'
import type { LoadMachine } from './load-machine.ts'
import type { LoadCourse, LoadPhase, LoadWork, PhasePlan } from './load-work.ts'
import { ProgressTimer } from './progress-timer.ts'
import { Reachability } from './reachability.ts'

/** Milliseconds that an open model waits at its end for what is under way: the slowest would be missing otherwise. */
const LONGEST_DRAIN = 1_000
/** Milliseconds after which a tick tells all so far, although nothing was counted since the last: time has passed. */
const LONGEST_QUIET = 1_000

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

export interface LoadRunParts {
  readonly plan: LoadPlan
  readonly report: LoadRunReport
  readonly machine: LoadMachine
  createWork(course: LoadCourse): LoadWork
  /** It says when it is ready, and begins when it is told to. */
  readonly waits?: boolean
}

/** Runs a load from start to end: getting ready, warm-up, measured part. */
export class LoadRun implements LoadCourse {
  readonly plan: LoadPlan
  readonly machine: LoadMachine
  readonly history = new InFlightHistory()
  readonly #report: LoadRunReport
  readonly #work: LoadWork
  readonly #reachability: Reachability
  readonly #thresholds: ThresholdWatch | undefined
  readonly #waits: boolean
  /** When it was told to begin, by the clock. */
  #toldAt: number | undefined
  #state: 'preparing' | 'armed' | 'warmup' | 'measured' | 'drain' | 'ended' = 'preparing'
  /** Absent until it sends. */
  #phase: LoadPhase | undefined
  #cancelLooking: Cancel | undefined
  /** What ends the state of now, where time does. */
  #cancelState: Cancel | undefined
  #progressTimer: ProgressTimer | undefined
  /** What the last tick with a progress knew of. */
  #told: { readonly counted: number; readonly at: number } | undefined

  constructor({ plan, report, machine, createWork, waits = false }: LoadRunParts) {
    this.plan = plan
    this.machine = machine
    this.#waits = waits
    this.#report = report
    this.#reachability = new Reachability(plan.url, plan.duration === undefined, machine.clock.now())
    const ramps = plan.stages !== undefined
    if (plan.abortOnFail) this.#thresholds = new ThresholdWatch(plan.thresholds, { duration: plan.duration, ramps })
    this.#work = createWork(this)
  }

  get #now(): number {
    return this.machine.clock.now()
  }

  /** Sets what ends the state of now. */
  #after(milliseconds: number, act: () => void): void {
    this.#cancelState = this.machine.clock.after(milliseconds, act)
  }

  // From one state to the next -----------------------------------------------------------------------------------------

  start(): void {
    this.#cancelLooking = every(this.machine.clock, LOOK, () => this.#look())
    this.#work.prepare()
  }

  onReady(): void {
    if (this.#state !== 'preparing') return
    if (!this.#waits) return this.#beginSending()
    this.#state = 'armed'
    this.#report.armed()
  }

  /** Begins to send at `at`, on the clock of the machine. */
  go(at: number): void {
    if (this.#state !== 'armed' || this.#toldAt !== undefined) return
    const { clock } = this.machine
    this.#toldAt = at - clock.machineNow() + clock.now()
    this.#cancelState = clock.at(this.#toldAt, () => this.#beginSending())
  }

  #beginSending(): void {
    const { warmup, rate } = this.plan
    if (!warmup) return this.#beginMeasured()
    const { duration } = warmup
    const steady = rate?.flatMap(({ from, to }) => [from, to]).find((value) => value > 0) ?? 0
    const arrivals = rate && new Arrivals([{ duration, from: steady, to: steady }], undefined, this.plan.share)
    this.#state = 'warmup'
    const measured = () => this.#beginMeasured()
    if (this.#toldAt === undefined) this.#after(duration, measured)
    else this.#cancelState = this.machine.clock.at(this.#toldAt + duration, measured)
    this.#beginPhase({ isWarmup: true, arrivals, amount: undefined }, duration)
  }

  #beginMeasured(): void {
    const { rate, amount, duration } = this.plan
    this.#state = 'measured'
    if (duration !== undefined) this.#after(duration, () => this.#endSending())
    const arrivals = rate && new Arrivals(rate, amount, this.plan.share)
    this.#beginPhase({ isWarmup: false, arrivals, amount }, duration ?? Infinity)
  }

  #beginPhase(plan: PhasePlan, duration: number): void {
    const { clock } = this.machine
    this.#phase?.close()
    this.#progressTimer?.stop()
    const phase = this.#work.createPhase(plan)
    this.#phase = phase
    this.#progressTimer = new ProgressTimer(clock, phase.start, this.plan.progressInterval, duration, () =>
      this.#sendProgress(),
    )
    phase.beginSending()
  }

  /** The planned time is over: the open model waits a moment for what is under way. */
  #endSending(): void {
    const { duration = 0, timeout } = this.plan
    if (this.#state !== 'measured' || !this.#phase) return
    const early = this.#phase.start + duration - this.#now
    // Timers can be up to a millisecond early.
    if (early > 0) return this.#after(early, () => this.#endSending())
    this.#state = 'drain'
    this.#phase.endSending()
    // What has arrived by now is read first: see `#judge`.
    const finish = () => void this.machine.clock.soon(() => this.#finish())
    if (!this.#phase.drains) return finish()
    this.#after(Math.min(timeout + 2 * LOOK, LONGEST_DRAIN), finish)
    this.onEnded()
  }

  onEnded(): void {
    if (this.#isMeasuring && this.#phase?.isDone) this.#finish()
  }

  #finish(): void {
    if (!this.#phase || this.#state === 'ended') return
    const { measurement, start } = this.#phase
    if (measurement.recorder.outcomes.requests > 0) return this.#end({ outcome: 'completed' })
    const message = this.#work.describeNothing(measurement, this.#now - start)
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

  fail(message: string): void {
    this.#end({ outcome: 'failed', message })
  }

  /** The one way to `ended`. */
  #end(end: LoadEnd): void {
    if (this.#state === 'ended') return
    const measured = this.#isMeasuring ? this.#phase : undefined
    const wasReady = this.#state !== 'preparing'
    this.#state = 'ended'
    this.#cancelLooking?.()
    this.#cancelState?.()
    this.#progressTimer?.stop()
    this.#phase?.endSending()
    const { progress, rows } = measured?.interval(true) ?? { progress: this.#nothing(), rows: [] }
    const isCompleted = end.outcome === 'completed'
    const ended: RowlessProgress = {
      ...progress,
      ...(measured ? measured.measurement.finalParts(progress.duration) : {}),
      aborted: !isWhole(end),
      ...(isWhole(end) ? { progress: 1 } : {}),
      generator: this.#work.explainCost?.(progress.generator) ?? progress.generator,
    }
    this.#phase?.close()
    const report = (left?: boolean) => this.#report.end(end, this.history.completed, ended, rows, left)
    const closing = this.#work.close(wasReady && (isCompleted || end.outcome === 'stopped'))
    if (closing) void closing.then(report)
    else report()
  }

  // Connections --------------------------------------------------------------------------------------------------------

  onOpened(): void {
    this.#reachability.noteOpened()
  }

  onConnectFailure({ message, ownLimit }: Failure): void {
    this.#reachability.noteFailure(message, this.#now)
    if (ownLimit) this.#phase?.measurement.noteOwnLimit(message)
  }

  giveUpIfUnreachable(hanging = false): void {
    const connected = this.#work.isConnected
    const message = this.#reachability.verdict(this.#now, { hanging, connected })
    if (message !== undefined) this.fail(message)
  }

  // Time ---------------------------------------------------------------------------------------------------------------

  #look(): void {
    const now = this.#now
    this.history.note(this.machine.clock.origin + now)
    if (this.#state === 'measured' && this.#phase && this.plan.stages) this.#work.resize(now - this.#phase.start)
    this.#work.look?.(now)
    this.#phase?.look(now)
    this.machine.clock.soon(this.#judge)
  }

  /** Checks time-outs after pending data was read, so that our own pauses are not reported as the server's. */
  readonly #judge = (): void => {
    if (this.#state === 'ended') return
    this.#work.sweep(this.#now)
    this.giveUpIfUnreachable(true)
  }

  /** The server stood still from `startedAt` (Unix ms) on. */
  noteCollection(startedAt: number, duration: number): void {
    if (!this.#isMeasuring) return
    this.history.note(this.machine.clock.origin + this.#now)
    this.#phase?.measurement.collection(startedAt, duration, this.history)
  }

  // What is told -------------------------------------------------------------------------------------------------------

  /** In the part that makes the result. */
  get #isMeasuring(): boolean {
    return this.#state === 'measured' || this.#state === 'drain'
  }

  /** Reports all so far, several times a second, and ends the load where a threshold says so. */
  tick(): void {
    if (this.#state === 'ended') return
    const progress = this.#isMeasuring && this.#hasNews() ? this.#phase?.soFar() : undefined
    this.#report.tick(this.history.completed, progress)
    if (!progress || this.#state !== 'measured') return
    const thresholds = this.#thresholds?.judge({ ...progress, samples: [] })
    if (thresholds) this.#end({ outcome: 'failed-threshold', thresholds })
  }

  /** Whether a tick has something to tell. Users that think leave many ticks without anything, and each costs a millisecond. */
  #hasNews(): boolean {
    const { measurement } = this.#phase ?? {}
    if (!measurement) return false
    const now = this.#now
    // Thresholds on rates fail by waiting, and processes of one load are merged by their time.
    const isWatched = this.#thresholds !== undefined || this.plan.share !== undefined
    if (!isWatched && measurement.counted === this.#told?.counted && now - this.#told.at < LONGEST_QUIET) return false
    this.#told = { counted: measurement.counted, at: now }
    return true
  }

  #sendProgress(): void {
    if (!this.#phase) return
    const { progress, rows } = this.#phase.interval()
    if (this.#isMeasuring) return this.#report.progress(progress, rows)
    // What a warm-up counts shows in the interval alone.
    const { interval, histograms } = progress
    this.#report.progress({ ...this.#nothing(), interval, ...(histograms ? { histograms } : {}) }, [])
  }

  #nothing(): RowlessProgress {
    return new Measurement(this.plan, this.machine.clock.origin + this.#now, this.machine.measureCost()).soFar(0)
  }

  print(level: 'log' | 'error', text: string): void {
    this.#report.log(level, text)
  }
}
