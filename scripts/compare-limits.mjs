// Computes the level of each plan in `src/compare/statistics/looks.ts`: node scripts/compare-limits.mjs (after a build; about a minute).
//
// Blocks of two servers that do not differ are independent and, as logarithms of ratios, near normal. Looking at them several
// times needs a stricter level at each look. The level of all looks of a plan is the same; it is the quantile of the smallest
// p-value that any look of an experiment sees, over simulated experiments. Several judged metrics share the level (Bonferroni).
import { studentTail } from '../dist/compare/statistics/student-t.js'

const SEED = 20_260_716
const EXPERIMENTS = 2_000_000
/** One-sided, over all looks and all metrics. */
const TOTAL = 0.0068
const PLANS = { short: [6, 9, 12, 18, 24], long: [6, 9, 12, 18, 24, 36, 48, 72, 96] }

/** A small generator that is the same everywhere (mulberry32). */
function createRandom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Standard normal values (Marsaglia's polar method). */
function createNormal(random) {
  let spare
  return () => {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    for (;;) {
      const [x, y] = [2 * random() - 1, 2 * random() - 1]
      const square = x * x + y * y
      if (square >= 1 || square === 0) continue
      const factor = Math.sqrt((-2 * Math.log(square)) / square)
      spare = y * factor
      return x * factor
    }
  }
}

/** p-values depend on t and n only: a table of t for each n makes the search for one cheap. */
function tailTable(n) {
  const step = 0.002
  const table = Float64Array.from({ length: 20_000 }, (_, index) => studentTail(index * step, n - 1))
  return (t) => (t <= 0 ? 1 : (table[Math.min(table.length - 1, Math.round(t / step))] ?? 0))
}

function smallestTails(looks, random) {
  const normal = createNormal(random)
  const tails = looks.map(tailTable)
  const smallest = new Float64Array(EXPERIMENTS)
  for (let experiment = 0; experiment < EXPERIMENTS; experiment += 1) {
    let [sum, squares, n, least] = [0, 0, 0, 1]
    for (const [index, look] of looks.entries()) {
      for (; n < look; n += 1) {
        const value = normal()
        sum += value
        squares += value * value
      }
      const mean = sum / n
      const error = Math.sqrt((squares / n - mean * mean) / (n - 1))
      least = Math.min(least, tails[index](mean / error))
    }
    smallest[experiment] = least
  }
  return smallest.sort()
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, looks] of Object.entries(PLANS)) {
    const level = smallestTails(looks, createRandom(SEED))[Math.round(TOTAL * EXPERIMENTS)]
    console.log(`${name} (${looks.join(', ')}): ${level.toPrecision(3)}`)
  }
}
