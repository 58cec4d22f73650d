import type { LoadErrorKind, LoadSample } from '../metrics/load-result.ts'
import { Arrivals } from './arrivals.ts'
import type { Connection } from './client.ts'
import { ClosedModel } from './closed-model.ts'
import { ConnectionPool } from './connection-pool.ts'
import { FirstConnection } from './first-connection.ts'
import { InFlightHistory } from './in-flight-history.ts'
import type { LoadModel } from './load-model.ts'
import type { LoadPlan } from './load-plan.ts'
import { Measurement } from './measurement.ts'
import type { LoadEnd, RowlessProgress } from './messages.ts'
import { Pacer } from './pacer.ts'
import { ProgressTimer } from './progress-timer.ts'
import { valueAt } from './schedule.ts'
import { targetOf } from './target.ts'
import { failedForGood } from './threshold-watch.ts'

/** Milliseconds between two looks at time-outs, ramps and the history of requests under way. */
const SWEEP = 10
/** Open model: how long the first arrival waits for all connections to be open (else those that come first pay for the opening). */
const LONGEST_OPENING = 1_000
/** Open model: how long requests under way at the end are waited for (the slowest would be missing otherwise). */
const LONGEST_DRAIN = 1_000

export interface LoadRunReport {
  progress(progress: RowlessProgress, rows: LoadSample[]): void
  end(end: LoadEnd, progress: RowlessProgress, rows: LoadSample[]): void
}

/** One load under way: the phases from opening to end, and what became of each request. */
export class LoadRun {
  readonly #plan: LoadPlan
  readonly #report: LoadRunReport
  readonly #pool: ConnectionPool
  readonly #history = new InFlightHistory()
  #phase: 'opening' | 'warmup' | 'measured' | 'drain' | 'ended' = 'opening'
  /** `performance.now()` at which the phase's sending began. */
  #start = performance.now()
  #measurement: Measurement
  /** Sends; there is none before all is open. */
  #model: LoadModel | undefined
  readonly #firstConnection: FirstConnection
  #sweepTimer: NodeJS.Timeout | undefined
  #phaseTimer: NodeJS.Timeout | undefined
  #progressTimer: ProgressTimer | undefined

