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
 * The share of a growth that its two largest steps make up: 2 / (n - 1) of a straight line, 1 of one or two jumps. Taken from
 * below (the lowest of each value and all that follow), where a spike that goes back is no step. 0 where nothing grew.
 */
export function shareOfTwoSteps(values: readonly number[]): number {
  const envelope = [...values]
  for (let at = envelope.length - 2; at >= 0; at -= 1) {
    envelope[at] = Math.min(envelope[at] ?? Infinity, envelope[at + 1] ?? Infinity)
  }
  const growth = (envelope.at(-1) ?? 0) - (envelope[0] ?? 0)
  if (growth <= 0) return 0
  const steps = envelope.slice(1).map((value, index) => value - (envelope[index] ?? 0))
  const [first = 0, second = 0] = steps.sort((a, b) => b - a)
  return (first + second) / growth
}
