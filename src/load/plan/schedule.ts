/** A part of a schedule: a linear ramp from `from` to `to` over `duration` milliseconds. */
export interface Segment {
  readonly duration: number
  readonly from: number
  readonly to: number
}

/** Returns the value of a schedule at `elapsed` ms: interpolated within its segments, after them the last target. */
export function valueAt(segments: readonly Segment[], elapsed: number): number {
  let start = 0
  for (const { duration, from, to } of segments) {
    if (elapsed < start + duration) return from + ((to - from) * Math.max(0, elapsed - start)) / duration
    start += duration
  }
  return segments.at(-1)?.to ?? 0
}

/**
 * The arrivals of an open model, as a pure function of time. `rate` (per second) runs through the segments. Arrival `n`
 * (from 0) is due when `n` arrivals have accumulated: at a constant rate the first is due at 0, then one every `1000 /
 * rate` ms.
 */
export class ArrivalSchedule {
  readonly #segments: readonly Segment[]
  /** Arrivals accumulated, and milliseconds passed, at the start of each segment. */
  readonly #before: { arrivals: number; time: number }[] = []
  /** Arrivals of the whole schedule. */
  readonly total: number
  readonly duration: number
  // Callers ask for arrivals in order, so the search starts at the segment of the last one.
  #at = 0

  constructor(segments: readonly Segment[]) {
    this.#segments = segments
    let arrivals = 0
    let time = 0
    for (const { duration, from, to } of segments) {
      this.#before.push({ arrivals, time })
      arrivals += (((from + to) / 2) * duration) / 1_000
      time += duration
    }
    this.duration = time
    // An arrival at the very end is not part of the schedule. Rounding first keeps 2.0000000001 from becoming 3.
    this.total = Math.ceil(Number(arrivals.toPrecision(12)))
  }

  /** Milliseconds from the start at which arrival `n` is due; `Infinity` past the end. */
  dueAt(n: number): number {
    if (n >= this.total) return Infinity
    if ((this.#before[this.#at] as { arrivals: number }).arrivals > n) this.#at = 0
    while (this.#at + 1 < this.#before.length && (this.#before[this.#at + 1] as { arrivals: number }).arrivals <= n) {
      this.#at += 1
    }
    const { arrivals, time } = this.#before[this.#at] as { arrivals: number; time: number }
    const segment = this.#segments[this.#at] as Segment
    return time + timeToAccumulate(n - arrivals, segment)
  }

  /** How many arrivals are due by `elapsed`. */
  dueBy(elapsed: number): number {
    if (elapsed < 0) return 0
    if (elapsed >= this.duration) return this.total
    let index = this.#before.length - 1
    while (index > 0 && (this.#before[index] as { time: number }).time > elapsed) index -= 1
    const { arrivals, time } = this.#before[index] as { arrivals: number; time: number }
    const { duration, from, to } = this.#segments[index] as Segment
    const into = elapsed - time
    const accumulated = arrivals + (from * into + ((to - from) * into * into) / 2 / duration) / 1_000
    return Math.min(this.total, Math.floor(Number(accumulated.toPrecision(12))) + 1)
  }

  rateAt(elapsed: number): number {
    return valueAt(this.#segments, elapsed)
  }
}

/** Milliseconds into a segment until `count` arrivals have accumulated: the root of `from t + (to - from) t^2 / 2d = count`. */
function timeToAccumulate(count: number, { duration, from, to }: Segment): number {
  if (count <= 0) return 0
  const perMs = from / 1_000
  const slope = (to - from) / 1_000 / duration
  if (slope === 0) return count / perMs
  const root = Math.sqrt(Math.max(0, perMs * perMs + 2 * slope * count))
  // This form of the root does not cancel if the slope is small.
  return Math.min(duration, (2 * count) / (perMs + root))
}
