// `npm run bench -- compare`: real A/A and A/B comparisons over four kinds of servers (about 50 minutes). `--replay` replays the rule on
// recorded blocks (10 s). `--limits` simulates comparisons at the limits of the rule (a minute). `--quick` runs two comparisons of each kind (about 5 minutes). `--record` adds the blocks of the A/A runs to bench/data.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compareServers } from '../dist/compare/compare-servers.js'
import { printLimits } from '../scripts/compare-limits.mjs'
import { printReplay } from './compare-replay.mjs'

const KINDS = ['json', 'tiny', 'fastify', 'io']
/** CPU factor and milliseconds of waiting of head; base is 1 and 0. */
const CHANGES = {
  'A/A': { factor: 1, wait: 0 },
  'CPU +5 %': { factor: 1.05, wait: 0 },
  'CPU +10 %': { factor: 1.1, wait: 0 },
  'wait +1 ms': { factor: 1, wait: 1, only: ['io'] },
}
const ROUNDS = { 'A/A': 5, 'CPU +5 %': 5, 'CPU +10 %': 3, 'wait +1 ms': 5 }
const program = fileURLToPath(new URL('compare/server.mjs', import.meta.url))
const root = fileURLToPath(new URL('..', import.meta.url))
const flags = new Set(process.argv.slice(2))

function server(kind, { factor, wait }) {
  return { command: `node ${program} ${kind} ${factor.toFixed(2)} ${wait}` }
}

/** Adds the blocks of a comparison of a build with itself to those that are replayed. */
function record(kind, { metrics }) {
  const file = new URL('data/compare-blocks.json', import.meta.url)
  const data = JSON.parse(readFileSync(file, 'utf8'))
  const blocks = Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => [
      name,
      metric.blocks.map((change) => Number(Math.log(1 + change).toFixed(5))),
    ]),
  )
  data.kinds[kind].push(blocks)
  writeFileSync(file, `${JSON.stringify(data)}\n`)
}

async function compareOnce(kind, change) {
  const comparison = await compareServers(
    {
      base: server(kind, CHANGES['A/A']),
      head: server(kind, CHANGES[change]),
      load: { url: '/', connections: 4 },
      duration: '60s',
    },
    { root },
  )
  if (change === 'A/A' && flags.has('--record')) record(kind, comparison)
  const { verdict, pairs, duration, metrics } = comparison
  const figure = (name) => `${(metrics[name].change * 100).toFixed(1).padStart(6)} %`
  console.log(
    `${kind.padEnd(8)} ${change.padEnd(11)} ${verdict.padEnd(13)} ${String(pairs).padStart(2)} pairs ${(duration / 1_000).toFixed(0).padStart(4)} s  CPU ${figure('cpuPerRequest')}  p50 ${figure('latency.p50')}  ${comparison.obstacle ?? ''}`,
  )
  return { change, verdict, duration }
}

function printTable(outcomes) {
  console.log('\nchange       comparisons  slower  held  inconclusive  seconds (mean)')
  for (const change of Object.keys(CHANGES)) {
    const own = outcomes.filter((outcome) => outcome.change === change)
    if (own.length === 0) continue
    const count = (verdict) => own.filter((outcome) => outcome.verdict === verdict).length
    const seconds = own.reduce((sum, { duration }) => sum + duration, 0) / own.length / 1_000
    console.log(
      `${change.padEnd(12)} ${String(own.length).padStart(11)} ${String(count('slower')).padStart(7)} ${String(count('held')).padStart(5)} ${String(count('inconclusive')).padStart(13)} ${seconds.toFixed(0).padStart(15)}`,
    )
  }
}

async function runReal() {
  const startedAt = performance.now()
  const outcomes = []
  for (const [change, { only = KINDS }] of Object.entries(CHANGES)) {
    const rounds = flags.has('--quick') ? 1 : ROUNDS[change]
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of flags.has('--quick') ? only.slice(0, 2) : only) outcomes.push(await compareOnce(kind, change))
    }
  }
  printTable(outcomes)
  console.log(`\n${outcomes.length} comparisons in ${((performance.now() - startedAt) / 60_000).toFixed(0)} minutes`)
}

if (flags.has('--limits')) printLimits()
else if (flags.has('--replay')) {
  printReplay({ most: 24 })
  printReplay({ most: 14 })
} else await runReal()
process.exit(0)
