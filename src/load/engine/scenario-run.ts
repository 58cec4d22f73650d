import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { realClock, type Cancel } from '../../lifecycle/clock.ts'
import {
  clearInterval,
  readClock,
  readMachineClock,
  readWallClock,
  setImmediate,
  setInterval,
} from '../../lifecycle/real-timers.ts'
import { InFlightHistory } from '../measure/in-flight-history.ts'
import { LOOK, Measurement } from '../measure/measurement.ts'
import type { LoadEnd, RowlessProgress } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { PlannedScenario } from '../plan/scenario-plan.ts'
import { valueAt } from '../plan/schedule.ts'
import { shareOf, WHOLE } from '../plan/share.ts'
import { captureConsole, LimitedOutput } from '../scenario/captured-console.ts'
import { RequestError } from '../scenario/request-error.ts'
import { ScenarioHost } from '../scenario/scenario-host.ts'
import { LoopProfiler } from '../scenario/loop-profiler.ts'
import { loadScenario, type ScenarioModule } from '../scenario/scenario-module.ts'
import { describeError, shownPath, sourcePath } from '../scenario/source-location.ts'
import { UserPool, type EndedIteration } from '../scenario/user-pool.ts'
import type { ScenarioUser } from '../scenario/virtual-user.ts'
import { Arrivals } from './arrivals.ts'
import type { LoadRunReport } from './load-run.ts'
import { ProgressTimer } from './progress-timer.ts'
import { Reachability } from './reachability.ts'
import { ScenarioPhase } from './scenario-phase.ts'
import { requestsModule, usersOf } from './requests-as-users.ts'
import { ThresholdWatch } from '../plan/threshold-watch.ts'

/** Open model: how long iterations under way at the end are waited for (the slowest would be missing otherwise). */
const LONGEST_DRAIN = 1_000
/** Milliseconds in which what a scenario has begun must return when its load has ended. */
const SETTLE = 80
/** Of all time: below that, what the scenario does is not what keeps the process busy. */
const SHARE_WORTH_NAMING = 0.2
/** The same for `stop` of all users together. */
const LONGEST_STOP = 5_000

/** Scenarios that run in this process, by when they began. Usually one. */
const running = new Set<ScenarioRun>()
let isListening = false

/** What a scenario prints, and what it does not catch, does not say whose it is: the scenario that began last. */
function listen(): void {
  if (isListening) return
  isListening = true
  const latest = () => [...running].at(-1)
  captureConsole((level, text) => latest()?.print(level, text))
  const onUncaught = (error: unknown) => latest()?.noteUncaught(error)
  process.on('unhandledRejection', onUncaught)
  process.on('uncaughtException', onUncaught)
}

/** Prepares a load of virtual users. */
export function runUsers(plan: LoadPlan, report: LoadRunReport, waits = false): ScenarioRun {
  const { scenario } = plan
  // Nothing of the user's runs here: over HTTP/2 the requests of a list are sent by users as well.
  if (!scenario) {
    return new ScenarioRun(plan, usersOf(plan), () => Promise.resolve(requestsModule(plan)), report, waits)
  }
  listen()
  return new ScenarioRun(plan, scenario, () => loadScenario(scenario), report, waits)
}

/** One load of virtual users under way, from the loading of its module through `start`, warm-up and measured part to its end. */
export class ScenarioRun {
  readonly #plan: LoadPlan
  readonly #scenario: PlannedScenario
  readonly #load: () => Promise<ScenarioModule>
  readonly #report: LoadRunReport
  readonly #host: ScenarioHost
  readonly #history = new InFlightHistory()
  readonly #reachability: Reachability
  readonly #thresholds: ThresholdWatch | undefined
  #pool: UserPool | undefined
  readonly #waits: boolean
  /** When it was told to begin, on the clock of the machine. */
  #toldAt: number | undefined
  #state: 'loading' | 'starting' | 'armed' | 'warmup' | 'measured' | 'drain' | 'ended' = 'loading'
  /** Absent until all users have started. */
  #phase: ScenarioPhase | undefined
  /** In which phase the iteration of a user was begun. */
  readonly #phaseOf = new WeakMap<ScenarioUser, ScenarioPhase>()
  #described = false
  readonly #output: LimitedOutput
  readonly #profiler = new LoopProfiler()
  /** Users that have started before there is a phase. */
  readonly #ready: ScenarioUser[] = []
  #lookTimer: NodeJS.Timeout | undefined
  /** What ends the state of now, where time does. */
  #cancelState: Cancel | undefined
  #progressTimer: ProgressTimer | undefined

