import {
  COMPARED_METRICS,
  type ComparedMetric,
  type ComparedMetricName,
  type Comparison,
} from '../results/comparison.ts'
import { describeFinding } from '../results/comparison-text.ts'
import { changesOf, type BlockMetrics } from './block-values.ts'
import type { Tolerances } from './tolerance.ts'
import { median } from './statistics/location.ts'
import type { LookPlan } from './statistics/looks.ts'
import { blocksToDecide, estimateChange, joinVerdicts, judgeMetric, type JudgedMetric } from './verdict.ts'

/** What a metric that is only shown is held against. */
const SHOWN_TOLERANCE = 0.05

export interface Measured {
  readonly blocks: readonly BlockMetrics[]
  readonly tolerances: Tolerances
  readonly looks: LookPlan
}

const share = (logarithm: number) => Math.exp(logarithm) - 1

/** The metrics that are judged and have values. */
export function judgedOf({ blocks, tolerances }: Measured): JudgedMetric[] {
  return COMPARED_METRICS.flatMap((name) => {
    const tolerance = tolerances[name]
    const values = changesOf(blocks, name)
    return tolerance === undefined || values.length < 2 ? [] : [{ name, tolerance: Math.log(1 + tolerance), values }]
  })
}

function metricOf(name: ComparedMetricName, measured: Measured, judged: number): ComparedMetric {
  const { blocks, tolerances, looks } = measured
  const values = changesOf(blocks, name)
  const { value, low, high } = estimateChange(values, looks, judged)
  const tolerance = tolerances[name]
  return {
    base: median(blocks.map((block) => block[name].base).filter(Number.isFinite)),
    head: median(blocks.map((block) => block[name].head).filter(Number.isFinite)),
    change: share(value),
    interval: [share(low), share(high)],
    ...(tolerance === undefined ? {} : { tolerance }),
    verdict: judgeMetric({ value, low, high }, Math.log(1 + (tolerance ?? SHOWN_TOLERANCE))),
    blocks: values.map(share),
  }
}

/** Every metric as far as it is known. */
export function metricsOf(measured: Measured): Comparison['metrics'] {
  const judged = Math.max(1, Object.keys(measured.tolerances).length)
  return Object.fromEntries(
    COMPARED_METRICS.map((name) => [name, metricOf(name, measured, judged)]),
  ) as Comparison['metrics']
}

/** Verdict and sentence of blocks that nothing stands against. `perBlock` is what a block took, in milliseconds. */
export function concludeBlocks(
  measured: Measured,
  perBlock: number,
): Pick<Comparison, 'verdict' | 'reason' | 'metrics' | 'pairs' | 'moreTime'> {
  const { blocks, looks } = measured
  const metrics = metricsOf(measured)
  const judged = judgedOf(measured)
  const verdict = joinVerdicts(judged.map(({ name }) => metrics[name].verdict))
  const needed = verdict === 'inconclusive' && judged.length > 0 ? blocksToDecide(judged, looks) : undefined
  const moreTime = needed === undefined ? {} : { moreTime: Math.ceil(Math.max(1, needed - blocks.length) * perBlock) }
  const found = { verdict, metrics, pairs: blocks.length, ...moreTime }
  return { ...found, reason: describeFinding(found) }
}
