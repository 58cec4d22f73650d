import type { LoadErrorKind, LoadSample } from '../metrics/load-result.ts'
import { Arrivals } from './arrivals.ts'
import { encodeRequest, type Connection, type Target } from './client.ts'
import { ConnectionPool } from './connection-pool.ts'
import { InFlightHistory } from './in-flight-history.ts'
import type { LoadPlan } from './load-plan.ts'
import { Measurement } from './measurement.ts'
import type { LoadEnd, RowlessProgress } from './messages.ts'
import { valueAt } from './schedule.ts'
import { failedForGood } from './threshold-watch.ts'

/** Milliseconds between two looks at time-outs, ramps and the history of requests under way. */
const SWEEP = 10
/** A target to which no connection could be opened for so long is given up. */
const GIVE_UP_AFTER = 400
/** The same where the attempts do not fail but hang, after one that failed. */
const GIVE_UP_HANGING_AFTER = 900
/** Open model: how long requests under way at the end are waited for (the slowest would be missing otherwise). */
const LONGEST_DRAIN = 1_000

export interface LoadRunReport {
  progress(progress: RowlessProgress, rows: LoadSample[]): void
  end(end: LoadEnd, progress: RowlessProgress, rows: LoadSample[]): void
}

function targetOf({ url: text, tls, requests, rate, pipelining, timeout }: LoadPlan): Target {
  const url = new URL(text)
  const secure = url.protocol === 'https:'
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    tls,
    requests: requests.map((request) => ({ bytes: encodeRequest(request), isHead: request.method === 'HEAD' })),
    pipelining: rate ? 1 : pipelining,
    timeout,
  }
}

/**
 * One load under way: when each request is sent (closed model: when the one before is answered; open model: when it is due), and
 * the phases from warm-up to end.
 */
export class LoadRun {
  readonly #plan: LoadPlan
  readonly #report: LoadRunReport
  readonly #pool: ConnectionPool
  readonly #history = new InFlightHistory()
  #phase: 'warmup' | 'measured' | 'drain' | 'ended' = 'warmup'
  /** `performance.now()` at which the phase's sending began. */
  #start = performance.now()
  #measurement: Measurement
  #arrivals: Arrivals | undefined
  /** Since the very start, warm-up included. */
  #sentEver = 0
  #completedEver = 0
  #connectedOnce = false
  readonly #firstTry = performance.now()
  #connectFailures = 0
  #lastConnectFailure: string | undefined
  #progressDue = 0
  #sweepTimer: NodeJS.Timeout | undefined
  #paceTimer: NodeJS.Timeout | undefined
  #phaseTimer: NodeJS.Timeout | undefined
  #progressTimer: NodeJS.Timeout | undefined