  /** `waits`: it says when it is ready, and begins when it is told to. */
  constructor(
    plan: LoadPlan,
    scenario: PlannedScenario,
    load: () => Promise<ScenarioModule>,
    report: LoadRunReport,
    waits: boolean,
  ) {
    this.#load = load
    this.#plan = plan
    this.#waits = waits
    this.#scenario = scenario
    this.#report = report
    this.#output = new LimitedOutput(report.log)
    this.#reachability = new Reachability(plan.url, plan.duration === undefined, readClock())
    const ramps = plan.stages !== undefined
    if (plan.abortOnFail) this.#thresholds = new ThresholdWatch(plan.thresholds, { duration: plan.duration, ramps })
    this.#host = new ScenarioHost(plan, scenario, {
      book: () => this.#phase,
      onBytes: (count) => this.#phase?.measurement.recorder.addBytes(count),
      onOpened: () => this.#reachability.noteOpened(),
      onConnectFailure: (failure) => {
        this.#reachability.noteFailure(failure.message, readClock())
        if (failure.ownLimit) this.#phase?.measurement.noteOwnLimit(failure.message)
      },
    })
  }

  // From one state to the next -----------------------------------------------------------------------------------------

  start(): void {
    if (this.#plan.scenario) running.add(this)
    this.#load().then(
      (module) => this.#begin(module),
      (error: unknown) => {
        const message = `${this.#scenario.name} could not be loaded: ${describeError(error, this.#scenario.root)}`
        this.#end({ outcome: 'failed', message })
      },
    )
  }

  #begin(module: ScenarioModule): void {
    if (this.#state !== 'loading') return
    this.#state = 'starting'
    this.#lookTimer = setInterval(() => this.#look(), LOOK)
    if (this.#plan.scenario) this.#profiler.begin()
    this.#pool = new UserPool(module, this.#host, this.#scenario.share, {
      onFree: (user) => this.#onFree(user),
      onIteration: (user, ended) => this.#onIteration(user, ended),
      onHookFailed: (hook, user, error) => this.#onHookFailed(hook, user, error),
    })
    this.#pool.resize(this.#usersWanted(0))
    this.#beginIfStarted()
  }

  #onFree(user: ScenarioUser): void {
    if (this.#phase) return this.#phase.offer(user)
    this.#ready.push(user)
    this.#beginIfStarted()
  }

  #beginIfStarted(): void {
    if (this.#state !== 'starting' || !this.#pool?.allStarted) return
    if (!this.#waits) return this.#beginIterations()
    this.#state = 'armed'
    this.#report.armed()
  }

  /** Begins to iterate at `at`, on the clock of the machine. */
  go(at: number): void {
    if (this.#state !== 'armed' || this.#toldAt !== undefined) return
    this.#toldAt = at - readMachineClock() + realClock.now()
    this.#cancelState = realClock.at(this.#toldAt, () => this.#beginIterations())
  }

  #beginIterations(): void {
    const { warmup, rate } = this.#plan
    if (!warmup) return this.#beginMeasured()
    const steady = rate?.flatMap(({ from, to }) => [from, to]).find((value) => value > 0) ?? 0
    const arrivals =
      rate && new Arrivals([{ duration: warmup.duration, from: steady, to: steady }], undefined, this.#plan.share)
    this.#state = 'warmup'
    const measured = () => this.#beginMeasured()
    this.#cancelState =
      this.#toldAt === undefined
        ? realClock.after(warmup.duration, measured)
        : realClock.at(this.#toldAt + warmup.duration, measured)
    this.#beginPhase(arrivals, undefined, warmup.duration)
  }

  #beginMeasured(): void {
    if (this.#state === 'ended') return
    const { rate, amount, duration } = this.#plan
    this.#state = 'measured'
    if (duration !== undefined) this.#cancelState = realClock.after(duration, () => this.#endBeginning())
    this.#beginPhase(rate && new Arrivals(rate, amount, this.#plan.share), amount, duration ?? Infinity)
  }

  #beginPhase(arrivals: Arrivals | undefined, amount: number | undefined, duration: number): void {
    const before = this.#phase
    before?.close()
    this.#progressTimer?.stop()
    const phase = new ScenarioPhase({
      plan: this.#plan,
      history: this.#history,
      arrivals,
      amount,
      run: (user, due) => {
        this.#phaseOf.set(user, phase)
        this.#pool?.run(user, due)
      },
      onIterationEnded: () => this.#endIfDone(),
    })
    this.#phase = phase
    this.#progressTimer = new ProgressTimer(realClock, phase.start, this.#plan.progressInterval, duration, () =>
      this.#sendProgress(),
    )
    for (const user of [...this.#ready.splice(0), ...(before?.takeAllFree() ?? [])]) phase.offer(user)
    phase.pace(readClock())
  }

  /** The planned time is over: the open model waits a moment for what is under way. */
  #endBeginning(): void {
    const { duration = 0, timeout } = this.#plan
    if (this.#state !== 'measured' || !this.#phase) return
    const early = this.#phase.start + duration - readClock()
    if (early > 0) {
      // Timers can be up to a millisecond early.
      this.#cancelState = realClock.after(early, () => this.#endBeginning())
      return
    }
    this.#state = 'drain'
    const waits = this.#phase.endBeginning()
    // What has arrived by now is read first: see `#judge`.
    const finish = () => setImmediate(() => this.#finish())
    if (!waits) return void finish()
    this.#cancelState = realClock.after(Math.min(timeout + 2 * LOOK, LONGEST_DRAIN), finish)
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#measuring && this.#phase?.isDone) this.#finish()
  }

  #finish(): void {
    if (!this.#phase || this.#state === 'ended') return
    const { measurement, start } = this.#phase
    if (measurement.recorder.outcomes.requests > 0) return this.#end({ outcome: 'completed' })
    this.#end({
      outcome: 'failed',
      message: describeNothing(this.#scenario.name, measurement, readClock() - start),
      unanswered: true,
    })
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
    const wasStarted = this.#state !== 'loading' && this.#state !== 'starting'
    this.#state = 'ended'
    clearInterval(this.#lookTimer)
    this.#cancelState?.()
    this.#progressTimer?.stop()
    const { progress, rows } = measured?.interval(this.#host.open, true) ?? { progress: this.#nothing(), rows: [] }
    const completed = end.outcome === 'completed'
    const ended: RowlessProgress = {
      ...progress,
      ...(measured ? measured.measurement.finalParts(progress.duration) : {}),
      aborted: !completed,
      ...(completed ? { progress: 1 } : {}),
      generator: this.#withHotLine(progress.generator),
    }
    this.#phase?.close()
    const runStop = wasStarted && (end.outcome === 'completed' || end.outcome === 'stopped')
    void this.#close(runStop).then((left) => {
      running.delete(this)
      this.#output.end()
      this.#report.end(end, this.#history.completed, ended, rows, left)
    })
  }

  /** Where the generator was the limit, what of the scenario made it so. */
  #withHotLine(generator: RowlessProgress['generator']): RowlessProgress['generator'] {
    const hot = this.#profiler.end((source) => !source.includes('node_modules'))
    const ofAllTime = (hot?.share ?? 0) * generator.eventLoopUtilization
    if (generator.reason === undefined || !hot || ofAllTime < SHARE_WORTH_NAMING) return generator
    const where = `${shownPath(sourcePath(hot.file), this.#scenario.root)}:${hot.line}`
    const share = `${(hot.share * 100).toFixed(0)} % of its busy time`
    const what = `the scenario kept the load process busy: ${share} was spent in ${hot.functionName || 'a function'} (${where})`
    return { ...generator, reason: `${what}; ${generator.reason}` }
  }

  /** Ends all that the scenario does; returns whether something of it still runs. */
  async #close(runStop: boolean): Promise<boolean> {
    const pool = this.#pool
    pool?.end()
    this.#host.close()
    if (!pool) return false
    if (!(await pool.settles(SETTLE))) return true
    if (!runStop) return false
    const sweep = setInterval(() => this.#host.sweep(readClock()), LOOK)
    await pool.stopAll(Math.min(LONGEST_STOP, this.#plan.timeout))
    clearInterval(sweep)
    return !(await pool.settles(SETTLE))
  }

  // What users do --------------------------------------------------------------------------------------------------------

  #usersWanted(elapsed: number): number {
    const { share = WHOLE, rate } = this.#plan
    const users = Math.max(1, Math.round(valueAt(this.#scenario.virtualUsers, elapsed)))
    return Math.max(rate ? 1 : 0, shareOf(users, share))
  }

  #onIteration(user: ScenarioUser, { name, startedAt, sent, failure }: EndedIteration): void {
    const phase = this.#phaseOf.get(user)
    if (!phase) return
    if (failure && !isCounted(failure.error)) phase.scenarioFailed(this.#describe(name, failure.error))
    else if (!failure && sent === 0) phase.scenarioFailed(`${name} ended without a request`)
    phase.iterationEnded(startedAt, failure !== undefined || sent === 0)
  }

  /** Where an error was thrown is looked up once: only the first message of a kind is shown. */
  #describe(name: string, error: unknown): string {
    if (this.#described) return name
    this.#described = true
    return `${name}: ${describeError(error, this.#scenario.root)}`
  }

  #onHookFailed(hook: 'start' | 'stop', user: ScenarioUser, error: unknown): void {
    const message = `\`${hook}\` of virtual user ${user.id} failed: ${describeError(error, this.#scenario.root)}`
    if (hook === 'start') this.#end({ outcome: 'failed', message: `${this.#scenario.name}: ${message}` })
    else this.print('error', message)
  }

  print(level: 'log' | 'error', text: string): void {
    this.#output.line(level, text)
  }

  /** An error that nobody has caught: of a promise that is not awaited, or of a timer. */
  noteUncaught(error: unknown): void {
    if (isCounted(error) || (error as { name?: unknown } | undefined)?.name === 'AbortError') return
    this.#phase?.scenarioFailed(`outside of what is awaited: ${describeError(error, this.#scenario.root)}`)
  }

  // Time ---------------------------------------------------------------------------------------------------------------

  #look(): void {
    const now = readClock()
    this.#history.note(performance.timeOrigin + now)
    if (this.#state === 'measured' && this.#phase && this.#plan.stages) {
      this.#pool?.resize(this.#usersWanted(now - this.#phase.start))
    }
    if (this.#plan.scenario) this.#profiler.look(now, LOOK)
    this.#phase?.look(now)
    setImmediate(this.#judge)
  }

  /** Who has taken too long, after all that has arrived was read: where this process stood still, no server is to blame. */
  readonly #judge = (): void => {
    if (this.#state === 'ended') return
    this.#host.sweep(readClock())
    const connected = this.#host.open > 0
    const message = this.#reachability.verdict(readClock(), { hanging: true, connected })
    if (message !== undefined) this.#end({ outcome: 'failed', message })
  }

  /** The server stood still from `startedAt` (Unix ms) on. */
  noteCollection(startedAt: number, duration: number): void {
    if (!this.#measuring) return
    this.#history.note(performance.timeOrigin + readClock())
    this.#phase?.measurement.collection(startedAt, duration, this.#history)
  }

  // What is told -------------------------------------------------------------------------------------------------------

  get #measuring(): boolean {
    return this.#state === 'measured' || this.#state === 'drain'
  }

  /** Reports all so far, several times a second, and ends the load where a threshold says so. */
  tick(): void {
    if (this.#state === 'ended') return
    const progress = this.#measuring ? this.#phase?.soFar() : undefined
    this.#report.tick(this.#history.completed, progress)
    if (!progress || this.#state !== 'measured') return
    const thresholds = this.#thresholds?.judge({ ...progress, samples: [] })
    if (thresholds) this.#end({ outcome: 'failed-threshold', thresholds })
  }

  #sendProgress(): void {
    if (!this.#phase) return
    const { progress, rows } = this.#phase.interval(this.#host.open)
    if (this.#measuring) this.#report.progress(progress, rows)
    // What a warm-up counts shows in the interval alone.
    else {
      const { interval, histograms } = progress
      this.#report.progress({ ...this.#nothing(), interval, ...(histograms ? { histograms } : {}) }, [])
    }
  }

  #nothing(): RowlessProgress {
    return new Measurement(this.#plan, readWallClock()).soFar(0)
  }
}

/** Whether an error stands in the figures already. */
function isCounted(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof RequestError) return true
  return false
}

/** Why a load has no result: not one answer. */
function describeNothing(name: string, { recorder, begun }: Measurement, after: number): string {
  const [first] = Object.values(recorder.outcomes.errors().byKind)
  const why = first ? ` (${recorder.outcomes.errorTotal} errors, the first: ${first.message})` : ''
  const sent = begun - recorder.dropped
  const what = sent === 0 ? 'sent no request' : `got no answer to any of ${sent} requests`
  return `${name} ${what} in ${Math.round(after)} ms${why}`
}
