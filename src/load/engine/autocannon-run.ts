import autocannon, { type AutocannonClient, type AutocannonInstance, type AutocannonRequest } from 'autocannon'
import { every, realClock, type Cancel, type Clock } from '../../lifecycle/clock.ts'
import { failureOf } from '../http/failure.ts'
import { LOOK, Measurement } from '../measure/measurement.ts'
import { isWhole, type LoadEnd, type RowlessProgress } from '../messages.ts'
import { AUTOCANNON_REMARKS } from '../plan/engine-choice.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { ThresholdWatch } from '../plan/threshold-watch.ts'
import type { LoadRunReport } from './load-run.ts'
import { describeNothing } from './nothing-answered.ts'
import { ProgressTimer } from './progress-timer.ts'
import { Reachability } from './reachability.ts'

/** Seconds that autocannon is given where only an amount ends the load: its own limit is not ours. */
const LONGEST = 2_000_000

/** One load that autocannon's own client generates, counted and judged as all others are. */
export class AutocannonRun {
  readonly #plan: LoadPlan
  readonly #report: LoadRunReport
  readonly #clock: Clock = realClock
  readonly #start = realClock.now()
  readonly #measurement: Measurement
  readonly #reachability: Reachability
  readonly #thresholds: ThresholdWatch | undefined
  #generator: AutocannonInstance | undefined
  readonly #clients: AutocannonClient[] = []
  /** Of the request whose answer is about to be counted. */
  #answered = 0
  #isOver = false
  readonly #cancels: Cancel[] = []

  constructor(plan: LoadPlan, report: LoadRunReport) {
    this.#plan = plan
    this.#report = report
    this.#measurement = new Measurement(plan, this.#clock.origin + this.#start)
    this.#reachability = new Reachability(plan.url, plan.duration === undefined, this.#start)
    if (plan.abortOnFail)
      this.#thresholds = new ThresholdWatch(plan.thresholds, { duration: plan.duration, ramps: false })
  }

  start(): void {
    const { duration, amount, progressInterval } = this.#plan
    const generator = autocannon(this.#options(), () => this.#finish())
    this.#generator = generator
    generator.on('response', (_client: unknown, status: number, bytes: number, latency: number) =>
      this.#onAnswer(status, bytes, latency),
    )
    generator.on('reqError', (error: Error) => this.#onError(error))
    this.#cancels.push(every(this.#clock, LOOK, () => this.#look()))
    // Its own duration is rounded up to its sampling interval.
    if (duration !== undefined) this.#cancels.push(this.#clock.after(duration, () => this.#finish()))
    const until = duration ?? (amount === undefined ? 0 : Infinity)
    const progress = new ProgressTimer(this.#clock, this.#start, progressInterval, until, () => {
      const { progress: soFar, rows } = this.#interval(false)
      this.#report.progress(soFar, rows)
    })
    this.#cancels.push(() => progress.stop())
  }

  #options() {
    const { url, connections, pipelining, amount, timeout, tls, requests } = this.#plan
    return {
      url,
      connections: connections[0]?.from ?? 1,
      pipelining,
      duration: LONGEST,
      timeout: Math.ceil(timeout / 1_000),
      ...(amount === undefined ? {} : { amount }),
      ...(tls.servername === undefined ? {} : { servername: tls.servername }),
      setupClient: (client: AutocannonClient) => this.#clients.push(client),
      requests: requests.map((request, index): AutocannonRequest => ({
        method: request.method,
        path: request.path,
        headers: headersOf(request.headers),
        ...(request.body ? { body: request.body } : {}),
        // Called just before its event 'response', which does not say of which request it is.
        onResponse: () => (this.#answered = index),
      })),
    }
  }

  get #elapsed(): number {
    return this.#clock.now() - this.#start
  }

  #onAnswer(status: number, bytes: number, latency: number): void {
    if (this.#isOver) return
    this.#reachability.noteOpened()
    const now = this.#elapsed
    this.#measurement.begin()
    this.#measurement.recorder.addBytes(bytes)
    this.#measurement.answer(this.#answered, status, now - latency, now)
    if (this.#measurement.ended >= (this.#plan.amount ?? Infinity)) this.#finish()
  }

  #onError(error: Error): void {
    if (this.#isOver) return
    // Its timeouts are errors that say nothing but that.
    const isTimeout = /timed? ?out/i.test(error.message)
    const { kind, message } = isTimeout ? { kind: 'timeout' as const, message: error.message } : failureOf(error)
    const now = this.#elapsed
    this.#measurement.begin()
    this.#measurement.failure(kind, message, now, now, 0)
    if (!isTimeout) this.#reachability.noteFailure(message, this.#clock.now())
  }

  #look(): void {
    this.#measurement.look(this.#elapsed)
    const answered = this.#measurement.recorder.outcomes.requests > 0
    const message = this.#reachability.verdict(this.#clock.now(), { hanging: false, connected: answered })
    if (message !== undefined) this.#end({ outcome: 'failed', message })
  }

  #interval(last: boolean) {
    const state = { connections: this.#plan.connections[0]?.from ?? 1 }
    const elapsed = this.#elapsed
    const { progress, rows } = this.#measurement.interval(elapsed, state, undefined, last ? elapsed : undefined)
    return { progress: remarked(progress), rows }
  }

  #finish(): void {
    if (this.#measurement.recorder.outcomes.requests > 0) return this.#end({ outcome: 'completed' })
    const message = describeNothing(this.#plan.url, this.#measurement, this.#elapsed)
    this.#end({ outcome: 'failed', message, unanswered: true })
  }

  stop(): void {
    this.#end({ outcome: 'stopped' })
  }

  abort(): void {
    this.#end({ outcome: 'aborted' })
  }

  /** It does not run in several processes. */
  go(): void {}

  /** It does not say what is under way. */
  noteCollection(): void {}

  #end(end: LoadEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const cancel of this.#cancels) cancel()
    this.#generator?.stop()
    // By itself it would go on for up to a second. Not now: one of them may be in the middle of its answer, and would open itself again.
    this.#clock.soon(() => {
      for (const client of this.#clients) client.destroy()
    })
    this.#measurement.stopCost()
    const { progress, rows } = this.#interval(true)
    const ended = {
      ...progress,
      ...this.#measurement.finalParts(progress.duration),
      aborted: !isWhole(end),
      ...(isWhole(end) ? { progress: 1 } : {}),
    }
    this.#report.end(end, this.#measurement.ended, ended, rows)
  }

  tick(): void {
    const progress = remarked(this.#measurement.soFar(this.#elapsed))
    this.#report.tick(this.#measurement.ended, progress)
    const thresholds = this.#thresholds?.judge({ ...progress, samples: [] })
    if (thresholds) this.#end({ outcome: 'failed-threshold', thresholds })
  }
}

function remarked(progress: RowlessProgress): RowlessProgress {
  return { ...progress, remarks: [...AUTOCANNON_REMARKS, ...(progress.remarks ?? [])] }
}

/** It adds `Connection` by itself, always. */
function headersOf(planned: LoadPlan['requests'][number]['headers']): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of planned) {
    if (name.toLowerCase() === 'connection') continue
    const known = headers[name]
    headers[name] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value]
  }
  return headers
}
