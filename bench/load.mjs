// Requests per second of `generateLoad` against plain autocannon (and wrk and hey where they are installed), in turn against the same
// servers; what progress and recording cost. `npm run bench -- load --soak` instead drives ten minutes at full rate and watches memory.
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { serialize, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { LoadGenerator } from '../dist/load/spec/load-generator.js'
import { resolveLoadOptions } from '../dist/load/plan/load-plan.js'
import { Measurement } from '../dist/load/measure/measurement.js'
import { isInstalled, startNginx, startNodeServer } from './load/targets.mjs'
import { inTurn, median, printRatio } from './measure.mjs'

const run = promisify(execFile)
const ROUNDS = 5
const SECONDS = 2
const generator = new LoadGenerator()

async function ours(url, connections, options = {}, onProgress) {
  const result = await generator.generateLoad({ url, connections, duration: SECONDS * 1_000, ...options }, onProgress)
  if (result.errors.total > 0) throw new Error(`${result.errors.total} errors: ${JSON.stringify(result.errors.byKind)}`)
  return result
}

async function withAutocannon(work) {
  const child = fork(new URL('./load/autocannon.mjs', import.meta.url).pathname)
  try {
    return await work(async (url, connections) => {
      child.send({ url, connections, seconds: SECONDS })
      const [answer] = await once(child, 'message')
      return answer
    })
  } finally {
    child.kill()
  }
}

function others(url, connections) {
  const contestants = {}
  if (isInstalled('wrk')) {
    contestants.wrk = async () => {
      const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${SECONDS}s`, url])
      return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1])
    }
  }
  if (isInstalled('hey')) {
    contestants.hey = async () => {
      const { stdout } = await run('hey', ['-c', String(connections), '-z', `${SECONDS}s`, '-cpus', '1', url])
      return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1])
    }
  }
  return contestants
}

async function compareRates(target, autocannon) {
  for (const connections of [1, 10, 100]) {
    const cpu = { ours: [], autocannon: [] }
    const busy = []
    const results = await inTurn(ROUNDS, {
      ours: async () => {
        const result = await ours(target.url, connections)
        cpu.ours.push(result.generator.cpuPerRequest * 1_000)
        busy.push(result.generator.eventLoopUtilization)
        return result.requestsPerSecond
      },
      autocannon: async () => {
        const result = await autocannon(target.url, connections)
        cpu.autocannon.push(result.cpu * 1_000)
        return result.rate
      },
      ...others(target.url, connections),
    })
    const title = `${target.name}, ${connections} connection${connections === 1 ? '' : 's'}, requests/s`
    printRatio(title, ['generateLoad', results.ours], ['autocannon', results.autocannon], { goal: '>= 1.0' })
    for (const name of ['wrk', 'hey'])
      if (results[name]) printRatio(title, ['generateLoad', results.ours], [name, results[name]])
    // Less at the mercy of what else runs on the machine than a rate is.
    printRatio('  CPU a request', ['generateLoad', cpu.ours], ['autocannon', cpu.autocannon], {
      unit: ' µs',
      goal: '<= 1.0',
    })
    // Where it is far from 100 %, the server was the limit, and no generator can be faster.
    console.log(`  generateLoad's event loop was busy ${(median(busy) * 100).toFixed(0)} % of the time`)
  }
}

/** Nanoseconds that counting one answer costs, with its share of a progress (figures and message) every 4 000: ten a second at 40 000/s. */
function recordingCost() {
  const plan = resolveLoadOptions({ url: 'http://127.0.0.1/', duration: 10_000 })
  const PROGRESSES = 50
  const ANSWERS = 4_000
  const rounds = Array.from({ length: ROUNDS + 2 }, () => {
    const measurement = new Measurement(plan, Date.now())
    const began = performance.now()
    for (let tenth = 1; tenth <= PROGRESSES; tenth += 1) {
      for (let index = 0; index < ANSWERS; index += 1)
        measurement.answer(0, 200, index % 900, (index % 900) + (index % 97) / 10)
      serialize(measurement.interval(tenth * 100, { connections: 10 }))
    }
    return ((performance.now() - began) * 1e6) / (PROGRESSES * ANSWERS)
  })
  return median(rounds.slice(2))
}

async function compareProgress(target) {
  const cpu = []
  const results = await inTurn(ROUNDS, {
    often: async () => {
      const result = await ours(target.url, 100, { progressInterval: 100 }, () => {})
      cpu.push(result.generator.cpuPerRequest)
      return result.requestsPerSecond
    },
    never: async () => (await ours(target.url, 100, { progressInterval: 3_600_000 })).requestsPerSecond,
  })
  printRatio(
    `${target.name}, progress ten times a second, requests/s`,
    ['with', results.often],
    ['without', results.never],
    { goal: '>= 0.97' },
  )
  const nanoseconds = recordingCost()
  const share = nanoseconds / 1e6 / median(cpu)
  console.log(
    `recording and progress: ${nanoseconds.toFixed(0)} ns a request, ${(share * 100).toFixed(2)} % of its CPU time  (goal: under 3 %)`,
  )
}

/** In the load process: says every five seconds what is left after a full collection. */
const FLOORS = `
  setInterval(() => {
    gc()
    process.send({ type: 'floor', heapUsed: process.memoryUsage().heapUsed, rss: process.memoryUsage.rss() })
  }, 5_000).unref()`

/** Full rate for a while, in a load process of the bench's own; what is left of its heap after collections must not grow. */
async function soak(target, minutes) {
  const entry = new URL('../dist/load/engine/main.js', import.meta.url).pathname
  const child = fork(entry, [], {
    serialization: 'advanced',
    execArgv: ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(FLOORS)}`],
  })
  const floors = []
  const plan = resolveLoadOptions({ url: target.url, connections: 50, duration: minutes * 60_000 })
  const result = await new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`the load process exited with ${code}`)))
    child.on('message', (message) => {
      if (message.type === 'ready') child.send({ type: 'run', id: 'soak', plan })
      if (message.type === 'end') resolve(message.progress)
      if (message.type === 'floor') floors.push(message)
      if (message.type !== 'progress' || Math.round(message.progress.duration / 1_000) % 30 !== 0) return
      const { heapUsed, rss } = floors.at(-1) ?? { heapUsed: NaN, rss: NaN }
      console.log(
        `  ${(message.progress.progress * 100).toFixed(0)} %: ${message.progress.requests} requests, heap ${(heapUsed / 1e6).toFixed(2)} MB, rss ${(rss / 1e6).toFixed(0)} MB`,
      )
    })
  })
  child.removeAllListeners('exit').kill()
  const part = Math.floor(floors.length / 5)
  const heap = floors.map(({ heapUsed }) => heapUsed / 1e6)
  console.log(`soak of ${minutes} min: ${result.requests} requests, p99 ${result.latency.p99.toFixed(2)} ms`)
  printRatio(
    'heap after collections',
    ['last fifth', heap.slice(-part)],
    ['second fifth', heap.slice(part, 2 * part)],
    {
      unit: ' MB',
      goal: '<= 1.05',
    },
  )
}

/** An hour of rows at one a second, as the load process holds them. */
function simulatedHour() {
  const plan = resolveLoadOptions({ url: 'http://127.0.0.1/', duration: 3_600_000 })
  const measurement = new Measurement(plan, Date.now())
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  collect()
  const before = process.memoryUsage().heapUsed
  for (let second = 1; second <= 3_600; second += 1) {
    for (let index = 0; index < 100; index += 1)
      measurement.answer(0, 200, second * 1_000 - 5, second * 1_000 + index / 10)
    measurement.interval(second * 1_000, { connections: 10 })
  }
  collect()
  const grown = process.memoryUsage().heapUsed - before
  console.log(`an hour of samples: ${measurement.recorder.rows.length} rows, ${(grown / 1_048_576).toFixed(1)} MB`)
}

const minutes = Number(process.argv.find((argument) => argument.startsWith('--soak'))?.split('=')[1] ?? 10)
const targets = [await startNodeServer(), ...(isInstalled('nginx') ? [await startNginx()] : [])]
try {
  if (process.argv.some((argument) => argument.startsWith('--soak'))) {
    simulatedHour()
    await soak(targets.at(-1), minutes)
  } else {
    await withAutocannon(async (autocannon) => {
      for (const target of targets) await compareRates(target, autocannon)
    })
    await compareProgress(targets.at(-1))
  }
} finally {
  for (const target of targets) await target.stop()
}
