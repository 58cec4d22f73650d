import type { Cancel } from '../../lifecycle/clock.ts'
import type { LoadErrorKind, LoadSample } from '../../results/load-result.ts'
import { CheckEvaluator } from '../measure/evaluate-check.ts'
import type { InFlightHistory } from '../measure/in-flight-history.ts'
import { Measurement } from '../measure/measurement.ts'
import type { RowlessProgress } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { AnsweredRequest } from '../scenario/user-client.ts'
import type { ScenarioUser } from '../scenario/scenario-user.ts'
import type { UserBook } from '../scenario/user-host.ts'
import type { Arrivals } from './arrivals.ts'
import type { LoadMachine } from './load-machine.ts'
import type { LoadPhase } from './load-work.ts'

const EVALUATOR = new CheckEvaluator()

export interface UserPhaseParts {
  readonly plan: LoadPlan
  readonly machine: LoadMachine
  readonly history: InFlightHistory
  /** Open model: when iterations are due. */
  readonly arrivals: Arrivals | undefined
  /** Iterations after which no more is begun. */
  readonly amount: number | undefined
  /** Users that are free at its beginning. */
  readonly users: readonly ScenarioUser[]
  /** Connections that are open. */
  connections(): number
  /** Runs an iteration, which was due at `due`. */
  run(user: ScenarioUser, due?: number): void
  /** One more iteration has come to its end. */
  onEnded(): void
}

/** A part of a load in which virtual users iterate, warm-up or measured: when iterations begin, and what became of each request. */
export class UserPhase implements LoadPhase, UserBook {
  /** When it began, by the clock. */
  readonly start: number
  readonly measurement: Measurement
  readonly #parts: UserPhaseParts
  /** Can begin an iteration. The one that was busy last is the next, as its connections are the freshest. */
  readonly #free: ScenarioUser[] = []
  /** Where a check failed is looked up once. */
  readonly #failedChecks = new Set<string>()
  #begun = 0
  #ended = 0
  #cancelTimer: Cancel | undefined
  /** From when on no iteration is begun, by the clock. Rates are of the time until then. */
  #sendingEnded: number | undefined
  #closed = false

  constructor(parts: UserPhaseParts) {
    const { plan, machine } = parts
    const { clock } = machine
    this.#parts = parts
    this.start = clock.now()
    this.measurement = new Measurement(plan, clock.origin + this.start, machine.measureCost())
  }

