// Replays the decision rule of `compareServers` on recorded blocks: false alarms, power, blocks needed.
import { readFileSync } from 'node:fs'
import { isLook, SHORT } from '../dist/compare/statistics/looks.js'
import { isSettled, judge } from '../dist/compare/verdict.js'

const RECORDS = new URL('data/compare-blocks.json', import.meta.url)
const REPLAYS = 2_000
const EFFECTS = [0, 0.03, 0.05, 0.1, 0.3]
const TOLERANCE = Math.log(1.05)

/** mulberry32 */
function createRandom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function centred(record) {
  return Object.fromEntries(
    Object.entries(record).map(([name, values]) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      return [name, values.map((value) => value - mean)]
    }),
  )
}

/**
 * One sequential comparison on blocks drawn from a record: the whole block is drawn and flipped, so that its metrics stay
 * together. `effect` is added to the metrics in `hit`.
 */
export function replayOnce(record, { effect, hit, metrics, most = 24, random, plan = SHORT }) {
  const size = record.cpuPerRequest.length
  const judged = metrics.map((name) => ({ name, tolerance: TOLERANCE, values: [] }))
  for (let block = 1; block <= most; block += 1) {
    const drawn = Math.floor(random() * size)
    const sign = random() < 0.5 ? -1 : 1
    for (const { name, values } of judged) {
      values.push(sign * record[name][drawn] + (hit.includes(name) ? Math.log(1 + effect) : 0))
    }
    if (!isLook(plan, block) && block !== most) continue
    if (block === most || isSettled(judged, plan)) return { verdict: judge(judged, plan), blocks: block }
  }
  throw new Error('unreachable')
}

export function loadRecords() {
  const { kinds } = JSON.parse(readFileSync(RECORDS, 'utf8'))
  return Object.fromEntries(Object.entries(kinds).map(([kind, records]) => [kind, records.map(centred)]))
}

/** A row for each kind of server, metric that is hit, and effect. */
export function replay({ replays = REPLAYS, most = 24, seed = 1 } = {}) {
  const random = createRandom(seed)
  const metrics = ['cpuPerRequest', 'latency.p50']
  const rows = []
  for (const [kind, records] of Object.entries(loadRecords())) {
    for (const effect of EFFECTS) {
      for (const hit of effect === 0 ? [[]] : [['cpuPerRequest'], ['latency.p50']]) {
        const counts = { slower: 0, held: 0, inconclusive: 0 }
        let blocks = 0
        for (let turn = 0; turn < replays; turn += 1) {
          const record = records[turn % records.length]
          const outcome = replayOnce(record, { effect, hit, metrics, most, random })
          counts[outcome.verdict] += 1
          blocks += outcome.blocks
        }
        rows.push({ kind, effect, hit: hit[0] ?? 'nothing', ...counts, replays, blocks: blocks / replays })
      }
    }
  }
  return rows
}

function percent(count, of) {
  return `${((100 * count) / of).toFixed(1)} %`.padStart(8)
}

export function printReplay({ most }) {
  console.log(
    `Recorded blocks, ${REPLAYS} comparisons a row, at most ${most} blocks; judged: CPU and p50 against 5 %.\n`,
  )
  console.log('server    change  of              slower     held  inconcl.   blocks')
  for (const { kind, effect, hit, slower, held, inconclusive, replays, blocks } of replay({ most })) {
    const change = effect === 0 ? 'none' : `+${(effect * 100).toFixed(0)} %`
    console.log(
      `${kind.padEnd(9)} ${change.padEnd(7)} ${hit.padEnd(13)} ${percent(slower, replays)} ${percent(held, replays)}  ${percent(inconclusive, replays)} ${blocks.toFixed(1).padStart(8)}`,
    )
  }
}
