// What more than one load process brings and costs: requests per second of two against one, CPU per request at one rate, and what
// `processes: 1` adds to a load that says nothing. The target is one nginx worker on a core of its own (`taskset`).
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { LoadGenerator } from '../dist/load/spec/load-generator.js'
import { isInstalled, startNginx } from './load/targets.mjs'
import { inTurn, median, printRatio } from './measure.mjs'

/** Many short turns: a mood of the machine is longer than one. */
const ROUNDS = 20
const DURATION = 500
const RATE = 4_000
const generator = new LoadGenerator()

async function load(url, options) {
  const result = await generator.generateLoad({ url, connections: 64, duration: DURATION, ...options })
  if (result.errors.total > 0) throw new Error(`${result.errors.total} errors: ${JSON.stringify(result.errors.byKind)}`)
  return result
}

/** Contestants that load one target, and what is read of their results. */
async function compare(url, contestants, read) {
  const runs = Object.entries(contestants).map(([name, options]) => [name, async () => read(await load(url, options))])
  return inTurn(ROUNDS, Object.fromEntries(runs))
}

async function compareProcesses({ url }) {
  const cores = availableParallelism()
  const rates = await compare(
    url,
    { one: { processes: 1 }, two: { processes: 2 } },
    (result) => result.requestsPerSecond,
  )
  const free = cores - 1
  // Two load processes can only be twice as fast as one where each has a core.
  const goal = free >= 2 ? '>= 1.8' : undefined
  printRatio(
    'closed model, requests/s',
    ['two processes', rates.two],
    ['one', rates.one],
    goal === undefined ? {} : { goal },
  )
  if (!goal)
    console.log(
      `  this machine has ${cores} cores, and the target needs one: two load processes share what is left, so this is no goal here`,
    )
  const cpu = await compare(
    url,
    { one: { rate: RATE, processes: 1 }, two: { rate: RATE, processes: 2 } },
    (result) => result.generator.cpuPerRequest * 1_000,
  )
  printRatio(`CPU a request at ${RATE}/s`, ['two processes', cpu.two], ['one', cpu.one], { unit: ' µs' })
}

/** Both send the same messages to the same process (a unit test says so), so what differs here is the noise of this machine. */
async function compareOption({ url }) {
  const read = ({ requestsPerSecond, generator: { cpuPerRequest } }) => ({
    requestsPerSecond,
    cpu: cpuPerRequest * 1_000,
  })
  const results = await compare(url, { none: {}, one: { processes: 1 } }, read)
  const figures = (name, figure) => results[name].map((result) => result[figure])
  printRatio(
    'closed model, requests/s',
    ['processes: 1', figures('one', 'requestsPerSecond')],
    ['none', figures('none', 'requestsPerSecond')],
    { goal: '>= 0.98' },
  )
  printRatio('  CPU a request', ['processes: 1', figures('one', 'cpu')], ['none', figures('none', 'cpu')], {
    unit: ' µs',
    goal: '<= 1.02',
  })
}

/** Milliseconds that a load takes longer than its duration: begin, coordination and the merging of the end. */
async function compareEnds({ url }) {
  const timed = (options) => async () => {
    const began = performance.now()
    await load(url, { rate: 100, duration: 500, ...options })
    return performance.now() - began - 500
  }
  const times = await inTurn(ROUNDS, { one: timed({}), two: timed({ processes: 2 }) })
  console.log(
    `a load takes longer by: one process ${median(times.one).toFixed(0)} ms, two ${median(times.two).toFixed(0)} ms`,
  )
}

/** CPU milliseconds that a process has used. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function childrenOf(pid) {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return pids === '' ? [] : pids.split(' ').map(Number)
}

/** What workers and a Locust master add to a load of 3 s on this machine: time to begin and end, and CPU beside the load processes. */
async function compareWorkers({ url }) {
  const port = 5_000 + (process.pid % 20_000)
  const cli = new URL('../dist/cli/main.js', import.meta.url).pathname
  const workers = [1, 2].map(() => spawn(process.execPath, [cli, 'worker', '--master', `127.0.0.1:${port}`]))
  const seconds = 3
  const options = { rate: 400, connections: 20, duration: seconds * 1_000 }
  const engine = { use: 'locust', workers: 2, listen: `127.0.0.1:${port}` }
  try {
    const timed = async (more) => {
      const began = performance.now()
      await load(url, { ...options, ...more })
      return performance.now() - began - options.duration
    }
    const first = await timed({ engine })
    const master = childrenOf(process.pid).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('locust'),
    )
    const used = { master: [], workers: [] }
    const measured = async () => {
      const before = [cpuOf(master), ...workers.map(({ pid }) => cpuOf(pid))]
      const longer = await timed({ engine })
      const [ofMaster, ...ofWorkers] = [master, ...workers.map(({ pid }) => pid)].map(
        (pid, k) => cpuOf(pid) - before[k],
      )
      used.master.push(ofMaster / seconds)
      used.workers.push(ofWorkers.reduce((sum, cpu) => sum + cpu) / workers.length / seconds)
      return longer
    }
    const times = await inTurn(5, { one: () => timed({}), workers: measured })
    console.log(
      `a load takes longer by: one process ${median(times.one).toFixed(0)} ms, two workers ${median(times.workers).toFixed(0)} ms; the first, which starts Locust, ${first.toFixed(0)} ms`,
    )
    console.log(
      `a second of load costs: the master ${median(used.master).toFixed(0)} ms of CPU, each worker ${median(used.workers).toFixed(0)} ms beside its load processes`,
    )
  } finally {
    for (const worker of workers) worker.kill('SIGKILL')
  }
}

if (!isInstalled('nginx')) throw new Error('`npm run bench -- scale` needs nginx: apt-get install nginx')
const target = await startNginx({ core: 0 })
try {
  // Each process is started by the first load that needs it.
  await load(target.url, { processes: 2, duration: 2_000 })
  await compareOption(target)
  await compareProcesses(target)
  await compareEnds(target)
  if (isInstalled('locust')) await compareWorkers(target)
  else console.log('workers: skipped, there is no `locust`')
} finally {
  await target.stop()
}
