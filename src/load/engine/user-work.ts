import { every, type Cancel } from '../../lifecycle/clock.ts'
import type { Failure } from '../http/failure.ts'
import { LOOK, type Measurement } from '../measure/measurement.ts'
import { factOf } from '../measure/saturation.ts'
import type { RowlessProgress } from '../messages.ts'
import { valueAt } from '../plan/schedule.ts'
import type { PlannedScenario } from '../plan/scenario-plan.ts'
import { shareOf, WHOLE } from '../plan/share.ts'
import { LimitedOutput } from '../scenario/captured-console.ts'
import { LoopProfiler } from '../scenario/loop-profiler.ts'
import { RequestError } from '../scenario/request-error.ts'
import { ScenarioHost } from '../scenario/scenario-host.ts'
import { loadScenario, type ScenarioModule } from '../scenario/scenario-module.ts'
import { describeError, shownPath, sourcePath } from '../scenario/source-location.ts'
import { UserPool, type EndedIteration } from '../scenario/user-pool.ts'
import type { ScenarioUser } from '../scenario/scenario-user.ts'
import type { LoadCourse, LoadPhase, LoadWork, PhasePlan } from './load-work.ts'
import { describeNoAnswer } from './nothing-answered.ts'
import { requestsModule, usersOf } from './requests-as-users.ts'
import { enterScenario, leaveScenario, type ScenarioListener } from './running-scenarios.ts'
import { UserPhase } from './user-phase.ts'

/** Milliseconds in which a module must have been loaded, with what it awaits at its top level. */
const LONGEST_LOADING = 30_000
/** Milliseconds in which what a scenario has begun must return when its load has ended. */
const SETTLE = 80
/** The same for `stop` of all users together. */
const LONGEST_STOP = 5_000
/** Of the time that was recorded: below that, what the scenario does is not what keeps the process busy. */
const SHARE_WORTH_NAMING = 0.2

/** What a load of virtual users does. Over HTTP/2 the requests of a list are sent by users as well. */
export function createUserWork(course: LoadCourse): LoadWork {
  const { plan } = course
  const { scenario } = plan
  if (!scenario) return new UserWork(course, usersOf(plan), () => Promise.resolve(requestsModule(plan)))
  return new UserWork(course, scenario, () => loadScenario(scenario), new LoopProfiler())
}

/** Runs virtual users: from the loading of their module and their `start` to their `stop`. */
export class UserWork implements LoadWork, ScenarioListener {
  readonly #course: LoadCourse
  readonly #scenario: PlannedScenario
  readonly #load: () => Promise<ScenarioModule>
  readonly #host: ScenarioHost
  readonly #output: LimitedOutput
  /** Absent where nothing of the user's runs. */
  readonly #profiler: LoopProfiler | undefined
  /** Absent until the module is loaded. */
  #pool: UserPool | undefined
  /** Absent until all users have started. */
  #phase: UserPhase | undefined
  /** In which phase the iteration of a user was begun. */
  readonly #phaseOf = new WeakMap<ScenarioUser, UserPhase>()
  /** Users that have started before there is a phase. */
  readonly #ready: ScenarioUser[] = []
  #cancelLoading: Cancel | undefined
  #isDescribed = false
  #isClosed = false

