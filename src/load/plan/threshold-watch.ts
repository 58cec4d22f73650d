import type { LoadResult } from '../../results/load-result.ts'
import { parsePath } from '../../results/figure-path.ts'
import { evaluateThresholds, type Threshold, type ThresholdOutcome } from '../../results/threshold.ts'

/** Milliseconds and attempts before which an average says nothing, and how much of a planned load. */
const MIN_TIME = 1_000
const MIN_ATTEMPTS = 100
const MIN_SHARE = 0.1
const MIN_TIME_AT_MOST = 10_000
/** Milliseconds for which an average must have failed without a break. */
const FAILING_FOR = 500

// Figures that only grow while a load runs.
const GROWING =
  /^(requests|messages|duration|dropped|(latency|duration)\.max|throughput\.bytes|(statusCodes|errors|collections)\..+|passed|failed|count)$/
// Figures of all requests so far. They can recover.
const AVERAGE = /^((latency|duration)\..+|errorRate|rate|((requests|messages)P|p)erSecond|throughput\.bytesPerSecond)$/
// Figures that are low until a ramp has reached its height.
const RATE = /perSecond$/i

/**
 * Returns the name of a figure, without the part of the result that it belongs to: a name, a check or the iterations.
 */
function figureOf(metric: string): string {
  const path = parsePath(metric)
  if (!Array.isArray(path)) return metric
  const keys = path.map(({ key }) => key)
  const part = keys[0] as string
  return keys
    .slice(['byName', 'checks'].includes(part) ? 2 : ['iterations', 'redirectedTo'].includes(part) ? 1 : 0)
    .join('.')
}

/** Attempts that a threshold is about: of its name, else of the load. */
function attemptsOf({ metric }: Threshold, result: LoadResult): number {
  const path = parsePath(metric)
  const name = Array.isArray(path) && path[0]?.key === 'byName' ? path[1]?.key : undefined
  if (name === undefined) return result.requests + result.errors.total + result.dropped
  const { requests = 0, errors } = result.byName[name] ?? {}
  return requests + (errors?.total ?? 0)
}

/** Whether a threshold that fails now also fails at the end of the load: `final`, it does; `average`, it may recover; `unknown`. */
function outlookOf({ metric, condition: { operator, bound } }: Threshold, value: number, ramps: boolean) {
  const upper = operator.startsWith('<') || (operator === '==' && value > bound)
  const figure = figureOf(metric)
  if (GROWING.test(figure)) return upper ? 'final' : 'unknown'
  if (/^(latency|duration)\.min$/.test(figure)) return upper ? 'unknown' : 'final'
  if (!AVERAGE.test(figure) || (ramps && RATE.test(figure) && !upper)) return 'unknown'
  return 'average'
}

/**
 * Decides when thresholds end a load (`abortOnFail`):
 * - at once, if a count is over its bound: it cannot recover;
 * - if an average (a rate, a percentile) has failed for half a second, and there were enough time and requests to judge
 *   it.
 *
 * A figure without data, and a count below its lower bound, wait for the end.
 */
export class ThresholdWatch {
  readonly #thresholds: readonly Threshold[]
  readonly #minTime: number
  readonly #ramps: boolean
  /** By threshold: milliseconds from the start since when its average has failed. */
  readonly #failingSince: (number | undefined)[]

  /** `ramps` where the load is to change while it runs. */
  constructor(
    thresholds: readonly Threshold[],
    { duration = 0, ramps }: { duration?: number | undefined; ramps: boolean },
  ) {
    this.#thresholds = thresholds
    this.#minTime = Math.max(MIN_TIME, Math.min(MIN_SHARE * duration, MIN_TIME_AT_MOST))
    this.#ramps = ramps
    this.#failingSince = thresholds.map(() => undefined)
  }

  /** Returns the outcomes of all thresholds if the load must end now. Call it with each new result. */
  judge(result: LoadResult): ThresholdOutcome[] | undefined {
    const outcomes = evaluateThresholds(result, this.#thresholds)
    const ends = outcomes.map(({ value, passed }, index) => {
      const threshold = this.#thresholds[index] as Threshold
      const failing = !passed && value !== null
      const outlook = failing ? outlookOf(threshold, value, this.#ramps) : 'unknown'
      const tooYoung = result.duration < this.#minTime || attemptsOf(threshold, result) < MIN_ATTEMPTS
      if (outlook !== 'average' || tooYoung) {
        this.#failingSince[index] = undefined
        return outlook === 'final'
      }
      const since = (this.#failingSince[index] ??= result.duration)
      return result.duration - since >= FAILING_FOR
    })
    return ends.includes(true) ? outcomes : undefined
  }
}
