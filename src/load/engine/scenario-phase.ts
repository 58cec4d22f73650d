import { performance } from 'node:perf_hooks'
import { clearTimeout, readClock, setTimeout } from '../../lifecycle/real-timers.ts'
import type { LoadErrorKind, LoadSample } from '../../results/load-result.ts'
import { CheckEvaluator } from '../measure/evaluate-check.ts'
import type { InFlightHistory } from '../measure/in-flight-history.ts'
import { Measurement } from '../measure/measurement.ts'
import type { RowlessProgress } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { AnsweredRequest } from '../scenario/user-client.ts'
import type { UserBook, ScenarioUser } from '../scenario/virtual-user.ts'
import type { Arrivals } from './arrivals.ts'

const EVALUATOR = new CheckEvaluator()

export interface ScenarioPhaseParts {
  readonly plan: LoadPlan
  readonly history: InFlightHistory
  /** Open model: when iterations are due. */
  readonly arrivals: Arrivals | undefined
  /** Iterations after which no more is begun. */
  readonly amount: number | undefined
  run(user: ScenarioUser, due?: number): void
  onIterationEnded(): void
}

/** A part of a load in which virtual users iterate, warm-up or measured: when iterations begin, and what became of each request. */
export class ScenarioPhase implements UserBook {
  /** On the monotonic clock: when it began. */
  readonly start = readClock()
  readonly measurement: Measurement
  readonly #parts: ScenarioPhaseParts
  /** Can begin an iteration. The one that was busy last is the next, as its connections are the freshest. */
  readonly #free: ScenarioUser[] = []
  /** Where a check failed is looked up once. */
  readonly #failedChecks = new Set<string>()
  #begun = 0
  #ended = 0
  #timer: NodeJS.Timeout | undefined
  /** When it began its last iteration; nothing of later counts. */
  #beginningEnded: number | undefined
  #closed = false

  constructor(parts: ScenarioPhaseParts) {
    this.#parts = parts
    this.measurement = new Measurement(parts.plan, performance.timeOrigin + this.start)
  }

  // When iterations begin ------------------------------------------------------------------------------------------------

  /** A user can begin an iteration. */
  offer(user: ScenarioUser): void {
    const { arrivals, amount = Infinity } = this.#parts
    if (this.#beginningEnded !== undefined || arrivals || this.#begun >= amount) {
      this.#free.push(user)
      if (arrivals && arrivals.due <= readClock() - this.start) this.pace(readClock())
      return
    }
    this.#begin(user, undefined)
  }

  #begin(user: ScenarioUser, due: number | undefined): void {
    this.#begun += 1
    this.#parts.run(user, due)
  }

  /** Begins every iteration that is due and for which there is a user, and sets the timer for the next. */
  pace(now: number): void {
    const { arrivals, plan } = this.#parts
    if (!arrivals || this.#beginningEnded !== undefined) return
    const elapsed = now - this.start
    const known = arrivals.notice(elapsed)
    while (arrivals.due <= elapsed) {
      // What nobody has looked at before has waited for us, not for a user.
      if (arrivals.isAmong(known) && elapsed - arrivals.due > plan.timeout) {
        this.#drop()
        continue
      }
      const user = this.#takeFree()
      if (!user) break
      const { due } = arrivals
      arrivals.advance()
      this.#begin(user, this.start + due)
    }
    clearTimeout(this.#timer)
    if (arrivals.dueAhead === Infinity) return
    this.#timer = setTimeout(() => this.pace(readClock()), arrivals.dueAhead - elapsed)
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
    this.#parts.onIterationEnded()
  }

  /** Users that wait for their next iteration; they are the next phase's. */
  takeAllFree(): ScenarioUser[] {
    return this.#free.splice(0)
  }

  /** Begins no more. What was due and found no user is dropped. Returns whether iterations are still waited for (open model). */
  endBeginning(): boolean {
    this.#beginningEnded ??= readClock()
    this.measurement.stopCost()
    clearTimeout(this.#timer)
    const { arrivals } = this.#parts
    if (!arrivals) return false
    while (arrivals.due <= this.#beginningEnded - this.start) {
      this.measurement.drop(arrivals.due)
      arrivals.advance()
    }
    return true
  }

  /** Counts nothing any more. Idempotent. */
  close(): void {
    this.endBeginning()
    this.#closed = true
  }

  /** Whether nothing is left to wait for. */
  get isDone(): boolean {
    return this.#ended >= (this.#beginningEnded === undefined ? (this.#parts.amount ?? Infinity) : this.#begun)
  }

  // What became of it ----------------------------------------------------------------------------------------------------

  /** An iteration of this phase has ended. */
  iterationEnded(startedAt: number, failed: boolean): void {
    if (this.#closed || startedAt < this.start) return
    this.#ended += 1
    this.measurement.iterations?.add(readClock() - startedAt, failed)
    this.#parts.onIterationEnded()
  }

  /** What a scenario has thrown. */
  scenarioFailed(message: string): void {
    if (!this.#closed) this.measurement.recorder.failure('scenario', message, readClock() - this.start)
  }

  begin(): void {
    this.#parts.history.sent += 1
    this.measurement.begun += 1
  }

  answered(name: string, { status, since, now, expectStatus, check, answer }: AnsweredRequest): void {
    this.#parts.history.completed += 1
    if (this.#closed) return
    const { measurement, start } = this
    const checkFailure = check && EVALUATOR.failure(check, answer)
    if (check) measurement.checks.count(name, checkFailure)
    const counts = measurement.names.of(name)
    measurement.answerTo({ status, since: since - start, now: now - start, name: counts, expectStatus, checkFailure })
  }

  opened(name: string, status: number, since: number, now: number): void {
    this.#parts.history.completed += 1
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
    this.#parts.history.completed += 1
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
    recorder.failure('check', name, readClock() - this.start, true)
  }

  // What is known --------------------------------------------------------------------------------------------------------

  get #elapsed(): number {
    return (this.#beginningEnded ?? readClock()) - this.start
  }

  /** To be called every `LOOK` milliseconds. */
  look(now: number): void {
    this.measurement.look(now - this.start)
    this.pace(now)
  }

  soFar(): RowlessProgress {
    return this.measurement.soFar(this.#elapsed, this.#parts.arrivals?.lateness)
  }

  /** Ends an interval; the `last` one with the last answer, which may be later than the last request. */
  interval(connections: number, last = false): { progress: RowlessProgress; rows: LoadSample[] } {
    const elapsed = this.#elapsed
    const { arrivals } = this.#parts
    const open = arrivals && { rate: arrivals.rateAt(elapsed), backlog: arrivals.backlog(elapsed) }
    const end = last ? readClock() - this.start : undefined
    return this.measurement.interval(elapsed, { connections, ...open }, arrivals?.lateness, end)
  }
}
