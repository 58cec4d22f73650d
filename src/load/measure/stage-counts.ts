import { LatencyHistogram } from '../../results/latency-histogram.ts'
import type { EncodedHistogram, LoadStageResult } from '../../results/load-result.ts'
import type { LoadPlan } from '../plan/load-plan.ts'

/** What one stage of a load counts. */
export interface StageCount {
  /** Milliseconds from the start of the load to its end. */
  readonly end: number
  readonly latency: LatencyHistogram
  requests: number
  errors: number
  dropped: number
}

type PlannedStages = NonNullable<LoadPlan['stages']>

/** Counts a load by its stages. Times are milliseconds from the start of the load. */
export class StageCounts {
  readonly #planned: PlannedStages
  readonly #counts: readonly StageCount[]
  /** As they were at the end of the last interval: there may be a hundred. */
  #results: LoadStageResult[] | undefined

  constructor(planned: PlannedStages) {
    this.#planned = planned
    let end = 0
    this.#counts = planned.map(({ duration }) => {
      end += duration
      return { end, latency: new LatencyHistogram(), requests: 0, errors: 0, dropped: 0 }
    })
  }

  at(time: number): StageCount | undefined {
    // Minus a nanosecond: an arrival due with the next stage must not count in this one by rounding.
    return this.#counts.find(({ end }) => time < end - 1e-6) ?? this.#counts.at(-1)
  }

  endInterval(): void {
    this.#results = undefined
  }

  encode(): EncodedHistogram[] {
    return this.#counts.map(({ latency }) => latency.encode())
  }

  /** Of the stages that had begun by `elapsed`. */
  results(elapsed: number): LoadStageResult[] {
    return (this.#results ??= this.#counts
      .map((count, index) => resultOf(count, this.#planned[index] as PlannedStages[number], elapsed))
      .filter(({ duration }, index) => duration > 0 || index === 0))
  }
}

function resultOf(count: StageCount, planned: PlannedStages[number], elapsed: number): LoadStageResult {
  const { end, latency, requests, errors, dropped } = count
  const { connections, rate } = planned as { connections?: number; rate?: number }
  const startedAt = end - planned.duration
  const duration = Math.max(0, Math.min(planned.duration, elapsed - startedAt))
  return {
    startedAt,
    duration,
    ...(connections === undefined ? {} : { connections }),
    ...(rate === undefined ? {} : { rate }),
    requests,
    requestsPerSecond: duration > 0 ? (requests * 1_000) / duration : 0,
    latency: latency.summary(),
    errors,
    dropped,
  }
}
