import type { EncodedHistogram, LatencySpectrum, LatencySummary } from './load-result.ts'

// A value's bucket is the head of its own bits as a 32-bit float: the exponent and the first ten bits of the mantissa. So a
// bucket is at most 2^-10 of its value wide, and its middle at most 2^-11 (0.05 %) away from every value in it.
const MANTISSA_BITS = 10
const SHIFT = 23 - MANTISSA_BITS
const BUCKETS_PER_OCTAVE = 1 << MANTISSA_BITS
/** Smallest value told apart: 2^-10 ms, about 1 µs. Values below it share the first bucket. */
const LOWEST_EXPONENT = -10
/** Largest value told apart: 2^23 ms, about 2.3 hours. Values above it share the last bucket. */
const HIGHEST_EXPONENT = 23
const OCTAVES = HIGHEST_EXPONENT - LOWEST_EXPONENT
const WITHIN_OCTAVE = BUCKETS_PER_OCTAVE - 1
const BUCKETS = OCTAVES * BUCKETS_PER_OCTAVE
const OFFSET = (127 + LOWEST_EXPONENT) * BUCKETS_PER_OCTAVE

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

function bucketOf(value: number): number {
  float[0] = value
  const bucket = ((bits[0] as number) >>> SHIFT) - OFFSET
  return bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS - 1 : bucket
}

function bucketMiddle(bucket: number): number {
  bits[0] = ((bucket + OFFSET) << SHIFT) | (1 << (SHIFT - 1))
  return float[0] as number
}

/**
 * A histogram of response times in milliseconds, in buckets that are at most 0.1 % of their value wide.
 *
 * - Exact: `count`, `min`, `max`; the mean and the standard deviation (of the population, by Welford's method) but for rounding.
 * - A percentile is the middle of the bucket that holds the value of that rank: at most 0.05 % away from the value, between
 *   1 µs and 2.3 h. Values below and above count in the first and the last bucket.
 * - Merging loses nothing: the histogram of two loads is that of one load with the requests of both.
 * - Memory: 4 KB for each octave (a factor of two) in which there are values, mostly 20 to 50 KB.
 */
export class LatencyHistogram {
  /** Counts by octave, 4 KB each, made when first needed: a load may have a thousand histograms. */
  readonly #octaves: (Uint32Array | undefined)[] = new Array<undefined>(OCTAVES).fill(undefined)
  /** The sum of each octave: a percentile walks the buckets of one octave alone. */
  readonly #sums = new Float64Array(OCTAVES)
  #lowest = BUCKETS
  #highest = -1
  #count = 0
  #min = Infinity
  #max = -Infinity
  #mean = 0
  #spread = 0

  get count(): number {
    return this.#count
  }

  get max(): number {
    return this.#count === 0 ? Number.NaN : this.#max
  }

  #octave(index: number): Uint32Array {
    return (this.#octaves[index] ??= new Uint32Array(BUCKETS_PER_OCTAVE))
  }

