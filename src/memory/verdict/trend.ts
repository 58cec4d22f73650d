import { normalTail, Z_99 } from './normal-distribution.ts'

/** A point of a series: `x` ascending. */
export type Point = readonly [x: number, y: number]

/** Up to this many points without ties the p-value is exact; beyond, the normal approximation is as good. */
const EXACT_UP_TO = 50

/**
 * Mann-Kendall's one-sided test for an upward trend. `pValue` is how likely series without a trend rise at least as
 * steadily. Several series are judged by pairs within each (the seasonal test of Hirsch and Slack, 1984), so that a
 * step between them is not a trend. Exact if no two values of a series are equal. Otherwise it is the normal
 * approximation, with the variance corrected for ties and no continuity correction. 1 for fewer than two points or
 * equal values.
 */
export function mannKendall(...series: readonly (readonly number[])[]): { s: number; pValue: number } {
  const s = series.reduce((sum, values) => sum + kendallScore(values), 0)
  const sizes = series.map((values) => values.length)
  const ties = series.map(tieSizes)
  if (ties.flat().length === 0 && Math.max(...sizes) <= EXACT_UP_TO) return { s, pValue: exactTail(sizes, s) }
  const variance = sizes.reduce((sum, n, index) => sum + kendallVariance(n, [ties[index] ?? []]), 0)
  return { s, pValue: variance <= 0 ? 1 : normalTail(s / Math.sqrt(variance)) }
}

function kendallScore(values: readonly number[]): number {
  let s = 0
  for (const [i, earlier] of values.entries()) for (const later of values.slice(i + 1)) s += Math.sign(later - earlier)
  return s
}

/** P(S >= s) over all orders of different values in series of such sizes, from the distribution of inversions. */
function exactTail(sizes: readonly number[], s: number): number {
  const { pairs, atMost } = inversions(sizes)
  // S = pairs - 2 x inversions, so S >= s means at most (pairs - s) / 2 inversions.
  return Math.min(1, atMost[Math.floor((pairs - s) / 2)] ?? 1)
}

interface Inversions {
  readonly pairs: number
  /** Probability of at most so many inversions. */
  readonly atMost: readonly number[]
}

/** A watch asks for the same few sizes at each of its looks. */
const INVERSIONS = new Map<string, Inversions>()
const MOST_KEPT = 200

function inversions(sizes: readonly number[]): Inversions {
  const key = sizes.join()
  const known = INVERSIONS.get(key)
  if (known) return known
  if (INVERSIONS.size >= MOST_KEPT) INVERSIONS.clear()
  const computed = computeInversions(sizes)
  INVERSIONS.set(key, computed)
  return computed
}

function computeInversions(sizes: readonly number[]): Inversions {
  let pairs = 0
  let probabilities = [1]
  for (const n of sizes) {
    for (let size = 2; size <= n; size += 1) {
      pairs += size - 1
      const next = Array.from({ length: pairs + 1 }, () => 0)
      for (const [inversions, probability] of probabilities.entries()) {
        for (let add = 0; add < size; add += 1)
          next[inversions + add] = (next[inversions + add] ?? 0) + probability / size
      }
      probabilities = next
    }
  }
  let sum = 0
  return { pairs, atMost: probabilities.map((probability) => (sum += probability)) }
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

/**
 * Theil and Sen's slope with Sen's 99 % interval. Several series are judged by pairs within each (Gilbert, Statistical
 * Methods for Environmental Pollution Monitoring, 1987, 17.5). Pairs with equal `x` are skipped; `NaN` if there are no
 * others.
 */
export function theilSen(...series: readonly (readonly Point[])[]): Slope {
  const slopes = series.flatMap(pairSlopes).sort((a, b) => a - b)
  if (slopes.length === 0) return { slope: NaN, interval: [NaN, NaN] }
  const variance = series.reduce((sum, points) => {
    return sum + kendallVariance(points.length, [tieSizes(points.map(([x]) => x)), tieSizes(points.map(([, y]) => y))])
  }, 0)
  const reach = Z_99 * Math.sqrt(Math.max(0, variance))
  const low = Math.max(roundHalfEven((slopes.length - reach) / 2) - 1, 0)
  const high = Math.min(roundHalfEven((slopes.length + reach) / 2), slopes.length - 1)
  return { slope: median(slopes), interval: [slopes[low] ?? NaN, slopes[high] ?? NaN] }
}

function pairSlopes(points: readonly Point[]): number[] {
  return points.flatMap(([xi, yi], i) =>
    points.slice(i + 1).flatMap(([xj, yj]) => (xj === xi ? [] : [(yj - yi) / (xj - xi)])),
  )
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
