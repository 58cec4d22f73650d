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
 * Returns the median of the slopes between neighbours of each series. It is about the slope of a line if memory grows
 * all the time, and about 0 if it grows in a few jumps. `NaN` if no two points differ in `x`.
 */
export function typicalSlope(...series: readonly (readonly Point[])[]): number {
  const slopes = series.flatMap((points) =>
    points.slice(1).flatMap(([x, y], index) => {
      const [xBefore, yBefore] = points[index] as Point
      return x > xBefore ? [(y - yBefore) / (x - xBefore)] : []
    }),
  )
  return median(slopes.sort((a, b) => a - b))
}
