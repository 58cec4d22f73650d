import { randomUUID } from 'node:crypto'
import { LoadError, PerfAbortError } from '../../errors.ts'
import { timeLeft } from '../../lifecycle/attempt.ts'
import { realClock, type Clock } from '../../lifecycle/clock.ts'
import { optionIssue, rejectIssues } from '../../option-issues.ts'
import type { Capacity, CapacityLimit, CapacityStep } from '../../results/capacity.ts'
import type { LoadProgress, LoadResult } from '../../results/load-result.ts'
import { tagMeasurement } from '../../results/measurement-id.ts'
import { evaluateThresholds, parseThresholds, type Threshold } from '../../results/threshold.ts'
import { readSettings } from '../../settings.ts'
import { formatCount, formatDuration, formatRate, milliseconds } from '../../units.ts'
import {
  CAPACITY_DEFAULTS,
  findCapacityOptionIssues,
  parsePrecision,
  type CapacityOptions,
} from '../plan/capacity-options.ts'
import { boundsOf, nextStep, type CapacityRange } from '../plan/capacity-search.ts'
import type { LoadOptions } from '../plan/load-options.ts'
import type { LoadContext } from './load-context.ts'
import type { CapacityProgress } from './load-observer.ts'

/** Steps that a search takes, roughly: it shares its time out among them. */
const STEPS = 15
const STEP = { least: 800, most: 10_000 }
/** Share of a step that is not measured: connections open and queues settle. */
const WARMUP = 0.2
/** Milliseconds between two steps, in which what the step before left behind is worked off. */
const MARGIN = 1_000
/** Share of the arrivals that must have been answered: a server that falls further behind does not hold the rate. */
const SUSTAINED = 0.95
const HIGHEST = 1_000_000

export type RunStep = (
  options: LoadOptions,
  context: LoadContext,
  onProgress: (progress: LoadProgress) => void,
) => Promise<LoadResult>

/** Options of loads that the search sets itself: a default of theirs would change what a step is. */
function stepDefaults(defaults: Partial<LoadOptions> = {}): Partial<LoadOptions> {
  const {
    rate: _r,
    stages: _s,
    amount: _a,
    duration: _d,
    warmup: _w,
    thresholds: _t,
    abortOnFail: _f,
    ...kept
  } = defaults
  const { pipelining: _p, profile: _o, progressInterval: _i, ...rest } = kept
  return rest
}

function withoutEnvironmentDuration(env: LoadContext['env'] = process.env): NonNullable<LoadContext['env']> {
  const { VITEST_PERF_LOAD_DURATION: _, ...rest } = env
  return rest
}

/** One search, from its options to its result. */
export class CapacityRun {
  readonly #options: CapacityOptions
  readonly #context: LoadContext
  readonly #runStep: RunStep
  readonly #id = randomUUID()
  readonly #range: CapacityRange
  readonly #duration: number
  readonly #thresholds: readonly Threshold[]
  readonly #steps: CapacityStep[] = []
  readonly #clock: Clock
  readonly #start: number
  #url = ''
  #stopped = false