  get #now(): number {
    return this.#parts.machine.clock.now()
  }

  /** The one place that says when no more iteration is begun. Of arrivals there are only so many as the amount. */
  get #mayBegin(): boolean {
    const { arrivals, amount = Infinity } = this.#parts
    return this.#sendingEnded === undefined && (arrivals !== undefined || this.#begun < amount)
  }

  get drains(): boolean {
    return this.#parts.arrivals !== undefined
  }

  // When iterations begin ------------------------------------------------------------------------------------------------

  beginSending(): void {
    for (const user of this.#parts.users) this.offer(user)
    this.#pace(this.#now)
  }

  /** A user can begin an iteration. */
  offer(user: ScenarioUser): void {
    const { arrivals } = this.#parts
    if (!arrivals && this.#mayBegin) return this.#run(user, undefined)
    this.#free.push(user)
    const now = this.#now
    if (arrivals && arrivals.due <= now - this.start) this.#pace(now)
  }

  #run(user: ScenarioUser, due: number | undefined): void {
    this.#begun += 1
    this.#parts.run(user, due)
  }

  /** Begins every iteration that is due and for which there is a user, and sets the timer for the next. */
  #pace(now: number): void {
    const { arrivals, plan, machine } = this.#parts
    if (!arrivals || !this.#mayBegin) return
    const elapsed = now - this.start
    const known = arrivals.notice(elapsed)
    while (arrivals.due <= elapsed) {
      // An arrival that is looked at for the first time has waited for this process, not for a user.
      if (arrivals.isAmong(known) && elapsed - arrivals.due > plan.timeout) {
        this.#drop()
        continue
      }
      const user = this.#takeFree()
      if (!user) break
      const { due } = arrivals
      arrivals.advance()
      this.#run(user, this.start + due)
    }
    this.#cancelTimer?.()
    if (arrivals.dueAhead === Infinity) return
    this.#cancelTimer = machine.clock.after(arrivals.dueAhead - elapsed, () => this.#pace(this.#now))
  }

  #takeFree(): ScenarioUser | undefined {
    for (let user = this.#free.pop(); user; user = this.#free.pop()) if (!user.retired) return user
    return undefined
  }

  #drop(): void {
    const { arrivals } = this.#parts
    if (!arrivals) return
    this.measurement.drop(arrivals.due)
    arrivals.advance()
    this.#ended += 1
    this.#begun += 1
    this.#parts.onEnded()
  }

  /** Users that wait for their next iteration; they are the next phase's. */
  takeAllFree(): ScenarioUser[] {
    return this.#free.splice(0)
  }

  endSending(): void {
    if (this.#sendingEnded !== undefined) return
    this.#sendingEnded = this.#now
    this.measurement.stopCost()
    this.#cancelTimer?.()
    const { arrivals } = this.#parts
    if (!arrivals) return
    while (arrivals.due <= this.#sendingEnded - this.start) {
      this.measurement.drop(arrivals.due)
      arrivals.advance()
    }
  }

  close(): void {
    this.endSending()
    this.#closed = true
  }

  /** Whether nothing is left to wait for. */
  get isDone(): boolean {
    return this.#ended >= (this.#sendingEnded === undefined ? (this.#parts.amount ?? Infinity) : this.#begun)
  }

  // What became of it ----------------------------------------------------------------------------------------------------

  /** An iteration of this phase has ended. */
  iterationEnded(startedAt: number, failed: boolean): void {
    if (this.#closed || startedAt < this.start) return
    this.#ended += 1
    this.measurement.iterations?.add(this.#now - startedAt, failed)
    this.#parts.onEnded()
  }

  /** What a scenario has thrown. */
  scenarioFailed(message: string): void {
    if (!this.#closed) this.measurement.recorder.failure('scenario', message, this.#now - this.start)
  }

  begin(): void {
    this.#parts.history.noteSent()
    this.measurement.begin()
  }

  answered(name: string, { status, since, now, expectStatus, check, answer }: AnsweredRequest): void {
    this.#parts.history.noteCompleted()
    if (this.#closed) return
    const { measurement, start } = this
    if (status >= 300 && status < 400 && !this.#parts.plan.scenario) {
      measurement.noteRedirect(status, answer.headers['location'])
    }
    const checkFailure = check && EVALUATOR.failure(check, answer)
    if (check) measurement.checks.count(name, checkFailure)
    const counts = measurement.names.of(name)
    measurement.answerTo({ status, since: since - start, now: now - start, name: counts, expectStatus, checkFailure })
  }

  opened(name: string, status: number, since: number, now: number): void {
    this.#parts.history.noteCompleted()
    if (this.#closed) return
    const { measurement, start } = this
    measurement.answerTo({
      status,
      since: since - start,
      now: now - start,
      name: measurement.names.of(name),
      // 101 Switching Protocols is what a WebSocket asks for.
      expectStatus: undefined,
      checkFailure: undefined,
    })
  }

  message(name: string): void {
    if (!this.#closed) this.measurement.names.of(name).message()
  }

  latency(name: string, milliseconds: number): void {
    if (!this.#closed) this.measurement.names.of(name).answer(200, milliseconds)
  }

  failed(name: string, kind: LoadErrorKind, message: string, since: number, now: number): void {
    this.#parts.history.noteCompleted()
    if (this.#closed) return
    const { measurement, start } = this
    measurement.failureOf(measurement.names.of(name), kind, message, since - start, now - start)
  }

  check(name: string, passed: boolean, at: () => string | undefined): void {
    if (this.#closed) return
    const { checks, recorder } = this.measurement
    if (passed) return checks.count(name, undefined)
    const location = this.#failedChecks.has(name) ? undefined : at()
    this.#failedChecks.add(name)
    checks.count(name, location === undefined ? 'it was false' : `it was false (${location})`)
    recorder.failure('check', name, this.#now - this.start, true)
  }

  // What is known --------------------------------------------------------------------------------------------------------

  get #elapsed(): number {
    return (this.#sendingEnded ?? this.#now) - this.start
  }

  look(now: number): void {
    this.measurement.look(now - this.start)
    this.#pace(now)
  }

  soFar(): RowlessProgress {
    return this.measurement.soFar(this.#elapsed, this.#parts.arrivals?.lateness)
  }

  interval(last = false): { progress: RowlessProgress; rows: LoadSample[] } {
    const elapsed = this.#elapsed
    const { arrivals } = this.#parts
    const open = arrivals && { rate: arrivals.rateAt(elapsed), backlog: arrivals.backlog(elapsed) }
    const state = { connections: this.#parts.connections(), ...open }
    const end = last ? this.#now - this.start : undefined
    return this.measurement.interval(elapsed, state, arrivals?.lateness, end)
  }
}
