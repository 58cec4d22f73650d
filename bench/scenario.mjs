// What a scenario costs: CPU of the load process a request, against the static `requests` of the same load and against Artillery 2; memory and
// CPU of 1 000 users that think. Artillery is not installed with this package: `--artillery` puts it into a temporary folder (467 MB).
import { execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { LoadGenerator } from '../dist/load/spec/load-generator.js'
import { openLoadProcess } from '../dist/load/spec/shared-load-processes.js'
import { median } from './measure.mjs'

const ROUNDS = 5
const SECONDS = 2
const here = (name) => fileURLToPath(new URL(`./scenario/${name}`, import.meta.url))
const scenario = new URL('./scenario/five.scenario.mjs', import.meta.url)
const generator = new LoadGenerator()

const server = fork(here('server.mjs'))
const [{ port }] = await once(server, 'message')
const url = `http://127.0.0.1:${port}`

const requests = [
  { path: '/items?page=1', name: 'list' },
  { path: '/items/i3', name: 'item' },
  { path: '/cart', method: 'POST', body: { id: 'i3', price: 3 } },
  { path: '/cart' },
  { path: '/orders', method: 'POST', body: { id: 'i3' } },
]

/** CPU microseconds a request. */
async function cost(options) {
  const result = await generator.generateLoad({ url, duration: SECONDS * 1_000, ...options })
  if (result.errors.total > 0) throw new Error(`errors: ${JSON.stringify(result.errors.byKind)}`)
  return result.generator.cpuPerRequest * 1_000
}

/** CPU ticks (10 ms) of a process and its threads. */
function cpuMilliseconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function findArtillery() {
  if (process.env.ARTILLERY) return { bin: process.env.ARTILLERY, remove() {} }
  if (!process.argv.includes('--artillery')) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'artillery-'))
  execFileSync('npm', [
    'install',
    '--prefix',
    folder,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    'artillery@2.0.21',
  ])
  return { bin: join(folder, 'node_modules/.bin/artillery'), remove: () => rmSync(folder, { recursive: true }) }
}

/** Requests that the server has served so far. */
async function served() {
  server.send('count')
  const [{ count }] = await once(server, 'message')
  return count
}

/** CPU microseconds a request of Artillery, counted by the server, from a second after its first request on: its start is no part of it. */
async function artilleryCost(bin) {
  const before = await served()
  const child = spawn(process.execPath, [bin, 'run', '--quiet', '--target', url, here('artillery.yml')], {
    stdio: 'ignore',
  })
  let [first, last] = [undefined, undefined]
  while (child.exitCode === null && child.signalCode === null) {
    await delay(250)
    const count = await served()
    if (count === before || !existsSync(`/proc/${child.pid}/stat`)) continue
    if (first === undefined) await delay(1_000)
    const sample = { count: await served(), cpu: cpuMilliseconds(child.pid) }
    first ??= sample
    // What it does after its last request is no part of it either.
    if (sample.count > (last ?? first).count) last = sample
  }
  if (!last) throw new Error('Artillery sent nothing')
  return ((last.cpu - first.cpu) * 1_000) / (last.count - first.count)
}

const costs = { scenario: [], requests: [] }
for (let round = 0; round < ROUNDS; round += 1) {
  costs.scenario.push(await cost({ scenario, virtualUsers: 10 }))
  costs.requests.push(await cost({ requests, connections: 10 }))
}
const [ours, fixed] = [median(costs.scenario), median(costs.requests)]
console.log(`scenario of five requests with JSON   ${ours.toFixed(1)} µs of CPU a request`)
console.log(
  `the same as static \`requests\`         ${fixed.toFixed(1)} µs: a scenario does ${(fixed / ours).toFixed(2)} times as many a CPU second (goal: 0.5)`,
)

const artillery = findArtillery()
if (artillery) {
  const theirs = await artilleryCost(artillery.bin)
  console.log(
    `Artillery 2, the same scenario        ${theirs.toFixed(1)} µs: we do ${(theirs / ours).toFixed(1)} times as many (goal: 5)`,
  )
  artillery.remove()
} else console.log('Artillery is not installed: run with --artillery, or set ARTILLERY to its bin')

const line = openLoadProcess({ onMessage() {}, onLost() {} })
const { pid } = line
line.close()
const thinking = generator.generateLoad({ url, scenario, mix: { thinker: 1 }, virtualUsers: 1_000, duration: 8_000 })
await delay(3_000)
const before = cpuMilliseconds(pid)
await delay(4_000)
const cpu = (cpuMilliseconds(pid) - before) / 4_000
const memory = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1_024
await thinking
console.log(
  `1 000 users that think for a second   ${memory.toFixed(0)} MB (goal: 200), ${(cpu * 100).toFixed(1)} % of a core (goal: 10)`,
)
server.disconnect()
