import type { LatencyHistogram } from '../../results/latency-histogram.ts'
import type {
  LoadErrorKind,
  LoadProgress,
  LoadResult,
  LoadSample,
  NameResult,
  RedirectTarget,
} from '../../results/load-result.ts'
import { CheckTable } from './check-table.ts'
import { CheckEvaluator, type ReadableAnswer } from './evaluate-check.ts'
import { GeneratorCost, type CostMeter } from './generator-cost.ts'
import type { InFlightHistory } from './in-flight-history.ts'
import type { LoadPlan, PlannedRequest } from '../plan/load-plan.ts'
import type { LoadHistograms, RowlessProgress } from '../messages.ts'
import { IterationCounts } from './iteration-counts.ts'
import { nameResult, type NameCounts } from './name-counts.ts'
import { NameTable } from './name-table.ts'
import { Recorder } from './recorder.ts'
import { saturationReason } from './saturation.ts'
import { StageCounts } from './stage-counts.ts'
import { Stalls } from './stalls.ts'

/** An answer as it is counted. Times are milliseconds from the start of the load. */
export interface CountedAnswer {
  readonly status: number
  /** From when its latency counts. */
  readonly since: number
  readonly now: number
  /** The counts of its name, if those are kept apart. */
  readonly name: NameCounts | undefined
  readonly expectStatus: readonly [from: number, to: number] | undefined
  /** Of its check: what was expected and what came. */
  readonly checkFailure: string | undefined
}

/** Names up to which figures by name are computed at each tick. More of them are computed once an interval. */
export const FEW_NAMES = 20

/** Milliseconds between two looks at the clock: see `look`. */
export const LOOK = 10

/** What the load is doing at the end of an interval. */
export interface LoadState {
  connections: number
  rate?: number
  backlog?: number
}

/** Counts all of one part of a load and makes its result. Times are milliseconds from its start. */
export class Measurement {
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly recorder: Recorder
  readonly names: NameTable
  readonly checks = new CheckTable()
  /** Only of a scenario. */
  readonly iterations: IterationCounts | undefined
  #begun = 0
  #ended = 0
  readonly #plan: LoadPlan
  /** The only name of the load: its figures are those of the load, and nothing is counted twice. */
  readonly #onlyName: string | undefined
  /** By request of the plan. */
  readonly #nameCounts: readonly (NameCounts | undefined)[]
  readonly #evaluator = new CheckEvaluator()
  readonly #cost: CostMeter
  readonly #stalls = new Stalls(LOOK, 0)
  #redirectedTo: RedirectTarget | undefined
  #ownLimit: string | undefined
  #lastInterval: LoadProgress['interval'] = { requestsPerSecond: 0, latency: { p50: NaN, p99: NaN }, errors: 0 }
  readonly #stages: StageCounts | undefined
  #collections: { count: number; time: number; requestsHit: number } | undefined
  #rowsTaken = 0
  /** As they were at the end of the last interval: there may be a thousand. */
  #nameResults: Record<string, NameResult> | undefined

  constructor(plan: LoadPlan, startedAt: number, cost: CostMeter = new GeneratorCost()) {
    this.#plan = plan
    this.#cost = cost
    this.startedAt = startedAt
    this.recorder = new Recorder(plan.progressInterval, plan.duration, plan.share !== undefined)
    this.names = new NameTable(plan.duration)
    if (plan.scenario) this.iterations = new IterationCounts()
    const names = new Set(plan.requests.map(({ name }) => name))
    this.#onlyName = names.size === 1 ? plan.requests[0]?.name : undefined
    this.#nameCounts = plan.requests.map(({ name }) => (names.size === 1 ? undefined : this.names.of(name)))
    for (const { name, check } of plan.requests) if (check) this.checks.announce(name)
    if (plan.stages) this.#stages = new StageCounts(plan.stages)
  }

  /** Attempts begun: requests sent, arrivals dropped, connections that could not be opened. */
  get begun(): number {
    return this.#begun
  }

  /** How many of them have ended. */
  get ended(): number {
    return this.#ended
  }

  /** Grows with whatever is counted of requests and iterations. */
  get counted(): number {
    return this.#begun + this.#ended + (this.iterations?.count ?? 0)
  }

  /** An attempt begins. Exactly one call of `answer`, `answerTo`, `failure`, `failureOf` or `withdraw` ends it. */
  begin(): void {
    this.#begun += 1
  }

  /** An attempt that was begun has not taken place. */
  withdraw(): void {
    this.#begun -= 1
  }