  constructor(
    course: LoadCourse,
    scenario: PlannedScenario,
    load: () => Promise<ScenarioModule>,
    profiler?: LoopProfiler,
  ) {
    this.#course = course
    this.#scenario = scenario
    this.#load = load
    this.#profiler = profiler
    this.#output = new LimitedOutput((level, text) => course.print(level, text))
    this.#host = new ScenarioHost(course.plan, scenario, course.machine, {
      book: () => this.#phase,
      onBytes: (count) => this.#phase?.measurement.recorder.addBytes(count),
      onOpened: () => course.onOpened(),
      onConnectFailure: (failure: Failure) => course.onConnectFailure(failure),
    })
  }

  get open(): number {
    return this.#host.open
  }

  get isConnected(): boolean {
    return this.#host.open > 0
  }

  prepare(): void {
    if (this.#profiler) enterScenario(this)
    const { name, root } = this.#scenario
    const { clock } = this.#course.machine
    this.#cancelLoading = clock.after(LONGEST_LOADING, () => {
      this.#course.fail(
        `${name} was not loaded within ${LONGEST_LOADING / 1_000} s. What it awaits at its top level has to end`,
      )
    })
    this.#load().then(
      (module) => this.#begin(module),
      (error: unknown) => this.#course.fail(`${name} could not be loaded: ${describeError(error, root)}`),
    )
  }

  #begin(module: ScenarioModule): void {
    if (this.#isClosed) return
    this.#cancelLoading?.()
    this.#profiler?.begin()
    this.#pool = new UserPool(module, this.#host, this.#scenario.share, {
      onFree: (user) => this.#onFree(user),
      onIteration: (user, ended) => this.#onIteration(user, ended),
      onHookFailed: (hook, user, error) => this.#onHookFailed(hook, user, error),
    })
    this.resize(0)
    this.#readyIfStarted()
  }

  #onFree(user: ScenarioUser): void {
    if (this.#phase) return this.#phase.offer(user)
    this.#ready.push(user)
    this.#readyIfStarted()
  }

  #readyIfStarted(): void {
    if (this.#pool?.allStarted) this.#course.onReady()
  }

  createPhase({ arrivals, amount }: PhasePlan): LoadPhase {
    const { plan, machine, history } = this.#course
    const phase = new UserPhase({
      plan,
      machine,
      history,
      arrivals,
      amount,
      users: [...this.#ready.splice(0), ...(this.#phase?.takeAllFree() ?? [])],
      connections: () => this.#host.open,
      run: (user, due) => {
        this.#phaseOf.set(user, phase)
        this.#pool?.run(user, due)
      },
      onEnded: () => this.#course.onEnded(),
    })
    this.#phase = phase
    return phase
  }

  resize(elapsed: number): void {
    const { share = WHOLE, rate } = this.#course.plan
    const users = Math.max(1, Math.round(valueAt(this.#scenario.virtualUsers, elapsed)))
    this.#pool?.resize(Math.max(rate ? 1 : 0, shareOf(users, share)))
  }

  // What users do --------------------------------------------------------------------------------------------------------

  #onIteration(user: ScenarioUser, { name, startedAt, sent, hasLeftRequests, failure }: EndedIteration): void {
    const phase = this.#phaseOf.get(user)
    if (!phase) return
    if (failure && !isCounted(failure.error)) phase.scenarioFailed(this.#describe(name, failure.error))
    else if (!failure && sent === 0) phase.scenarioFailed(`${name} ended without a request`)
    else if (!failure && hasLeftRequests) {
      phase.scenarioFailed(
        `${name} ended before any of its requests was answered: await them, as in \`await user.get(…)\``,
      )
    }
    phase.iterationEnded(startedAt, failure !== undefined || sent === 0 || hasLeftRequests)
  }

  /** Where an error was thrown is looked up once: only the first message of a kind is shown. */
  #describe(name: string, error: unknown): string {
    if (this.#isDescribed) return name
    this.#isDescribed = true
    return `${name}: ${describeError(error, this.#scenario.root)}`
  }

  #onHookFailed(hook: 'start' | 'stop', user: ScenarioUser, error: unknown): void {
    const message = `\`${hook}\` of virtual user ${user.id} failed: ${describeError(error, this.#scenario.root)}`
    if (hook === 'start') this.#course.fail(`${this.#scenario.name}: ${message}`)
    else this.print('error', message)
  }

  print(level: 'log' | 'error', text: string): void {
    this.#output.line(level, text)
  }

  onUncaught(error: unknown): void {
    if (isCounted(error) || (error as { name?: unknown } | undefined)?.name === 'AbortError') return
    this.#phase?.scenarioFailed(`outside of what is awaited: ${describeError(error, this.#scenario.root)}`)
  }

  // Time and end ---------------------------------------------------------------------------------------------------------

  look(now: number): void {
    if (this.#pool) this.#profiler?.look(now, LOOK)
  }

  sweep(now: number): void {
    this.#host.sweep(now)
  }

  describeNothing(measurement: Measurement, after: number): string {
    return describeNoAnswer(this.#scenario.name, measurement, after)
  }

  /** Where the load process was the limit, names what of the scenario made it so. */
  explainCost(cost: RowlessProgress['generator']): RowlessProgress['generator'] {
    const hot = this.#profiler?.end((source) => !source.includes('node_modules'))
    if (cost.reason === undefined || !hot || hot.shareOfAll < SHARE_WORTH_NAMING) return cost
    const where = `${shownPath(sourcePath(hot.file), this.#scenario.root)}:${hot.line}`
    const share = `${(hot.share * 100).toFixed(0)} % of its busy time`
    const what = `the scenario kept the load process busy: ${share} was spent in ${hot.functionName || 'a function'} (${where})`
    return { ...cost, reason: `${what}; ${factOf(cost.reason)}` }
  }

  async close(isOrderly: boolean): Promise<boolean> {
    this.#isClosed = true
    this.#cancelLoading?.()
    const left = await this.#endUsers(isOrderly)
    leaveScenario(this)
    this.#output.end()
    return left
  }

  /** Ends all that the scenario does; returns whether something of it still runs. */
  async #endUsers(runStop: boolean): Promise<boolean> {
    const pool = this.#pool
    pool?.end()
    this.#host.close()
    if (!pool) return false
    if (!(await pool.settles(SETTLE))) return true
    if (!runStop) return false
    const { plan, machine } = this.#course
    const endSweeping = every(machine.clock, LOOK, () => this.#host.sweep(machine.clock.now()))
    await pool.stopAll(Math.min(LONGEST_STOP, plan.timeout))
    endSweeping()
    return !(await pool.settles(SETTLE))
  }
}

/** Causes of causes that are looked at: they may lead in a circle. */
const MOST_CAUSES = 20

/** Whether the figures count an error already. */
function isCounted(error: unknown): boolean {
  try {
    let at = error
    for (let depth = 0; depth < MOST_CAUSES && at instanceof Error; depth += 1, at = at.cause) {
      if (at instanceof RequestError) return true
    }
  } catch {
    // A scenario may throw anything, also what throws when it is read.
  }
  return false
}
