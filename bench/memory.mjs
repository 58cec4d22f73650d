// What watching costs. First by its parts: the CPU time of a sample, and of counting a response. Then end to end, on the same server
// under the same load, slice by slice unwatched, with live samples at 100 ms, and with forced collections as well: where the machine's
// own noise is some per cent, that cannot show the parts.
import { spawn } from 'node:child_process'
import { channel as channelOf } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import getPort from 'get-port'
import { node } from '../scripts/tool.mjs'
import { LoadGenerator } from '../dist/load/spec/load-generator.js'
import { MemoryMonitor } from '../dist/memory/monitor.js'
import { openProbeChannel } from '../dist/probe/channel.js'
import { inTurn, median, printRatio } from './measure.mjs'
import { untilHealthy } from './steady-load.mjs'

const ROUNDS = 15
const SLICE_SECONDS = 2

const SERVER = `
const rows = Array.from({ length: 20 }, (_, id) => ({ id, name: 'row ' + id }))
require('node:http').createServer((req, res) => {
  res.end(req.url === '/cpu' ? JSON.stringify(process.cpuUsage()) : JSON.stringify(rows))
}).listen(process.env.PORT, '127.0.0.1')`

const channel = await openProbeChannel()
const port = await getPort()
const server = spawn(node, ['-e', SERVER], {
  env: { ...process.env, ...channel.env, NODE_OPTIONS: channel.nodeOptions, PORT: String(port) },
  stdio: ['ignore', 'ignore', 'inherit'],
})
const url = `http://127.0.0.1:${port}`
const target = { pid: server.pid, signal: new AbortController().signal, channel }
const monitor = new MemoryMonitor({ server: () => target })
const generator = new LoadGenerator()
const collections = []

async function cpu() {
  const { user, system } = await (await fetch(`${url}/cpu`)).json()
  return user + system
}

async function load() {
  const before = await cpu()
  const { requests, requestsPerSecond } = await generator.generateLoad({
    url,
    connections: 10,
    duration: SLICE_SECONDS * 1_000,
  })
  return { rate: requestsPerSecond, cpu: ((await cpu()) - before) / requests }
}

/** Nanoseconds that counting one finished response costs, as the probe does while somebody watches. */
function responseCost() {
  const finished = channelOf('perf.bench.response')
  let count = 0
  finished.subscribe(() => (count += 1))
  const PUBLISHES = 1_000_000
  const rounds = Array.from({ length: 7 }, () => {
    const began = performance.now()
    for (let index = 0; index < PUBLISHES; index += 1)
      finished.publish({ request: began, response: index, server: count })
    return ((performance.now() - began) * 1e6) / PUBLISHES
  })
  return median(rounds.slice(2))
}

/** Microseconds of the server's CPU that one sample costs: idle, watched and unwatched in turn, so that nothing else is in it. */
async function sampleCost() {
  const seconds = 2
  const idle = async () => {
    const before = await cpu()
    await delay(seconds * 1_000)
    return (await cpu()) - before
  }
  const watched = async () => {
    const before = await cpu()
    const { samples } = await monitor.monitor(seconds * 1_000, { gc: false, intervalMs: 10 })
    return { cpu: (await cpu()) - before, samples: samples.length }
  }
  const results = await inTurn(5, { idle, watched })
  const each = results.watched.map(({ cpu: spent, samples }, round) => (spent - results.idle[round]) / samples)
  return median(each)
}

const sampled = async () => (await monitor.during(load, { gc: false, intervalMs: 100 })).value
const collected = async () => {
  const result = await monitor.during(load, { intervalMs: 100 })
  collections.push(result.collections)
  return result.value
}

try {
  await untilHealthy(port)
  await load() // warm
  const cost = await sampleCost()
  console.log(
    `a sample costs the server ${cost.toFixed(0)} µs of CPU: at one in 100 ms ${((cost * 10) / 1e4).toFixed(2)} % of a core  (goal: under 1 %)`,
  )
  const results = await inTurn(ROUNDS, { unwatched: load, sampled, collected })
  const of = (name, figure) => results[name].map((slice) => slice[figure])
  const compare = (name, goal) => {
    printRatio(`${name}, requests/s`, [name, of(name, 'rate')], ['unwatched', of('unwatched', 'rate')], {
      goal: goal?.rate,
    })
    printRatio(`${name}, server CPU per request`, [name, of(name, 'cpu')], ['unwatched', of('unwatched', 'cpu')], {
      unit: ' µs',
      goal: goal?.cpu,
    })
  }
  const counting = responseCost() / 1_000
  const share = counting / median(of('unwatched', 'cpu'))
  console.log(
    `counting a response costs ${counting.toFixed(3)} µs, ${(share * 100).toFixed(2)} % of a request of this server`,
  )
  compare('sampled', { rate: '0.99 or more', cpu: '1.01 or less' })
  compare('collected')
  const forced = collections.reduce((sum, { count }) => sum + count, 0)
  const time = collections.reduce((sum, { time: spent }) => sum + spent, 0)
  console.log(`forced: ${forced} collections in ${ROUNDS} slices, ${(time / forced).toFixed(1)} ms each`)
} finally {
  if (server.exitCode === null) {
    server.kill()
    await once(server, 'exit')
  }
  await channel.close()
}
