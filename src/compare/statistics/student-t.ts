/** Student's t distribution: its upper tail and the quantiles that confidence intervals need. */

/** Natural logarithm of the gamma function for `x` > 0 (Lanczos, g = 7, n = 9; relative error below 1e-14). */
function logGamma(x: number): number {
  let sum = LANCZOS[0] as number
  for (let index = 1; index < LANCZOS.length; index += 1) sum += (LANCZOS[index] as number) / (x - 1 + index)
  const t = x - 1 + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

const LANCZOS: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

const PRECISION = 1e-15
const MOST_TERMS = 1_000

/** The continued fraction of the incomplete beta function (Lentz's method; Numerical Recipes, 6.4). */
function betaFraction(a: number, b: number, x: number): number {
  const atLeast = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value)
  let c = 1
  let d = 1 / atLeast(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m <= MOST_TERMS; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / atLeast(1 + even * d)
    c = atLeast(1 + even / c)
    fraction *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / atLeast(1 + odd * d)
    c = atLeast(1 + odd / c)
    fraction *= d * c
    if (Math.abs(d * c - 1) < PRECISION) break
  }
  return fraction
}

/** The regularised incomplete beta function. */
function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x))
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(a, b, x)) / a : 1 - (front * betaFraction(b, a, 1 - x)) / b
}

/** P(T > t) with `freedom` degrees of freedom. */
export function studentTail(t: number, freedom: number): number {
  const tail = incompleteBeta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2
  return t >= 0 ? tail : 1 - tail
}

/** The t that is exceeded with probability `tail` (0 to 0.5, exclusive), found by bisection. */
export function studentQuantile(tail: number, freedom: number): number {
  let low = 0
  let high = 1
  while (studentTail(high, freedom) > tail) high *= 2
  for (let step = 0; step < 80; step += 1) {
    const middle = (low + high) / 2
    if (studentTail(middle, freedom) > tail) low = middle
    else high = middle
  }
  return (low + high) / 2
}