  constructor(plan: LoadPlan, report: LoadRunReport) {
    this.#plan = plan
    this.#report = report
    this.#measurement = new Measurement(plan, performance.timeOrigin + this.#start)
    this.#pool = new ConnectionPool(targetOf(plan), {
      onReady: (connection) => this.#onReady(connection),
      onAnswer: (_connection, status, since, request) => this.#onAnswer(status, since, request),
      onFailure: (kind, message, since) => this.#onFailure(kind, message, since),
      onWithdrawn: (count, since) => this.#onWithdrawn(count, since),
      onConnectFailure: (kind, message) => this.#onConnectFailure(kind, message),
      onBytes: (count) => {
        if (this.#phase !== 'warmup') this.#measurement.recorder.addBytes(count)
      },
    })
  }

  /** Requests completed since its start, warm-up included. */
  get completed(): number {
    return this.#completedEver
  }

  start(): void {
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP)
    const { warmup, rate } = this.#plan
    if (!warmup) return this.#beginMeasured()
    const first = rate?.[0]
    const steady = first ? first.from || first.to : 0
    if (rate) this.#arrivals = new Arrivals([{ duration: warmup.duration, from: steady, to: steady }], undefined)
    this.#start = performance.now()
    this.#pool.resize(warmup.connections)
    this.#phaseTimer = setTimeout(() => this.#beginMeasured(), warmup.duration)
  }

  #beginMeasured(): void {
    const { rate, amount, duration, progressInterval } = this.#plan
    this.#phase = 'measured'
    this.#start = performance.now()
    this.#measurement = new Measurement(this.#plan, performance.timeOrigin + this.#start)
    this.#arrivals = rate ? new Arrivals(rate, amount) : undefined
    this.#pool.resize(this.#connectionsWanted(0))
    for (const connection of this.#pool.ready()) this.#onReady(connection)
    if (duration !== undefined) this.#phaseTimer = setTimeout(() => this.#endSending(), duration)
    this.#progressDue = progressInterval
    this.#scheduleProgress()
    this.#pace(this.#start)
  }

  #connectionsWanted(elapsed: number): number {
    return Math.max(1, Math.round(valueAt(this.#plan.connections, elapsed)))
  }

  // When requests are sent -------------------------------------------------------------------------------------------

  get #sending(): boolean {
    return this.#phase === 'warmup' || this.#phase === 'measured'
  }

  #onReady(connection: Connection): void {
    this.#connectedOnce = true
    const now = performance.now()
    if (this.#arrivals) {
      this.#pool.addFree(connection)
      if (this.#arrivals.due <= now - this.#start) this.#pace(now)
      return
    }
    connection.together(() => {
      while (connection.ready && this.#sending && !this.#amountBegun()) {
        this.#begin(1)
        connection.send(Math.max(this.#start, connection.waitingSince(now)), now)
      }
    })
  }

  #amountBegun(): boolean {
    const { amount } = this.#plan
    return amount !== undefined && this.#phase === 'measured' && this.#measurement.begun >= amount
  }

  #begin(count: number): void {
    this.#sentEver += count
    this.#measurement.begun += count
  }

  /** Open model: sends every arrival that is due and for which there is a connection, then sets the timer for the next. */
  #pace(now: number): void {
    const arrivals = this.#arrivals
    if (!arrivals || !this.#sending) return
    const elapsed = now - this.#start
    while (arrivals.due <= elapsed) {
      if (elapsed - arrivals.due > this.#plan.timeout) {
        this.#measurement.drop(arrivals.due)
        arrivals.advance()
        this.#endIfDone()
        continue
      }
      const connection = this.#pool.takeFree()
      if (!connection) {
        arrivals.noteBlocked(elapsed)
        break
      }
      this.#begin(1)
      connection.send(this.#start + arrivals.due, now)
      arrivals.noteSent(elapsed)
    }
    clearTimeout(this.#paceTimer)
    // With a backlog it is the next free connection, or the sweep, that paces.
    if (arrivals.due === Infinity || arrivals.due <= elapsed || !this.#sending) return
    this.#paceTimer = setTimeout(() => this.#pace(performance.now()), arrivals.due - elapsed)
  }

  // What became of them ----------------------------------------------------------------------------------------------

  /** Whether a request belongs to the measured part. */
  #counts(since: number): boolean {
    return (this.#phase === 'measured' || this.#phase === 'drain') && since >= this.#start
  }

  #onAnswer(status: number, since: number, request: number): void {
    this.#completedEver += 1
    if (!this.#counts(since)) return
    this.#measurement.answer(request, status, since - this.#start, performance.now() - this.#start)
    this.#endIfDone()
  }

  #onFailure(kind: LoadErrorKind, message: string, since: number): void {
    this.#completedEver += 1
    if (!this.#counts(since)) return
    this.#measurement.failure(kind, message, since - this.#start, performance.now() - this.#start)
    this.#endIfDone()
  }

  #onWithdrawn(count: number, since: number): void {
    this.#sentEver -= count
    if (this.#counts(since)) this.#measurement.begun -= count
  }

  #onConnectFailure(kind: LoadErrorKind, message: string): void {
    this.#connectFailures += 1
    this.#lastConnectFailure = message
    if (!this.#sending) return
    const elapsed = performance.now() - this.#start
    if (!this.#arrivals) {
      if (!this.#amountBegun()) this.#failAttempt(kind, message, elapsed)
    } else if (!this.#pool.anyConnected) {
      // Nobody is left to serve those that wait: they have met the same fate.
      while (this.#sending && this.#arrivals.due <= elapsed) {
        const since = this.#arrivals.due
        this.#arrivals.advance()
        this.#failAttempt(kind, message, since)
      }
      this.#pace(this.#start + elapsed)
    }
    this.#giveUpIfDead(message)
  }

  #failAttempt(kind: LoadErrorKind, message: string, since: number): void {
    this.#begin(1)
    this.#onFailure(kind, message, this.#start + since)
  }

  #giveUpIfDead(message: string, after = GIVE_UP_AFTER): void {
    const tried = performance.now() - this.#firstTry
    if (this.#connectedOnce || tried < after) return
    const attempts = `${this.#connectFailures} attempts in ${Math.round(tried)} ms`
    this.#end({
      outcome: 'failed',
      message: `No connection to ${this.#plan.url} could be opened (${attempts}): ${message}. Is the server running, and on that port?`,
    })
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
    this.#history.note(performance.timeOrigin + now, this.#sentEver, this.#completedEver)
    this.#pool.checkTimeouts(now)
    if (this.#lastConnectFailure !== undefined && !this.#connectedOnce) {
      this.#giveUpIfDead(this.#lastConnectFailure, GIVE_UP_HANGING_AFTER)
    }
    if (this.#phase === 'measured' && this.#plan.stages) this.#pool.resize(this.#connectionsWanted(now - this.#start))
    this.#pace(now)
  }

  #scheduleProgress(): void {
    const wait = this.#start + this.#progressDue - performance.now()
    this.#progressTimer = setTimeout(() => {
      if (this.#phase !== 'measured') return
      const elapsed = performance.now() - this.#start
      // Timers can be up to a millisecond early.
      if (elapsed < this.#progressDue) return this.#scheduleProgress()
      const { duration = Infinity, progressInterval } = this.#plan
      // The last one comes with the end.
      if (elapsed >= duration) return
      while (this.#progressDue <= elapsed) this.#progressDue += progressInterval
      if (this.#progressDue <= duration) this.#scheduleProgress()
      this.#sendProgress(elapsed)
    }, wait)
  }

  #sendProgress(elapsed: number): void {
    const { progress, rows } = this.#interval(elapsed, false)
    this.#report.progress(progress, rows)
    if (!this.#plan.abortOnFail) return
    const thresholds = failedForGood({ ...progress, samples: this.#measurement.recorder.rows }, this.#plan.thresholds)
    if (thresholds) this.#end({ outcome: 'failed-threshold', thresholds })
  }

  #interval(elapsed: number, last: boolean) {
    const arrivals = this.#arrivals
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
    if (!this.#arrivals) return this.#finish()
    const measurement = this.#measurement
    this.#phase = 'drain'
    this.#sendingEnded = performance.now()
    measurement.stopCost()
    while (this.#arrivals.due !== Infinity) {
      measurement.drop(this.#arrivals.due)
      this.#arrivals.advance()
    }
    this.#phaseTimer = setTimeout(() => this.#finish(), Math.min(this.#plan.timeout + 2 * SWEEP, LONGEST_DRAIN))
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
    if (this.#phase === 'warmup') this.#measurement = new Measurement(this.#plan, Date.now())
    const elapsed = this.#phase === 'warmup' ? 0 : (this.#sendingEnded ?? performance.now()) - this.#start
    this.#phase = 'ended'
    clearInterval(this.#sweepTimer)
    for (const timer of [this.#paceTimer, this.#phaseTimer, this.#progressTimer]) clearTimeout(timer)
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
    if (this.#phase !== 'measured' && this.#phase !== 'drain') return
    this.#history.note(performance.timeOrigin + performance.now(), this.#sentEver, this.#completedEver)
    this.#measurement.collection(startedAt, duration, this.#history)
  }
}