  constructor(plan: LoadPlan, report: LoadRunReport) {
    this.#plan = plan
    this.#report = report
    this.#firstConnection = new FirstConnection(plan.url)
    this.#measurement = new Measurement(plan, performance.timeOrigin + this.#start)
    this.#pool = new ConnectionPool(targetOf(plan), {
      onReady: (connection) => this.#onReady(connection),
      onAnswer: (_connection, status, since, request) => this.#onAnswer(status, since, request),
      onFailure: (kind, message, since) => this.#onFailure(kind, message, since),
      onWithdrawn: (count, since) => this.#onWithdrawn(count, since),
      onConnectFailure: (kind, message) => this.#onConnectFailure(kind, message),
      onBytes: (count) => {
        if (this.#measuring) this.#measurement.recorder.addBytes(count)
      },
    })
  }

  /** Requests completed since its start, warm-up included. */
  get completed(): number {
    return this.#history.completed
  }

  start(): void {
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP)
    const { warmup, rate } = this.#plan
    if (!rate) return this.#begin()
    this.#pool.resize(warmup?.connections ?? this.#connectionsWanted(0))
    this.#phaseTimer = setTimeout(() => this.#begin(), LONGEST_OPENING)
  }

  /** Begins to send, once. */
  #begin(): void {
    if (this.#phase !== 'opening') return
    clearTimeout(this.#phaseTimer)
    const { warmup, rate } = this.#plan
    if (!warmup) return this.#beginMeasured()
    this.#phase = 'warmup'
    const first = rate?.[0]
    const steady = first ? first.from || first.to : 0
    this.#start = performance.now()
    const constant = [{ duration: warmup.duration, from: steady, to: steady }]
    this.#model = this.#modelOf(rate && new Arrivals(constant, undefined), () => true)
    this.#pool.resize(warmup.connections)
    this.#phaseTimer = setTimeout(() => this.#beginMeasured(), warmup.duration)
    this.#offerReady()
  }

  #beginMeasured(): void {
    const { rate, amount, duration, progressInterval } = this.#plan
    this.#phase = 'measured'
    this.#start = performance.now()
    this.#measurement = new Measurement(this.#plan, performance.timeOrigin + this.#start)
    this.#model?.stop()
    this.#model = this.#modelOf(
      rate && new Arrivals(rate, amount),
      () => amount === undefined || this.#measurement.begun < amount,
    )
    this.#pool.resize(this.#connectionsWanted(0))
    if (duration !== undefined) this.#phaseTimer = setTimeout(() => this.#endSending(), duration)
    this.#progressTimer = new ProgressTimer(this.#start, progressInterval, duration ?? Infinity, (elapsed) =>
      this.#sendProgress(elapsed),
    )
    this.#offerReady()
  }

  #modelOf(arrivals: Arrivals | undefined, mayBegin: () => boolean): LoadModel {
    const onSend = () => this.#noteSent()
    if (!arrivals) return new ClosedModel(this.#start, mayBegin, onSend)
    return new Pacer(arrivals, this.#start, this.#pool, this.#plan.timeout, {
      onSend,
      onDrop: (due) => {
        this.#measurement.drop(due)
        // What is dropped when sending ends is dropped as a whole.
        if (this.#phase === 'measured') this.#endIfDone()
      },
    })
  }

  #connectionsWanted(elapsed: number): number {
    return Math.max(1, Math.round(valueAt(this.#plan.connections, elapsed)))
  }

  // When requests are sent -------------------------------------------------------------------------------------------

  get #sending(): boolean {
    return this.#phase === 'warmup' || this.#phase === 'measured'
  }

  /** Measured from here on, or until a moment ago. */
  get #measuring(): boolean {
    return this.#phase === 'measured' || this.#phase === 'drain'
  }

  #offerReady(): void {
    for (const connection of this.#pool.ready()) this.#onReady(connection)
    this.#model?.pace(performance.now())
  }

  #onReady(connection: Connection): void {
    this.#firstConnection.noteOpened()
    if (this.#phase === 'opening') {
      if (this.#pool.allOpen) this.#begin()
      return
    }
    this.#model?.offer(connection, performance.now())
  }

  #noteSent(): void {
    this.#history.sent += 1
    this.#measurement.begun += 1
  }

  // What became of them ----------------------------------------------------------------------------------------------

  /** Whether a request belongs to the measured part. */
  #counts(since: number): boolean {
    return this.#measuring && since >= this.#start
  }

  #onAnswer(status: number, since: number, request: number): void {
    this.#history.completed += 1
    if (!this.#counts(since)) return
    this.#measurement.answer(request, status, since - this.#start, performance.now() - this.#start)
    this.#endIfDone()
  }

  #onFailure(kind: LoadErrorKind, message: string, since: number): void {
    this.#history.completed += 1
    if (!this.#counts(since)) return
    this.#measurement.failure(kind, message, since - this.#start, performance.now() - this.#start)
    this.#endIfDone()
  }

  #onWithdrawn(count: number, since: number): void {
    this.#history.sent -= count
    if (this.#counts(since)) this.#measurement.begun -= count
  }

  #onConnectFailure(kind: LoadErrorKind, message: string): void {
    this.#firstConnection.noteFailure(message)
    this.#begin()
    if (this.#sending) {
      this.#model?.failUnserved(performance.now(), (since) => {
        this.#noteSent()
        this.#onFailure(kind, message, since)
      })
    }
    this.#giveUpIfDead(false)
  }

  #giveUpIfDead(hanging: boolean): void {
    const message = this.#firstConnection.verdict(performance.now(), hanging)
    if (message !== undefined) this.#end({ outcome: 'failed', message })
  }

  #endIfDone(): void {
    const { begun, ended } = this.#measurement
    const { amount } = this.#plan
    const done =
      this.#phase === 'measured' ? amount !== undefined && ended >= amount : this.#phase === 'drain' && ended >= begun
    if (done) this.#finish()
  }

  // Time -------------------------------------------------------------------------------------------------------------

  #sweep(): void {
    const now = performance.now()
    this.#history.note(performance.timeOrigin + now)
    this.#pool.sweep(now)
    this.#giveUpIfDead(true)
    if (this.#phase === 'measured' && this.#plan.stages) this.#pool.resize(this.#connectionsWanted(now - this.#start))
    this.#model?.pace(now)
  }

  #sendProgress(elapsed: number): void {
    const { progress, rows } = this.#interval(elapsed, false)
    this.#report.progress(progress, rows)
    if (!this.#plan.abortOnFail) return
    const thresholds = failedForGood({ ...progress, samples: this.#measurement.recorder.rows }, this.#plan.thresholds)
    if (thresholds) this.#end({ outcome: 'failed-threshold', thresholds })
  }

  #interval(elapsed: number, last: boolean) {
    const arrivals = this.#model?.arrivals
    const open = arrivals && { rate: arrivals.rateAt(elapsed), backlog: arrivals.backlog(elapsed) }
    return this.#measurement.interval(elapsed, { connections: this.#pool.size, ...open }, arrivals?.lateness, last)
  }

  // The end ----------------------------------------------------------------------------------------------------------

  /** The planned time is over: the open model waits a moment for what is under way. */
  #endSending(): void {
    if (this.#phase !== 'measured') return
    const early = this.#start + (this.#plan.duration ?? 0) - performance.now()
    if (early > 0) {
      // Timers can be up to a millisecond early.
      this.#phaseTimer = setTimeout(() => this.#endSending(), early)
      return
    }
    if (!this.#model?.arrivals) return this.#finish()
    const measurement = this.#measurement
    this.#phase = 'drain'
    this.#sendingEnded = performance.now()
    measurement.stopCost()
    this.#phaseTimer = setTimeout(() => this.#finish(), Math.min(this.#plan.timeout + 2 * SWEEP, LONGEST_DRAIN))
    this.#model.dropRest()
    this.#endIfDone()
  }

  /** `performance.now()` at which sending ended, where that was before the end: rates are of the time until then. */
  #sendingEnded: number | undefined

  #finish(): void {
    const { recorder, begun } = this.#measurement
    if (recorder.requests > 0) return this.#end({ outcome: 'completed' })
    const first = Object.values(recorder.errors().byKind)[0]
    const after = Math.round(performance.now() - this.#start)
    const why = first ? ` (${recorder.errorTotal} errors, the first: ${first.message})` : ': they were still under way'
    this.#end({
      outcome: 'failed',
      message: `${this.#plan.url} answered none of ${begun} requests in ${after} ms${why}`,
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
    if (this.#phase === 'ended') return
    const measured = this.#measuring
    if (!measured) this.#measurement = new Measurement(this.#plan, Date.now())
    const elapsed = !measured ? 0 : (this.#sendingEnded ?? performance.now()) - this.#start
    this.#phase = 'ended'
    clearInterval(this.#sweepTimer)
    clearTimeout(this.#phaseTimer)
    this.#progressTimer?.stop()
    this.#model?.stop()
    this.#pool.close()
    this.#measurement.stopCost()
    const { progress, rows } = this.#interval(elapsed, true)
    const completed = end.outcome === 'completed'
    const ended = {
      ...progress,
      latencyHistogram: this.#measurement.recorder.latency.encode(),
      aborted: !completed,
      ...(completed ? { progress: 1 } : {}),
    }
    this.#report.end(end, ended, rows)
  }

  /** The server stood still from `startedAt` (Unix ms) on. */
  noteCollection(startedAt: number, duration: number): void {
    if (!this.#measuring) return
    this.#history.note(performance.timeOrigin + performance.now())
    this.#measurement.collection(startedAt, duration, this.#history)
  }
}
