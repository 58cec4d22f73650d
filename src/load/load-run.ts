import { LatencyHistogram } from '../metrics/latency-histogram.ts'
import type { LoadErrorKind, LoadProgress, LoadResult, LoadSample, LoadStageResult } from '../metrics/load-result.ts'
import { Connection, encodeRequest, type ConnectionEvents, type Target } from './client.ts'
import { InFlightHistory } from './in-flight-history.ts'
import type { LoadPlan } from './load-plan.ts'
import type { LoadEnd, RowlessProgress } from './messages.ts'
import { Recorder } from './recorder.ts'
import { saturationReason } from './saturation.ts'
import { ArrivalSchedule, valueAt } from './schedule.ts'
import { failedForGood } from './threshold-watch.ts'

/** Milliseconds between two looks at time-outs, ramps and the history of requests under way. */
const SWEEP = 10
/** A target to which no connection could be opened for so long is given up. */
const GIVE_UP_AFTER = 400
/** Open model: how long requests under way at the end are waited for (their latency would be missing otherwise). */
const LONGEST_DRAIN = 1_000

type Phase = 'new' | 'warmup' | 'measured' | 'drain' | 'ended'

export interface LoadRunReport {
  progress(progress: RowlessProgress, rows: LoadSample[]): void
  end(end: LoadEnd, progress: RowlessProgress, rows: LoadSample[]): void
}

interface StageCount {
  latency: LatencyHistogram
  requests: number
  errors: number
  dropped: number
}

/** One load under way: its connections, when each request is sent, and what came of it. */
export class LoadRun {
  readonly #plan: LoadPlan
  readonly #report: LoadRunReport
  readonly #target: Target
  readonly #buffers: readonly Uint8Array[]
  readonly #events: ConnectionEvents
  readonly #expected: readonly (readonly [from: number, to: number] | undefined)[]
  readonly #connections: Connection[] = []
  /** Connections that can take a request, longest free first (open model). */
  #free: Connection[] = []
  #recorder: Recorder
  readonly #history = new InFlightHistory()
  readonly #lateness = new LatencyHistogram()
  readonly #stages: StageCount[] | undefined
  readonly #stageEnds: number[] = []
  #phase: Phase = 'new'
  /** `performance.now()` at which the measured part (in the warm-up: the warm-up) began. */
  #start = 0
  #startedAt = 0
  #sendingEnded = 0
  #schedule: ArrivalSchedule | undefined
  /** Open model: the next arrival, and when it is due. */
  #arrival = 0
  #due = Infinity
  /** Open model: arrivals below this number have waited for a connection. */
  #waited = 0
  /** Requests sent (and attempts to connect that failed) in the measured part, and how many of them have ended. */
  #sent = 0
  #done = 0
  #sentEver = 0
  #completedEver = 0
  #connectedOnce = false
  #firstTry = 0
  #connectFailures = 0
  #rowsSent = 0
  #progressDue = 0
  #cpu = process.cpuUsage()
  #loop = performance.eventLoopUtilization()
  #spent: { cpu: number; eventLoopUtilization: number } | undefined
  #collections: { count: number; time: number; requestsHit: number } | undefined
  #sweepTimer: NodeJS.Timeout | undefined
  #paceTimer: NodeJS.Timeout | undefined
  #phaseTimer: NodeJS.Timeout | undefined
  #progressTimer: NodeJS.Timeout | undefined

