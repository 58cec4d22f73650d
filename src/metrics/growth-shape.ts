import { median, type Point } from './trend.ts'

/** The largest fall from any earlier value, without spikes of a single value (requests in flight, caught in the middle). */
export function largestFall(values: readonly number[]): number {
  let highest = -Infinity
  let fall = 0
  for (const value of withoutSpikes(values)) {
    highest = Math.max(highest, value)
    fall = Math.max(fall, highest - value)
  }
  return fall
}

/** Each value replaced by the median of itself and its neighbours; the first and the last by the milder of two. */
function withoutSpikes(values: readonly number[]): number[] {
  return values.map((value, index) => {
    const before = values[index - 1] ?? value
    const after = values[index + 1] ?? value
    return median([before, value, after].sort((x, y) => x - y))
  })
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
