// `npm run bench -- compare`: real A/A and A/B comparisons over four kinds of servers (about 30 minutes). `--replay` replays the rule on
// recorded blocks (10 s). `--limits` simulates comparisons at the limits of the rule (a minute). `--quick` compares each change once, of two kinds of servers (about 6 minutes). `--record` adds the blocks of the A/A runs to bench/data.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compareServers } from '../dist/compare/compare-servers.js'
import { printLimits } from '../scripts/compare-limits.mjs'
import { printReplay } from './compare-replay.mjs'

const KINDS = ['json', 'tiny', 'fastify', 'io']
/** What head has more: a share of all CPU of a request, and milliseconds of waiting. */
const CHANGES = {
  'A/A': { cpu: 0, wait: 0 },
  'CPU +5 %': { cpu: 0.05, wait: 0 },
  'CPU +10 %': { cpu: 0.1, wait: 0 },
  'wait +1 ms': { cpu: 0, wait: 1, only: ['io'] },
}
const ROUNDS = { 'A/A': 5, 'CPU +5 %': 5, 'CPU +10 %': 3, 'wait +1 ms': 5 }
const program = fileURLToPath(new URL('compare/server.mjs', import.meta.url))
const root = fileURLToPath(new URL('..', import.meta.url))
const flags = new Set(process.argv.slice(2))

/** `work` is the handler's, 1 that of base. */
function server(kind, work, wait = 0) {
  return { command: `node ${program} ${kind} ${work.toFixed(3)} ${wait}` }
}

const compare = (base, head, duration) =>
  compareServers({ base, head, load: { url: '/', connections: 4 }, duration }, { root })

/** The share of the handler's work in the CPU of a request, of each kind, by a server that does it twice. */
const shares = new Map()

async function measureShare(kind) {
  const { metrics } = await compare(server(kind, 1), server(kind, 2), '30s')
  shares.set(kind, metrics.cpuPerRequest.change)
  console.log(`${kind.padEnd(8)} the handler's work is ${(metrics.cpuPerRequest.change * 100).toFixed(0)} % of its CPU`)
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
  const { cpu, wait } = CHANGES[change]
  const head = server(kind, 1 + (cpu === 0 ? 0 : cpu / shares.get(kind)), wait)
  const comparison = await compare(server(kind, 1), head, '60s')
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
  const kinds = flags.has('--quick') ? KINDS.slice(0, 2) : KINDS
  for (const kind of kinds) await measureShare(kind)
  for (const [change, { only = kinds }] of Object.entries(CHANGES)) {
    const rounds = flags.has('--quick') ? 1 : ROUNDS[change]
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of only) outcomes.push(await compareOnce(kind, change))
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