  /** @throws PerfOptionsError with every mistake in the options. */
  constructor(options: CapacityOptions, context: LoadContext, runStep: RunStep) {
    this.#clock = context.worker?.clock ?? realClock
    this.#start = this.#clock.now()
    const base = context.server?.()?.url ?? readSettings(context.env ?? process.env).serverUrl
    const issues = findCapacityOptionIssues(options, { absoluteUrl: base === undefined && !context.resolveUrl })
    const duration =
      readSettings(context.env ?? process.env).loadDuration ??
      milliseconds(options?.duration ?? CAPACITY_DEFAULTS.duration)
    const left = context.lifetime ? timeLeft(context.lifetime) : Infinity
    if (issues.length === 0 && duration + MARGIN > left) {
      const suggested = Math.ceil(((context.lifetime?.timeout ?? left) - left + duration + MARGIN) / 5_000 + 1) * 5_000
      const message = `The search may take ${formatDuration(duration)}, but its test has ${formatDuration(Math.max(0, left))} left; give the test a timeout of at least ${suggested} ms: test(name, { timeout: ${suggested} }, fn), or the search a shorter \`duration\``
      issues.push({ ...optionIssue('duration', `at most ${Math.floor(left - MARGIN)} ms`, duration), message })
    }
    rejectIssues('options of findCapacity', issues)
    this.#options = options
    this.#context = context
    this.#runStep = runStep
    this.#duration = duration
    this.#range = {
      from: options.from,
      to: options.to ?? HIGHEST,
      precision: parsePrecision(options.precision ?? CAPACITY_DEFAULTS.precision) ?? CAPACITY_DEFAULTS.precision,
    }
    this.#thresholds = parseThresholds(options.thresholds).conditions
  }

  get #elapsed(): number {
    return this.#clock.now() - this.#start
  }

  get id(): string {
    return this.#id
  }

  get title(): string {
    return (
      this.#options.title ??
      `capacity of ${this.#options.scenario === undefined ? (this.#options.url ?? '/') : String(this.#options.scenario)}`
    )
  }

  /** Ends the search after the step under way. */
  stop(): void {
    this.#stopped = true
  }

  async run(onProgress: (progress: CapacityProgress) => void): Promise<Capacity> {
    const length = Math.min(STEP.most, Math.max(STEP.least, this.#duration / STEPS))
    for (;;) {
      const next = nextStep(this.#steps, this.#range)
      if ('done' in next) return this.#result(true, false)
      if (this.#stopped || this.#elapsed + length > this.#duration) return this.#result(false, this.#stopped)
      try {
        await this.#step(next.rate, next.attempt, length, onProgress)
      } catch (error) {
        throw this.#failure(error)
      }
    }
  }

  async #step(
    rate: number,
    attempt: number,
    length: number,
    onProgress: (progress: CapacityProgress) => void,
  ): Promise<void> {
    const { from: _f, to: _t, precision: _p, duration: _d, thresholds: _h, title: _n, ...load } = this.#options
    const tell = (progress?: LoadProgress) => {
      const elapsed = this.#elapsed
      const planned = this.#duration
      const bounds = boundsOf(this.#steps)
      onProgress({
        title: this.title,
        progress: Math.min(1, elapsed / planned),
        elapsed,
        planned,
        rate,
        ...bounds,
        ...(progress ? { load: progress } : {}),
      })
    }
    tell()
    const crowd =
      load.scenario === undefined
        ? { connections: load.connections ?? CAPACITY_DEFAULTS.connections }
        : { virtualUsers: load.virtualUsers ?? CAPACITY_DEFAULTS.virtualUsers }
    const options: LoadOptions = {
      ...load,
      ...crowd,
      rate,
      duration: length * (1 - WARMUP),
      warmup: { duration: length * WARMUP },
    }
    const context: LoadContext = {
      ...this.#context,
      defaults: stepDefaults(this.#context.defaults),
      env: withoutEnvironmentDuration(this.#context.env),
      round: `step${this.#steps.length + 1}`,
    }
    const result = await this.#runStep(options, context, tell)
    this.#url = result.url
    // Ended by `stop()`: what it measured is not a step.
    if (result.aborted) this.#stopped = true
    else this.#steps.push(this.#judge(rate, attempt, result))
  }

  #judge(rate: number, attempt: number, whole: LoadResult): CapacityStep {
    const { samples: _samples, latencyHistogram: _histogram, ...result } = whole
    const thresholds = evaluateThresholds(whole, this.#thresholds)
    const missed = thresholds.filter(({ passed }) => !passed)
    const answered =
      (this.#options.scenario === undefined ? whole.requestsPerSecond : (whole.iterations?.perSecond ?? 0)) / rate
    const failures = [
      ...(answered < SUSTAINED ? [`only ${(answered * 100).toFixed(0)} % of the arrivals were answered in time`] : []),
      ...missed.map(
        ({ metric, expression, value }) =>
          `${metric} was ${value === null ? 'without data' : Number(value.toPrecision(4))} (${expression})`,
      ),
    ]
    // What holds, holds: a load process that was late has only made the latencies longer.
    const limit = whole.saturated && failures.length > 0
    const reasons = limit
      ? [`the load process was the limit (${whole.generator.reason ?? 'it was busy'})`, ...failures]
      : failures
    return {
      rate,
      holds: reasons.length === 0,
      attempt,
      ...(reasons.length > 0 ? { reason: reasons.join('; ') } : {}),
      saturated: limit,
      thresholds,
      result,
    }
  }

  #result(done: boolean, aborted: boolean): Capacity {
    const { holds, fails } = boundsOf(this.#steps)
    const limitedBy = this.#limit(holds, fails)
    const capacity: Capacity = {
      ...(this.#options.title === undefined ? {} : { title: this.#options.title }),
      url: this.#url || (this.#options.url ?? ''),
      startedAt: Math.round(this.#clock.origin + this.#start),
      duration: this.#elapsed,
      rate: holds,
      interval: [holds, fails ?? null],
      limitedBy,
      precise: done,
      reason: this.#reason(holds, fails, limitedBy, done),
      steps: this.#steps,
      aborted,
    }
    tagMeasurement(capacity, this.#id)
    return capacity
  }

  /** What stands at the upper end of the interval. */
  #limit(holds: number, fails: number | undefined): CapacityLimit {
    if (fails === undefined) return holds >= this.#range.to ? 'to' : 'threshold'
    const limiting = this.#steps.findLast((step) => step.rate === fails && !step.holds)
    return limiting?.saturated ? 'generator' : 'threshold'
  }

  #reason(holds: number, fails: number | undefined, limitedBy: CapacityLimit, done: boolean): string {
    const over = done
      ? ''
      : ' The time was over before the interval was as narrow as `precision` asks: give it more `duration`.'
    if (holds === 0) {
      const last = this.#steps.findLast((step) => !step.holds)
      return `Nothing held, not even ${formatRate(last?.rate)}: ${last?.reason ?? 'no step was measured'}.${over}`
    }
    if (fails === undefined) {
      return limitedBy === 'to'
        ? `It holds ${formatRate(holds)}, the highest rate asked for (\`to\`).`
        : `It holds ${formatRate(holds)}, and nothing higher was tried.${over}`
    }
    const failed = this.#steps.findLast((step) => step.rate === fails && !step.holds)
    return `It holds ${formatRate(holds)} and not ${formatRate(fails)}: there ${failed?.reason ?? 'it failed'}.${over}`
  }

  #failure(error: unknown): unknown {
    if (error instanceof PerfAbortError) {
      const { message, cause } = error
      return new PerfAbortError<Capacity>(
        `The search for the capacity was aborted after ${formatCount(this.#steps.length)} steps: ${message}`,
        {
          cause,
          partial: this.#result(false, true),
        },
      )
    }
    if (!(error instanceof LoadError)) return error
    return new LoadError<Capacity>(
      `The search for the capacity failed after ${formatCount(this.#steps.length)} steps: ${error.message}`,
      {
        cause: error,
        partial: this.#result(false, true),
      },
    )
  }
}
