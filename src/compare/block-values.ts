import type { Turn, TurnBlock, TurnSlice } from '../load/plan/turns-plan.ts'
import type { ComparedMetricName } from '../results/comparison.ts'
import { median, middleHalfMean } from './statistics/location.ts'

/** A metric in one block. */
export interface BlockMetric {
  /** ln(head / base); `NaN` where the block has nothing to tell it by. */
  readonly change: number
  /** Milliseconds. */
  readonly base: number
  readonly head: number
}

export type BlockMetrics = Readonly<Record<ComparedMetricName, BlockMetric>>

/** ln(head / base) of a figure for every two turns that follow on each other. */
function ratiosOfTurns(slices: readonly TurnSlice[], figure: (turn: Turn) => number | undefined): number[] {
  const ratios: number[] = []
  for (const { turns } of slices) {
    for (let index = 1; index < turns.length; index += 1) {
      const [before, after] = [turns[index - 1] as Turn, turns[index] as Turn]
      const [one, two] = [figure(before), figure(after)]
      // A figure of 0 is one that the clock was too coarse for.
      if (!one || !two || one < 0 || two < 0) continue
      ratios.push(after.side === 'head' ? Math.log(two / one) : Math.log(one / two))
    }
  }
  return ratios
}

function perTurn(slices: readonly TurnSlice[], figure: (turn: Turn) => number | undefined, unit: number): BlockMetric {
  const of = (side: Turn['side']) =>
    slices.flatMap(({ turns }) => turns.filter((turn) => turn.side === side).flatMap((turn) => figure(turn) ?? []))
  return {
    change: middleHalfMean(ratiosOfTurns(slices, figure)),
    base: middleHalfMean(of('base')) / unit,
    head: middleHalfMean(of('head')) / unit,
  }
}

function perSlice(slices: readonly TurnSlice[], percentile: 'p90' | 'p99'): BlockMetric {
  const ratios = slices
    .map((slice) => Math.log(slice[percentile].head / slice[percentile].base))
    .filter((ratio) => Number.isFinite(ratio))
  const of = (side: Turn['side']) => median(slices.map((slice) => slice[percentile][side]))
  return { change: ratios.length > 0 ? median(ratios) : Number.NaN, base: of('base'), head: of('head') }
}

/** CPU that probes counted by slice, in which each server has as many turns as the other. */
function cpuBySlice(slices: readonly TurnSlice[], requestsPerTurn: number): BlockMetric {
  const known = slices.flatMap(({ cpu, turns }) =>
    cpu ? [{ cpu, requests: (turns.length / 2) * requestsPerTurn }] : [],
  )
  const of = (side: Turn['side']) => median(known.map(({ cpu, requests }) => cpu[side] / requests))
  const ratios = known.map(({ cpu }) => Math.log(cpu.head / cpu.base)).filter(Number.isFinite)
  return { change: middleHalfMean(ratios), base: of('base'), head: of('head') }
}

/**
 * Reduces a block to one value for each metric. Turns are paired with their neighbours, since the machine changes its speed every
 * 100 to 200 ms; the middle half of the pairs leaves out what collections and bursts did. Percentiles need more than a turn.
 */
export function metricsOfBlock({ slices, requestsPerTurn }: TurnBlock): BlockMetrics {
  return {
    cpuPerRequest: slices.some(({ cpu }) => cpu)
      ? cpuBySlice(slices, requestsPerTurn)
      : perTurn(slices, ({ cpu }) => cpu, requestsPerTurn),
    timePerRequest: perTurn(slices, ({ time }) => time, requestsPerTurn),
    'latency.p50': perTurn(slices, ({ p50 }) => p50, 1),
    'latency.p90': perSlice(slices, 'p90'),
    'latency.p99': perSlice(slices, 'p99'),
  }
}

/** Whether every turn has its CPU; or, where probes are asked for it, at least half of the slices. */
export function hasCpu({ slices }: TurnBlock): boolean {
  const known = slices.filter(({ cpu }) => cpu !== undefined)
  if (known.length > 0) return known.length * 2 >= slices.length
  return slices.length > 0 && slices.every(({ turns }) => turns.every(({ cpu }) => cpu !== undefined))
}

/** The values of a metric over blocks, without those that could not tell. */
export function changesOf(blocks: readonly BlockMetrics[], name: ComparedMetricName): number[] {
  return blocks.map((block) => block[name].change).filter((change) => Number.isFinite(change))
}
