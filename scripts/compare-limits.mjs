// Computes the level of each plan in `src/compare/statistics/looks.ts`: node scripts/compare-limits.mjs (after a build; about a minute).
// `npm run bench -- compare --limits` checks the plans as they are against simulated comparisons.
//
// Blocks of two servers that do not differ are independent and, as logarithms of ratios, near normal. Looking at them several
// times needs a stricter level at each look. The level of all looks of a plan is the same; it is the quantile of the smallest
// p-value that any look of an experiment sees, over simulated experiments. Several judged metrics share the level (Bonferroni).
import { limitOf, LONG, SHORT } from '../dist/compare/statistics/looks.js'
import { studentTail } from '../dist/compare/statistics/student-t.js'
import { judge } from '../dist/compare/verdict.js'

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

/**
 * Share of simulated comparisons of one server with itself in which the lower end of any metric's interval is above 0 at any look:
 * what the plan is made to keep at `TOTAL`. Metrics are independent here, which is the worst case.
 */
export function simulateFalseAlarms(plan, { metrics = 1, experiments = 200_000, seed = SEED } = {}) {
  const normal = createNormal(createRandom(seed))
  const limits = plan.looks.map((look) => limitOf(plan, metrics, look))
  let alarms = 0
  for (let experiment = 0; experiment < experiments; experiment += 1) {
    let isAlarm = false
    for (let metric = 0; metric < metrics && !isAlarm; metric += 1) isAlarm = exceeds(plan.looks, limits, normal)
    if (isAlarm) alarms += 1
  }
  return alarms / experiments
}

function exceeds(looks, limits, normal) {
  let [sum, squares, n] = [0, 0, 0]
  for (const [index, look] of looks.entries()) {
    for (; n < look; n += 1) {
      const value = normal()
      sum += value
      squares += value * value
    }
    const mean = sum / n
    if (mean / Math.sqrt((squares / n - mean * mean) / (n - 1)) > limits[index]) return true
  }
  return false
}

/** Shares of the verdicts of simulated comparisons whose blocks scatter by `scatter` around `effect`, both relative. */
export function simulateVerdicts(plan, { effect, scatter, most, experiments = 4_000, seed = SEED }) {
  const normal = createNormal(createRandom(seed))
  const shares = { slower: 0, held: 0, inconclusive: 0, blocks: 0 }
  const tolerance = Math.log(1.05)
  for (let experiment = 0; experiment < experiments; experiment += 1) {
    const cpu = { name: 'cpuPerRequest', tolerance, values: [] }
    const latency = { name: 'latency.p50', tolerance, values: [] }
    let verdict = 'inconclusive'
    while (verdict === 'inconclusive' && cpu.values.length < most) {
      cpu.values.push(Math.log(1 + effect) + scatter * normal())
      latency.values.push(scatter * normal())
      const isOver = cpu.values.length === most
      if (isOver || plan.looks.includes(cpu.values.length)) verdict = judge([cpu, latency], plan)
    }
    shares[verdict] += 1 / experiments
    shares.blocks += cpu.values.length / experiments
  }
  return shares
}

const percent = (share) => `${(100 * share).toFixed(2)} %`.padStart(9)

export function printLimits() {
  const experiments = 1_000_000
  console.log(
    `The same server twice, ${experiments} comparisons a row; planned: ${percent(TOTAL).trim()} called slower.\n`,
  )
  for (const [name, plan] of Object.entries({ SHORT, LONG })) {
    for (const metrics of [1, 2]) {
      console.log(
        `${name.padEnd(6)} ${metrics} judged  ${percent(simulateFalseAlarms(plan, { metrics, experiments }))}`,
      )
    }
  }
  console.log('\nSHORT, CPU and p50 judged against 5 %, 4000 comparisons a row; blocks scatter by sd.\n')
  console.log('change     sd   most    slower      held  inconcl.   blocks')
  for (const effect of [0, 0.05, 0.1, 0.3]) {
    for (const scatter of [0.01, 0.03, 0.06]) {
      for (const most of [6, 20]) {
        const { slower, held, inconclusive, blocks } = simulateVerdicts(SHORT, { effect, scatter, most })
        console.log(
          `${`+${(effect * 100).toFixed(0)} %`.padEnd(8)} ${`${scatter * 100} %`.padStart(4)} ${String(most).padStart(6)} ${percent(slower)} ${percent(held)} ${percent(inconclusive)} ${blocks.toFixed(1).padStart(8)}`,
        )
      }
    }
  }
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, looks] of Object.entries(PLANS)) {
    const level = smallestTails(looks, createRandom(SEED))[Math.round(TOTAL * EXPERIMENTS)]
    console.log(`${name} (${looks.join(', ')}): ${level.toPrecision(3)}`)
  }
}
