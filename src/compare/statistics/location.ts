/** Where a series lies: robust within a block, plain over blocks. */

/** The value below which the share `at` (0 to 1) of an ascending series lies, interpolated; `NaN` for an empty one. */
export function quantile(ascending: ArrayLike<number>, at: number): number {
  if (ascending.length === 0) return Number.NaN
  const place = (ascending.length - 1) * at
  const low = Math.floor(place)
  const [from, to] = [ascending[low] as number, ascending[Math.min(low + 1, ascending.length - 1)] as number]
  return from + (to - from) * (place - low)
}

export function median(values: ArrayLike<number>): number {
  return quantile(Float64Array.from(values).sort(), 0.5)
}

/**
 * Mean of the middle half: a quarter of the values is cut at each end. It ignores the turns that a burst of the machine hit,
 * and uses more of the rest than the median does.
 */
export function middleHalfMean(values: ArrayLike<number>): number {
  const ascending = Float64Array.from(values).sort()
  const cut = Math.floor(ascending.length / 4)
  return mean(ascending.subarray(cut, ascending.length - cut))
}

/** `NaN` for an empty series. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let index = 0; index < values.length; index += 1) sum += values[index] as number
  return sum / values.length
}

/** Standard deviation of a sample (n - 1). */
export function deviation(values: ArrayLike<number>): number {
  const centre = mean(values)
  let squares = 0
  for (let index = 0; index < values.length; index += 1) squares += ((values[index] as number) - centre) ** 2
  return Math.sqrt(squares / (values.length - 1))
}