  constructor(plan: LoadPlan, report: LoadRunReport) {
    this.#plan = plan
    this.#report = report
    const url = new URL(plan.url)
    const secure = url.protocol === 'https:'
    this.#target = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      secure,
      tls: plan.tls,
      requests: plan.requests,
      pipelining: plan.rate ? 1 : plan.pipelining,
      timeout: plan.timeout,
    }
    this.#buffers = plan.requests.map(encodeRequest)
    this.#expected = plan.requests.map(({ expectStatus }) => expectStatus)
    this.#recorder = new Recorder(plan.progressInterval, plan.duration)
    if (plan.stages) {
      this.#stages = plan.stages.map(() => ({ latency: new LatencyHistogram(), requests: 0, errors: 0, dropped: 0 }))
      let end = 0
      for (const stage of plan.stages) this.#stageEnds.push((end += stage.duration))
    }
    this.#events = {
      onReady: (connection) => this.#onReady(connection),
      onAnswer: (connection, status, since, request) => this.#onAnswer(connection, status, since, request),
      onFailure: (kind, message, since) => this.#onFailure(kind, message, since),
      onWithdrawn: (count, since) => this.#onWithdrawn(count, since),
      onConnectFailure: (_connection, kind, message) => this.#onConnectFailure(kind, message),
      onBytes: (count) => {
        if (this.#phase === 'measured' || this.#phase === 'drain') this.#recorder.addBytes(count)
      },
    }
  }

  /** Requests completed since its start, warm-up included. */
  get completed(): number {
    return this.#completedEver
  }

  start(): void {
    this.#firstTry = performance.now()
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP)
    const { warmup, rate } = this.#plan
    if (!warmup) return this.#beginMeasured()
    this.#phase = 'warmup'
    this.#start = performance.now()
    const first = rate?.[0]
    const warmupRate = first ? first.from || first.to : 0
    this.#useSchedule(rate ? [{ duration: warmup.duration, from: warmupRate, to: warmupRate }] : undefined)
    this.#resize(warmup.connections)
    this.#phaseTimer = setTimeout(() => this.#beginMeasured(), warmup.duration)
    this.#pace(this.#start)
  }

  #beginMeasured(): void {
    this.#phase = 'measured'
    this.#start = performance.now()
    this.#startedAt = performance.timeOrigin + this.#start
    this.#sent = 0
    this.#done = 0
    this.#waited = 0
    this.#cpu = process.cpuUsage()
    this.#loop = performance.eventLoopUtilization()
    const { rate, duration, progressInterval } = this.#plan
    this.#useSchedule(rate)
    this.#resize(this.#connectionsWanted(0))
    if (duration !== undefined) this.#phaseTimer = setTimeout(() => this.#endSending(), duration)
    this.#progressDue = progressInterval
    this.#scheduleProgress()
    this.#pace(this.#start)
  }

  #useSchedule(rate: LoadPlan['rate']): void {
    this.#schedule = rate ? new ArrivalSchedule(rate) : undefined
    this.#arrival = 0
    this.#due = this.#schedule?.dueAt(0) ?? Infinity
  }

  // Connections ------------------------------------------------------------------------------------------------------

  #connectionsWanted(elapsed: number): number {
    return Math.max(1, Math.round(valueAt(this.#plan.connections, elapsed)))
  }

  #resize(wanted: number): void {
    while (this.#connections.length < wanted) {
      const connection = new Connection(this.#target, this.#buffers, this.#events)
      this.#connections.push(connection)
      connection.open()
    }
    while (this.#connections.length > wanted) {
      const connection = this.#connections.pop() as Connection
      connection.retired = true
      if (connection.underway === 0) connection.close()
      else this.#retiring.add(connection)
    }
  }

  /** Connections that end with the answer under way. */
  readonly #retiring = new Set<Connection>()

  #onReady(connection: Connection): void {
    this.#connectedOnce = true
    const now = performance.now()
    if (this.#schedule) {
      if (!connection.listed) {
        connection.listed = true
        this.#free.push(connection)
      }
      if (this.#due <= now - this.#start) this.#pace(now)
      return
    }
    if (this.#phase !== 'measured' && this.#phase !== 'warmup') return
    const { amount } = this.#plan
    while (connection.ready) {
      if (amount !== undefined && this.#phase === 'measured' && this.#sent >= amount) return
      this.#sent += 1
      this.#sentEver += 1
      connection.send(Math.max(this.#start, connection.waitingSince ?? now), now)
    }
  }

  #takeFree(): Connection | undefined {
    let connection = this.#free.shift()
    while (connection) {
      connection.listed = false
      if (connection.ready) return connection
      connection = this.#free.shift()
    }
    return undefined
  }

  // Open model -------------------------------------------------------------------------------------------------------

  /** Sends every arrival that is due and for which there is a connection, then sets the timer for the next. */
  #pace(now: number): void {
    const schedule = this.#schedule
    if (!schedule || (this.#phase !== 'measured' && this.#phase !== 'warmup')) return
    const elapsed = now - this.#start
    while (this.#due <= elapsed && this.#mayArrive()) {
      if (elapsed - this.#due > this.#plan.timeout) {
        this.#dropArrival()
        continue
      }
      const connection = this.#takeFree()
      if (!connection) {
        this.#waited = schedule.dueBy(elapsed)
        break
      }
      if (this.#arrival >= this.#waited && this.#phase === 'measured') this.#lateness.record(elapsed - this.#due)
      this.#sent += 1
      this.#sentEver += 1
      connection.send(this.#start + this.#due, now)
      this.#nextArrival()
    }
    this.#setPaceTimer(elapsed)
  }

  #mayArrive(): boolean {
    return this.#plan.amount === undefined || this.#phase === 'warmup' || this.#arrival < this.#plan.amount
  }

  #nextArrival(): void {
    this.#arrival += 1
    this.#due = this.#schedule?.dueAt(this.#arrival) ?? Infinity
  }

  #dropArrival(): void {
    if (this.#phase === 'measured') {
      this.#recorder.drop(1)
      const stage = this.#stageAt(this.#due)
      if (stage) stage.dropped += 1
      this.#sent += 1
      this.#done += 1
    }
    this.#nextArrival()
  }

  #setPaceTimer(elapsed: number): void {
    clearTimeout(this.#paceTimer)
    this.#paceTimer = undefined
    // With a backlog the next free connection, or the sweep, paces.
    if (this.#due === Infinity || this.#due <= elapsed || !this.#mayArrive()) return
    this.#paceTimer = setTimeout(() => this.#pace(performance.now()), this.#due - elapsed)
  }

  #backlog(elapsed: number): number {
    if (!this.#schedule) return 0
    const due = this.#schedule.dueBy(elapsed)
    return Math.max(0, Math.min(due, this.#plan.amount ?? due) - this.#arrival)
  }

  // What became of requests ------------------------------------------------------------------------------------------

  /** Whether a request belongs to the measured part. */
  #counts(since: number): boolean {
    return (this.#phase === 'measured' || this.#phase === 'drain') && since >= this.#start
  }

  #onAnswer(connection: Connection, status: number, since: number, request: number): void {
    const now = performance.now()
    this.#completedEver += 1
    if (connection.retired && connection.underway === 0) {
      this.#retiring.delete(connection)
      connection.close()
    }
    if (!this.#counts(since)) return
    const latency = now - since
    this.#recorder.answer(status, latency)
    const stage = this.#stageAt(since - this.#start)
    if (stage) {
      stage.requests += 1
      stage.latency.record(latency)
    }
    const expected = this.#expected[request]
    if (expected ? status < expected[0] || status > expected[1] : status >= 400) {
      const at = now - this.#start
      if (expected) {
        const wanted = expected[0] === expected[1] ? String(expected[0]) : `${expected[0]} to ${expected[1]}`
        this.#recorder.failure('mismatch', `status ${status}, expected ${wanted}`, at, true)
      } else {
        this.#recorder.failure('status', `status ${status}`, at, true)
      }
      if (stage) stage.errors += 1
    }
    this.#settle(1)
  }

  #onFailure(kind: LoadErrorKind, message: string, since: number): void {
    this.#completedEver += 1
    if (!this.#counts(since)) return
    this.#recorder.failure(kind, message, performance.now() - this.#start)
    const stage = this.#stageAt(since - this.#start)
    if (stage) stage.errors += 1
    this.#settle(1)
  }

  #onWithdrawn(count: number, since: number): void {
    this.#sentEver -= count
    if (this.#counts(since)) this.#sent -= count
  }

  #onConnectFailure(kind: LoadErrorKind, message: string): void {
    const now = performance.now()
    this.#connectFailures += 1
    if (this.#phase !== 'measured' && this.#phase !== 'warmup') return
    if (!this.#schedule) {
      const { amount } = this.#plan
      if (amount === undefined || this.#sent < amount) this.#failAttempts(1, kind, message, now)
    } else if (!this.#connections.some((connection) => connection.connected)) {
      // Nobody is left to serve those that wait: they have met the same fate.
      const waiting = this.#backlog(now - this.#start)
      for (let index = 0; index < waiting; index += 1) this.#nextArrival()
      this.#failAttempts(waiting, kind, message, now)
      this.#setPaceTimer(now - this.#start)
    }
    this.#giveUpIfDead(now, message)
  }

  #failAttempts(count: number, kind: LoadErrorKind, message: string, now: number): void {
    this.#sent += count
    this.#sentEver += count
    this.#completedEver += count
    if (this.#phase === 'measured') {
      const stage = this.#stageAt(now - this.#start)
      for (let index = 0; index < count; index += 1) this.#recorder.failure(kind, message, now - this.#start)
      if (stage) stage.errors += count
    }
    this.#settle(count)
  }

  #giveUpIfDead(now: number, message: string): void {
    const tried = now - this.#firstTry
    if (this.#connectedOnce || tried < GIVE_UP_AFTER) return
    this.#end({
      outcome: 'failed',
      message: `No connection to ${this.#plan.url} could be opened in ${Math.round(tried)} ms (${this.#connectFailures} attempts): ${message}`,
    })
  }

  #settle(count: number): void {
    this.#done += count
    const { amount } = this.#plan
    if (this.#phase === 'measured' && amount !== undefined && this.#done >= amount) this.#finish()
    else if (this.#phase === 'drain' && this.#done >= this.#sent) this.#finish()
  }

  #stageAt(elapsed: number): StageCount | undefined {
    if (!this.#stages) return undefined
    let index = 0
    while (index < this.#stages.length - 1 && elapsed >= (this.#stageEnds[index] as number)) index += 1
    return this.#stages[index]
  }

  // Time -------------------------------------------------------------------------------------------------------------

  #sweep(): void {
    const now = performance.now()
    this.#history.note(performance.timeOrigin + now, this.#sentEver, this.#completedEver)
    for (const connection of this.#connections) connection.checkTimeout(now)
    for (const connection of this.#retiring) connection.checkTimeout(now)
    if (this.#phase === 'measured') {
      if (this.#plan.stages) this.#resize(this.#connectionsWanted(now - this.#start))
      this.#pace(now)
    }
  }

  #scheduleProgress(): void {
    const wait = this.#start + this.#progressDue - performance.now()
    this.#progressTimer = setTimeout(() => {
      if (this.#phase !== 'measured') return
      const elapsed = performance.now() - this.#start
      // Timers can be up to a millisecond early.
      if (elapsed < this.#progressDue) return this.#scheduleProgress()
      while (this.#progressDue <= elapsed) this.#progressDue += this.#plan.progressInterval
      const { duration } = this.#plan
      // The last one comes with the end.
      if (duration === undefined || this.#progressDue < duration + 1) this.#scheduleProgress()
      if (duration !== undefined && elapsed >= duration) return
      this.#sendProgress(elapsed)
    }, wait)
  }

  #sendProgress(elapsed: number): void {
    const { interval, rows } = this.#closeInterval(elapsed, false)
    const progress = this.#progress(elapsed, interval)
    this.#report.progress(progress, rows)
    const { abortOnFail, thresholds } = this.#plan
    if (!abortOnFail || this.#phase !== 'measured') return
    const outcomes = failedForGood({ ...progress, samples: this.#recorder.rows }, thresholds)
    if (outcomes) this.#end({ outcome: 'failed-threshold', thresholds: outcomes })
  }

  #closeInterval(elapsed: number, last: boolean): { interval: LoadProgress['interval']; rows: LoadSample[] } {
    const { rate } = this.#plan
    const interval = this.#recorder.endInterval(
      elapsed,
      {
        connections: this.#connections.length,
        ...(rate ? { rate: valueAt(rate, elapsed), backlog: this.#backlog(elapsed) } : {}),
      },
      last,
    )
    const rows = this.#recorder.rows.slice(this.#rowsSent)
    this.#rowsSent = this.#recorder.rows.length
    return { interval, rows }
  }

  // The end ----------------------------------------------------------------------------------------------------------

  /** The planned time is over. */
  #endSending(): void {
    if (this.#phase !== 'measured') return
    const early = this.#start + (this.#plan.duration ?? 0) - performance.now()
    if (early > 0) {
      // Timers can be up to a millisecond early.
      this.#phaseTimer = setTimeout(() => this.#endSending(), early)
      return
    }
    this.#stopClock()
    if (this.#schedule) {
      while (this.#due !== Infinity && this.#mayArrive()) this.#dropArrival()
      if (this.#done < this.#sent) {
        this.#phase = 'drain'
        clearTimeout(this.#paceTimer)
        this.#phaseTimer = setTimeout(() => this.#finish(), Math.min(this.#plan.timeout + SWEEP * 2, LONGEST_DRAIN))
        return
      }
    }
    this.#finish()
  }

  /** From here on nothing is sent: rates and the cost of the generator are of the time until now. */
  #stopClock(): void {
    if (this.#spent) return
    this.#sendingEnded = performance.now()
    const { user, system } = process.cpuUsage(this.#cpu)
    this.#spent = {
      cpu: (user + system) / 1_000,
      eventLoopUtilization: performance.eventLoopUtilization(this.#loop).utilization,
    }
  }

  #finish(): void {
    const { requests, errorTotal } = this.#recorder
    if (requests > 0) return this.#end({ outcome: 'completed' })
    const first = Object.values(this.#recorder.errors().byKind)[0]
    const attempts = this.#sent
    const after = Math.round(performance.now() - this.#start)
    this.#end({
      outcome: 'failed',
      message:
        `${this.#plan.url} answered none of ${attempts} requests in ${after} ms` +
        (first ? ` (${errorTotal} errors, the first: ${first.message})` : ': they were still under way'),
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
    const wasWarmup = this.#phase === 'warmup' || this.#phase === 'new'
    this.#phase = 'ended'
    clearInterval(this.#sweepTimer)
    for (const timer of [this.#paceTimer, this.#phaseTimer, this.#progressTimer]) clearTimeout(timer)
    for (const connection of [...this.#connections, ...this.#retiring]) connection.close()
    if (wasWarmup) {
      this.#startedAt = performance.timeOrigin + performance.now()
      this.#start = performance.now()
      this.#sent = 0
      this.#done = 0
    }
    this.#stopClock()
    const elapsed = this.#sendingEnded - this.#start
    const { interval, rows } = this.#closeInterval(elapsed, true)
    const ended = end.outcome === 'completed'
    const progress = this.#progress(elapsed, interval)
    this.#report.end(end, { ...progress, aborted: !ended, ...(ended ? { progress: 1 } : {}) }, rows)
  }

  /** Requests under way in a stand-still of the server from `startedAt` (Unix ms) on. */
  noteCollection(startedAt: number, duration: number): void {
    if (this.#phase === 'ended') return
    if (this.#phase === 'warmup' || startedAt + duration < this.#startedAt) return
    const now = performance.timeOrigin + performance.now()
    this.#history.note(now, this.#sentEver, this.#completedEver)
    const from = Math.max(startedAt, this.#startedAt)
    this.#collections ??= { count: 0, time: 0, requestsHit: 0 }
    this.#collections.count += 1
    this.#collections.time += duration
    this.#collections.requestsHit += this.#history.underwayDuring(from, startedAt + duration)
  }

  // The result -------------------------------------------------------------------------------------------------------

  #progress(elapsed: number, interval: LoadProgress['interval']): RowlessProgress {
    const { duration, amount } = this.#plan
    const byTime = duration === undefined ? 0 : elapsed / duration
    const byAmount = amount === undefined ? 0 : this.#done / amount
    return { ...this.#result(elapsed), progress: Math.max(0, Math.min(1, Math.max(byTime, byAmount))), interval }
  }

  #result(elapsed: number): Omit<LoadResult, 'samples'> {
    const { title, url } = this.#plan
    const recorder = this.#recorder
    const seconds = elapsed / 1_000
    const errors = recorder.errors()
    const attempts = recorder.requests + recorder.transportFailures
    const generator = this.#generator()
    return {
      ...(title === undefined ? {} : { title }),
      url,
      startedAt: this.#startedAt,
      duration: elapsed,
      requests: recorder.requests,
      requestsPerSecond: seconds > 0 ? recorder.requests / seconds : 0,
      latency: recorder.latency.summary(),
      latencySpectrum: recorder.latency.spectrum(),
      throughput: { bytes: recorder.bytes, bytesPerSecond: seconds > 0 ? recorder.bytes / seconds : 0 },
      statusCodes: recorder.statusCodes(),
      errors,
      errorRate: attempts === 0 ? Number.NaN : errors.total / attempts,
      dropped: recorder.dropped,
      unanswered: Math.max(0, this.#sent - this.#done),
      ...(this.#stages ? { stages: this.#stageResults(elapsed) } : {}),
      ...(this.#collections ? { collections: { ...this.#collections } } : {}),
      aborted: false,
      saturated: generator.reason !== undefined,
      generator,
    }
  }

  #generator(): LoadResult['generator'] {
    const { user, system } = process.cpuUsage(this.#cpu)
    const cpu = this.#spent?.cpu ?? (user + system) / 1_000
    const eventLoopUtilization =
      this.#spent?.eventLoopUtilization ?? performance.eventLoopUtilization(this.#loop).utilization
    const lateness = this.#lateness.count > 0 ? this.#lateness.percentile(0.99) : undefined
    const state = { eventLoopUtilization, ...(lateness === undefined ? {} : { lateness }) }
    const reason = saturationReason(state)
    return {
      ...state,
      cpuPerRequest: this.#recorder.requests === 0 ? Number.NaN : cpu / this.#recorder.requests,
      ...(reason === undefined ? {} : { reason }),
    }
  }

  #stageResults(elapsed: number): LoadStageResult[] {
    const results: LoadStageResult[] = []
    let startedAt = 0
    for (const [index, stage] of (this.#plan.stages ?? []).entries()) {
      const count = (this.#stages as StageCount[])[index] as StageCount
      const duration = Math.min(stage.duration, elapsed - startedAt)
      if (duration <= 0 && index > 0) break
      results.push({
        startedAt,
        duration: Math.max(0, duration),
        ...(stage.connections === undefined ? {} : { connections: stage.connections }),
        ...(stage.rate === undefined ? {} : { rate: stage.rate }),
        requests: count.requests,
        requestsPerSecond: duration > 0 ? (count.requests * 1_000) / duration : 0,
        latency: count.latency.summary(),
        errors: count.errors,
        dropped: count.dropped,
      })
      startedAt += stage.duration
    }
    return results
  }
}