  /** The count in a bucket between the lowest and the highest in use. */
  #at(bucket: number): number {
    return this.#octaves[bucket >>> MANTISSA_BITS]?.[bucket & WITHIN_OCTAVE] ?? 0
  }

  record(milliseconds: number): void {
    const value = milliseconds > 0 ? milliseconds : 0
    const bucket = bucketOf(value)
    const octave = bucket >>> MANTISSA_BITS
    ;(this.#octave(octave)[bucket & WITHIN_OCTAVE] as number) += 1
    ;(this.#sums[octave] as number) += 1
    if (bucket < this.#lowest) this.#lowest = bucket
    if (bucket > this.#highest) this.#highest = bucket
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
    this.#count += 1
    // Welford's running mean and spread: exact to rounding, whatever the order and the number of values.
    const delta = value - this.#mean
    this.#mean += delta / this.#count
    this.#spread += delta * (value - this.#mean)
  }

  /** Adds all of `other` to this one, as if every value had been recorded here. */
  merge(other: LatencyHistogram): void {
    if (other.#count === 0) return
    for (let index = other.#lowest >>> MANTISSA_BITS; index <= other.#highest >>> MANTISSA_BITS; index += 1) {
      const from = other.#octaves[index]
      if (from === undefined) continue
      const to = this.#octave(index)
      for (let at = 0; at < BUCKETS_PER_OCTAVE; at += 1) (to[at] as number) += from[at] as number
      ;(this.#sums[index] as number) += other.#sums[index] as number
    }
    this.#lowest = Math.min(this.#lowest, other.#lowest)
    this.#highest = Math.max(this.#highest, other.#highest)
    this.#mergeMoments(other.#count, other.#min, other.#max, other.#mean, other.#spread)
  }

  #mergeMoments(count: number, min: number, max: number, mean: number, spread: number): void {
    const total = this.#count + count
    const delta = mean - this.#mean
    this.#mean += (delta * count) / total
    this.#spread += spread + (delta * delta * this.#count * count) / total
    this.#count = total
    this.#min = Math.min(this.#min, min)
    this.#max = Math.max(this.#max, max)
  }

  /** Forgets everything. Cheap: only the octaves that were in use are cleared. */
  reset(): void {
    for (const [index, sum] of this.#sums.entries()) if (sum > 0) this.#octaves[index]?.fill(0)
    this.#sums.fill(0)
    this.#lowest = BUCKETS
    this.#highest = -1
    this.#count = 0
    this.#min = Infinity
    this.#max = -Infinity
    this.#mean = 0
    this.#spread = 0
  }

  /** The smallest value that at least `ratio` (0 to 1) of all values do not exceed (nearest rank). `NaN` without data. */
  percentile(ratio: number): number {
    return this.percentiles([ratio])[0] as number
  }

  /** Several percentiles in one pass; `ratios` ascend. */
  percentiles(ratios: readonly number[]): number[] {
    if (this.#count === 0) return ratios.map(() => Number.NaN)
    const values: number[] = []
    let octave = this.#lowest >>> MANTISSA_BITS
    /** Values in the octaves before, and those up to and with the bucket `at` of this one. */
    let passed = 0
    let seen = 0
    let at = -1
    for (const ratio of ratios) {
      // Rounded to twelve digits first: 0.999 * 1000 must be rank 999, not 999.0000000000001.
      const rank = Math.min(this.#count, Math.max(1, Math.ceil(Number((ratio * this.#count).toPrecision(12)))))
      while (passed + (this.#sums[octave] as number) < rank) {
        passed = seen = passed + (this.#sums[octave] as number)
        octave += 1
        at = -1
      }
      const counts = this.#octave(octave)
      while (seen < rank) seen += counts[++at] as number
      const middle = bucketMiddle(octave * BUCKETS_PER_OCTAVE + at)
      values.push(
        rank === 1 ? this.#min : rank === this.#count ? this.#max : Math.min(this.#max, Math.max(this.#min, middle)),
      )
    }
    return values
  }

  summary(): LatencySummary {
    const [p50, p75, p90, p95, p99, p999] = this.percentiles([0.5, 0.75, 0.9, 0.95, 0.99, 0.999]) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    if (this.#count === 0) {
      return { min: p50, average: p50, stddev: p50, p50, p75, p90, p95, p99, p999, max: p50 }
    }
    const stddev = Math.sqrt(this.#spread / this.#count)
    return { min: this.#min, average: this.#mean, stddev, p50, p75, p90, p95, p99, p999, max: this.#max }
  }

  /** The percentile curve, ever finer towards the top: about ten points for each halving of the share that is slower. */
  spectrum(): LatencySpectrum {
    if (this.#count === 0) return []
    const ratios = [0]
    for (let half = 1; half > 1 / this.#count && ratios.length < 110; half /= 2) {
      for (let step = 1; step <= 5; step += 1) ratios.push(1 - half + (half / 2) * (step / 5))
    }
    if (ratios.at(-1) !== 1) ratios.push(1)
    const values = this.percentiles(ratios)
    return ratios.map((ratio, index) => [ratio, values[index] as number])
  }

  /** The middle of each bucket in use, and its count, from the lowest up. */
  *buckets(): Iterable<readonly [value: number, count: number]> {
    for (let bucket = this.#lowest; bucket <= this.#highest; bucket += 1) {
      const count = this.#at(bucket)
      if (count > 0) yield [bucketMiddle(bucket), count]
    }
  }

  encode(): EncodedHistogram {
    const buckets: number[] = []
    let last = 0
    for (let bucket = this.#lowest; bucket <= this.#highest; bucket += 1) {
      const count = this.#at(bucket)
      if (count === 0) continue
      buckets.push(bucket - last, count)
      last = bucket
    }
    const [min, max] = this.#count === 0 ? [null, null] : [this.#min, this.#max]
    return { buckets, count: this.#count, min, max, mean: this.#mean, spread: this.#spread }
  }

  static decode(encoded: EncodedHistogram): LatencyHistogram {
    const histogram = new LatencyHistogram()
    const { count, min, max, mean, spread } = encoded
    if (min === null || max === null) return histogram
    let bucket = 0
    for (let index = 0; index < encoded.buckets.length; index += 2) {
      bucket += encoded.buckets[index] as number
      const here = encoded.buckets[index + 1] as number
      histogram.#octave(bucket >>> MANTISSA_BITS)[bucket & WITHIN_OCTAVE] = here
      ;(histogram.#sums[bucket >>> MANTISSA_BITS] as number) += here
      histogram.#lowest = Math.min(histogram.#lowest, bucket)
      histogram.#highest = bucket
    }
    histogram.#mergeMoments(count, min, max, mean, spread)
    return histogram
  }
}