  /**
   * An answer at `now` to a request of the plan, whose latency counts from `since`. `answer` is there for redirects, and where the
   * request needs it.
   */
  answer(request: number, status: number, since: number, now: number, answer?: ReadableAnswer): void {
    if (status >= 300 && status < 400) this.noteRedirect(status, answer?.headers['location'])
    const { name, check, expectStatus } = this.#plan.requests[request] as PlannedRequest
    const checkFailure = check && answer && this.#evaluator.failure(check, answer)
    if (check) this.checks.count(name, checkFailure)
    this.answerTo({ status, since, now, name: this.#nameCounts[request], expectStatus, checkFailure })
  }

  /** Notes where a redirect leads that is not followed. */
  noteRedirect(status: number, location: string | undefined): void {
    if (location === undefined) return
    this.#redirectedTo ??= { location, status, count: 0 }
    this.#redirectedTo.count += 1
  }

  /** Counts an answer: at most one error, that of its status before that of its check. */
  answerTo({ status, since, now, name, expectStatus, checkFailure }: CountedAnswer): void {
    this.#ended += 1
    this.recorder.answer(status, now - since, name)
    const stage = this.#stages?.at(since)
    if (stage) {
      stage.requests += 1
      stage.latency.record(now - since)
    }
    const isExpected = expectStatus ? status >= expectStatus[0] && status <= expectStatus[1] : status < 400
    if (isExpected && checkFailure === undefined) return
    if (stage) stage.errors += 1
    if (isExpected) {
      this.recorder.failure('check', checkFailure as string, now, true, name)
    } else if (expectStatus) {
      const [from, to] = expectStatus
      const wanted = from === to ? String(from) : `${from} to ${to}`
      this.recorder.failure('mismatch', `status ${status}, expected ${wanted}`, now, true, name)
    } else {
      this.recorder.failure('status', `status ${status}`, now, true, name)
    }
  }

  /** An attempt of the stage at `since` that got no answer. */
  failure(kind: LoadErrorKind, message: string, since: number, now: number, request: number): void {
    this.failureOf(this.#nameCounts[request], kind, message, since, now)
  }

  /** An attempt without an answer that counts under `name` too. */
  failureOf(name: NameCounts | undefined, kind: LoadErrorKind, message: string, since: number, now: number): void {
    this.#ended += 1
    this.recorder.failure(kind, message, now, false, name)
    const stage = this.#stages?.at(since)
    if (stage) stage.errors += 1
  }

  /** Notes that this machine, not the server, refused to open more connections. */
  noteOwnLimit(message: string): void {
    this.#ownLimit ??= message
  }

  /** Counts an arrival that found no free connection. */
  drop(due: number): void {
    this.#begun += 1
    this.#ended += 1
    this.recorder.drop(1)
    const stage = this.#stages?.at(due)
    if (stage) stage.dropped += 1
  }

  /** Requests under way while the server stood still from `startedAt` (Unix ms) on. */
  collection(startedAt: number, duration: number, history: InFlightHistory): void {
    if (startedAt + duration < this.startedAt) return
    this.#collections ??= { count: 0, time: 0, requestsHit: 0 }
    this.#collections.count += 1
    this.#collections.time += duration
    this.#collections.requestsHit += history.underwayDuring(Math.max(startedAt, this.startedAt), startedAt + duration)
  }

  /** To be called every `LOOK` milliseconds. */
  look(now: number): void {
    this.#stalls.look(now)
  }

  /** Stops the measurement of CPU time: from here on nothing is sent. */
  stopCost(): void {
    this.#cost.stop()
  }

  /** All that is known at `elapsed`, in the middle of an interval. */
  soFar(elapsed: number, lateness?: LatencyHistogram): RowlessProgress {
    this.recorder.gather()
    const { duration, amount } = this.#plan
    const byTime = duration === undefined ? 0 : elapsed / duration
    const byAmount = amount === undefined ? 0 : (this.iterations?.count ?? this.#ended) / amount
    const progress = Math.max(0, Math.min(1, Math.max(byTime, byAmount)))
    const sofar = { ...this.#result(elapsed, lateness), progress, interval: this.#lastInterval }
    return this.#plan.share ? { ...sofar, ...this.#mergeable(lateness) } : sofar
  }

  /**
   * Ends an interval at `elapsed`: what is known by then, and the rows of `samples` that are new. The last one ends with the last
   * answer at `end`, which may be later than the last request.
   */
  interval(
    elapsed: number,
    state: LoadState,
    lateness?: LatencyHistogram,
    end?: number,
  ): { progress: RowlessProgress; rows: LoadSample[] } {
    this.#stages?.endInterval()
    this.#nameResults = undefined
    this.#lastInterval = this.recorder.endInterval(end ?? elapsed, state, end !== undefined)
    const rows = this.recorder.rows.slice(this.#rowsTaken)
    const names = this.#endRowsByName(end ?? elapsed, end !== undefined, rows.length > 0)
    this.#rowsTaken = this.recorder.rows.length
    const progress = this.soFar(elapsed, lateness)
    const { intervalHistogram, rowHistograms } = this.recorder
    if (progress.histograms && intervalHistogram) {
      const newRows = rowHistograms.splice(0)
      progress.histograms = { ...progress.histograms, interval: intervalHistogram, rows: newRows, ...names }
    }
    return { progress, rows }
  }

  /** Rows by name are made here, or where the rows of several processes are joined: then with those. */
  #endRowsByName(at: number, last: boolean, madeRow: boolean): Pick<LoadHistograms, 'names'> {
    if (!this.#plan.share) this.names.endInterval(at, last)
    return this.#plan.share && madeRow && this.names.size > 0 ? { names: [this.names.takeRows()] } : {}
  }

  /** What others need to merge this with their own. */
  #mergeable(lateness: LatencyHistogram | undefined): Pick<RowlessProgress, 'latencyHistogram' | 'histograms'> {
    return {
      latencyHistogram: this.recorder.latency.encode(),
      histograms: {
        ...(this.#stages ? { stages: this.#stages.encode() } : {}),
        ...(this.iterations ? { iterations: this.iterations.encode() } : {}),
        ...(lateness ? { lateness: lateness.encode() } : {}),
      },
    }
  }

  #result(elapsed: number, lateness: LatencyHistogram | undefined): Omit<LoadResult, 'samples'> {
    const { title, url } = this.#plan
    const { outcomes, bytes, latency, dropped } = this.recorder
    const { requests } = outcomes
    const perSecond = (count: number) => (elapsed > 0 ? (count * 1_000) / elapsed : 0)
    const remarks = [this.names.remark(), this.checks.remark()].filter((text) => text !== undefined)
    const generator = this.#generator(elapsed, lateness)
    return {
      ...(title === undefined ? {} : { title }),
      url,
      startedAt: this.startedAt,
      duration: elapsed,
      requests,
      requestsPerSecond: perSecond(requests),
      latency: latency.summary(),
      latencySpectrum: latency.spectrum(),
      throughput: { bytes, bytesPerSecond: perSecond(bytes) },
      statusCodes: outcomes.statusCodes(),
      errors: outcomes.errors(),
      errorRate: outcomes.errorRate,
      byName: this.#byName(elapsed),
      checks: this.checks.results(),
      ...(this.iterations ? { iterations: this.iterations.result(elapsed) } : {}),
      ...(this.#redirectedTo === undefined ? {} : { redirectedTo: { ...this.#redirectedTo } }),
      dropped,
      unanswered: this.#begun - this.#ended,
      ...(this.#stages ? { stages: this.#stages.results(elapsed) } : {}),
      ...(this.#collections ? { collections: { ...this.#collections } } : {}),
      ...(remarks.length === 0 ? {} : { remarks }),
      aborted: false,
      saturated: generator.reason !== undefined,
      generator,
    }
  }

  /** Figures of all so far. With many names they are as of the last interval: ticks ask for them ten times a second. */
  #byName(elapsed: number): Record<string, NameResult> {
    const { outcomes, latency } = this.recorder
    if (this.#onlyName !== undefined) {
      const only = nameResult(outcomes, latency, elapsed)
      return { [this.#onlyName]: this.#plan.share ? { ...only, latencyHistogram: latency.encode() } : only }
    }
    if (this.names.size <= FEW_NAMES) return this.#namesSoFar(elapsed)
    return (this.#nameResults ??= this.#namesSoFar(elapsed))
  }

  #namesSoFar(elapsed: number): Record<string, NameResult> {
    return this.#plan.share ? this.names.mergeableResults(elapsed) : this.names.results(elapsed)
  }

  /** The parts of a result that only a load which has ended has: histograms to merge, and rows by name. */
  finalParts(elapsed: number): Pick<LoadResult, 'latencyHistogram' | 'byName'> {
    const latencyHistogram = this.recorder.latency.encode()
    if (this.#onlyName === undefined) return { latencyHistogram, byName: this.names.finalResults(elapsed) }
    const only = { ...this.#byName(elapsed)[this.#onlyName], latencyHistogram } as NameResult
    return { latencyHistogram, byName: { [this.#onlyName]: only } }
  }

  #generator(duration: number, lateness: LatencyHistogram | undefined): LoadResult['generator'] {
    const { cpu, eventLoopUtilization } = this.#cost.read()
    const late = lateness && lateness.count > 0 ? { lateness: lateness.percentile(0.99) } : {}
    const reason = saturationReason({
      eventLoopUtilization,
      duration,
      lateness,
      stalled: this.#stalls.total,
      ownLimit: this.#ownLimit,
    })
    const { requests } = this.recorder.outcomes
    return {
      eventLoopUtilization,
      ...late,
      cpuPerRequest: requests === 0 ? Number.NaN : cpu / requests,
      ...(reason === undefined ? {} : { reason }),
    }
  }
}
