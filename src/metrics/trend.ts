import { normalTail, Z_99 } from './normal-distribution.ts'

/** A point of a series: `x` ascending. */
export type Point = readonly [x: number, y: number]

/** Up to this many points without ties the p-value is exact; beyond, the normal approximation is as good. */
const EXACT_UP_TO = 50

/**
 * Mann-Kendall's test for an upward trend, one-sided: how likely a series without trend would rise at least as steadily.
 * Exact where no two values are equal; else the normal approximation with the variance corrected for ties, without a
 * continuity correction. 1 for fewer than two points or equal values.
 */
export function mannKendall(values: readonly number[]): { s: number; pValue: number } {
  const n = values.length
  let s = 0
  for (let i = 0; i < n; i += 1) {
    for (let j = i + 1; j < n; j += 1) s += Math.sign((values[j] ?? 0) - (values[i] ?? 0))
  }
  const ties = tieSizes(values)
  if (ties.length === 0 && n <= EXACT_UP_TO) return { s, pValue: n < 2 ? 1 : exactTail(n, s) }
  const variance = kendallVariance(n, [ties])
  return { s, pValue: variance <= 0 ? 1 : normalTail(s / Math.sqrt(variance)) }
}

/** P(S >= s) over all orders of n different values, from the distribution of inversions. */
function exactTail(n: number, s: number): number {
  const pairs = (n * (n - 1)) / 2
  let probabilities = [1]
  for (let size = 2; size <= n; size += 1) {
    const next = Array.from({ length: (size * (size - 1)) / 2 + 1 }, () => 0)
    for (const [inversions, probability] of probabilities.entries()) {
      for (let add = 0; add < size; add += 1)
        next[inversions + add] = (next[inversions + add] ?? 0) + probability / size
    }
    probabilities = next
  }
  // S = pairs - 2 x inversions, so S >= s means at most (pairs - s) / 2 inversions.
  return Math.min(
    1,
    probabilities.slice(0, Math.floor((pairs - s) / 2) + 1).reduce((sum, probability) => sum + probability, 0),
  )
}

function tieSizes(values: readonly number[]): number[] {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts.values()].filter((count) => count > 1)
}

function kendallVariance(n: number, tieGroups: readonly (readonly number[])[]): number {
  const weight = (k: number) => k * (k - 1) * (2 * k + 5)
  return tieGroups.flat().reduce((sum, size) => sum - weight(size), weight(n)) / 18
}

export interface Slope {
  /** Median of the slopes of all pairs of points (Theil-Sen). */
  slope: number
  /** Sen's 99 % confidence interval of it. */
  interval: [low: number, high: number]
}

/** Theil and Sen's slope with Sen's 99 % interval. Pairs with equal `x` say nothing; `NaN` where there is no other. */
export function theilSen(points: readonly Point[]): Slope {
  const slopes: number[] = []
  for (const [i, [xi, yi]] of points.entries()) {
    for (const [xj, yj] of points.slice(i + 1)) if (xj !== xi) slopes.push((yj - yi) / (xj - xi))
  }
  if (slopes.length === 0) return { slope: NaN, interval: [NaN, NaN] }
  slopes.sort((a, b) => a - b)
  const ties = [tieSizes(points.map(([x]) => x)), tieSizes(points.map(([, y]) => y))]
  const reach = Z_99 * Math.sqrt(Math.max(0, kendallVariance(points.length, ties)))
  const low = Math.max(roundHalfEven((slopes.length - reach) / 2) - 1, 0)
  const high = Math.min(roundHalfEven((slopes.length + reach) / 2), slopes.length - 1)
  return { slope: median(slopes), interval: [slopes[low] ?? NaN, slopes[high] ?? NaN] }
}

/** Median of ascending numbers. */
export function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
