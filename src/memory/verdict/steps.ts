import { logGamma, studentTail } from './student-t.ts'
import { median, type Point } from './trend.ts'

/** What the steps between neighbours say about growth. */
export interface StepTest {
  /** How likely a series whose steps are as often down as up, and 0 on average, would rise like this. */
  readonly pValue: number
  /** Student's t of the mean step. */
  readonly t: number
}

/** About so many blocks are compared: fewer have too few steps, more have too much of each value's own noise. */
const BLOCKS = 9

/**
 * Tests whether a series rises by more than it wanders.
 *
 * Mann-Kendall's test assumes independent values. Memory that wanders (a working set that follows its users, an AR(1)
 * process, a random walk) rises for a while as steadily as a leak: the test accuses 4 to 12 of 100 such series.
 * Corrections of its variance by autocorrelation (Hamed and Rao 1998, Yue and Wang 2004) need longer series: over 20
 * values they still accuse 2 to 11. The steps of a wandering series are independent, so this tests the steps.
 *
 * It makes two tests and returns twice the smaller p-value (Bonferroni). One is Student's t of the mean step between
 * medians of blocks, weighed by the distance in `x`. The other is the sign test of all steps, which finds a table that
 * doubles. Several series are judged by the steps within each. `pValue` is 1 for fewer than three steps.
 */
export function testSteps(...series: readonly (readonly Point[])[]): StepTest {
  const smooth = series.map(withoutSpikes)
  const { t, degrees } = meanStep(smooth)
  const ofMean = degrees < 2 ? 1 : studentTail(t, degrees)
  return { t, pValue: Math.min(1, 2 * Math.min(ofMean, signTail(smooth))) }
}

/**
 * A value that exceeds both neighbours by more than this many times their difference is a spike: a page that V8 had set
 * aside, or data under way.
 */
const SPIKE = 1

function withoutSpikes(points: readonly Point[]): Point[] {
  return points.map((point, index) => {
    const [before, after] = [points[index - 1]?.[1], points[index + 1]?.[1]]
    if (before === undefined || after === undefined) return point
    const above = point[1] - Math.max(before, after)
    return above > SPIKE * Math.abs(after - before) && above > 0 ? [point[0], (before + after) / 2] : point
  })
}

function meanStep(series: readonly (readonly Point[])[]): { t: number; degrees: number } {
  const length = series.reduce((sum, points) => sum + points.length, 0)
  const size = Math.max(1, Math.round(length / BLOCKS))
  const steps = series.flatMap((points) => stepsOf(blocksOf(points, size)))
  const [distance, rise] = steps.reduce(([sumX, sumY], [x, y]) => [sumX + x, sumY + y], [0, 0])
  const slope = rise / distance
  const variance = steps.reduce((sum, [x, y]) => sum + (y - slope * x) ** 2 / x, 0) / (steps.length - 1)
  // Steps between means of a random walk's blocks are correlated: their sum varies by more than they do.
  const correlation = (2 * size * size + 1) / (3 * size * size)
  const error = Math.sqrt(variance / distance / correlation)
  return { t: slope === 0 || Number.isNaN(slope) ? 0 : slope / error, degrees: steps.length - 1 }
}

function stepsOf(points: readonly Point[]): Point[] {
  return points.slice(1).flatMap(([x, y], index) => {
    const [xBefore, yBefore] = points[index] as Point
    return x > xBefore ? [[x - xBefore, y - yBefore] as const] : []
  })
}

/** Blocks of about `size` points, as one point each. */
function blocksOf(points: readonly Point[], size: number): Point[] {
  const count = Math.max(1, Math.round(points.length / size))
  return Array.from({ length: points.length === 0 ? 0 : count }, (_, block) => {
    const part = points.slice(
      Math.round((block * points.length) / count),
      Math.round(((block + 1) * points.length) / count),
    )
    const x = part.reduce((sum, [at]) => sum + at, 0) / part.length
    return [x, median(part.map(([, y]) => y).sort((a, b) => a - b))] as const
  })
}

/** P(at least so many steps up), where up and down are as likely. Steps of 0 say nothing. */
function signTail(series: readonly (readonly Point[])[]): number {
  const signs = series.flatMap((points) => stepsOf(points).map(([, y]) => Math.sign(y))).filter((sign) => sign !== 0)
  const up = signs.filter((sign) => sign > 0).length
  const logChoose = (n: number, k: number) => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)
  let tail = 0
  for (let k = up; k <= signs.length; k += 1) tail += Math.exp(logChoose(signs.length, k) - signs.length * Math.LN2)
  return Math.min(1, tail)
}
