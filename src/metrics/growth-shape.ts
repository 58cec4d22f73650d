import { median, type Point } from './trend.ts'

/** The largest fall from any earlier value. */
export function largestFall(values: readonly number[]): number {
  let highest = -Infinity
  let fall = 0
  for (const value of values) {
    highest = Math.max(highest, value)
    fall = Math.max(fall, highest - value)
  }
  return fall
}

/**
 * Median of the slopes between neighbours: about the slope of a line for what grows all the time, about 0 for what grows in a
 * few jumps. `NaN` where no two points differ in `x`.
 */
export function typicalSlope(points: readonly Point[]): number {
  const slopes: number[] = []
  let before: Point | undefined
  for (const point of points) {
    if (before && point[0] > before[0]) slopes.push((point[1] - before[1]) / (point[0] - before[0]))
    before = point
  }
  return median(slopes.sort((a, b) => a - b))
}
