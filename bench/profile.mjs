// What a profile costs: servers without it, with its CPU part, with its record of calls and with both, in turns of 20 ms. An argument
// is the number of starts.
import { BenchServer } from './profile/bench-server.mjs'

const STARTS = Number(process.argv[2] ?? 3)
const TURN = 20
/** Milliseconds of load on each server before, and again after its parts were started: V8 compiles anew for about a second. */
const WARM_UP = 1_500
const DURATION = 4_000
/** The second one without says how much two starts of one server differ. */
const CONTESTANTS = { without: [], 'without again': [], cpu: ['cpu'], waits: ['waits'], both: ['cpu', 'waits'] }
const GOALS = { cpu: '>= 0.95', waits: '>= 0.97', both: '>= 0.92' }
/** Quantiles 0.975 of Student's t by degrees of freedom. */
const T = [NaN, 12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]

const middleMean = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.slice(sorted.length >> 2, sorted.length - (sorted.length >> 2))
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

async function inTurns(servers, requests, duration, act = () => {}) {
  const end = performance.now() + duration
  for (let round = 0; performance.now() < end; round += 1) {
    for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
      const [cpu, at] = [server.processorTime(), performance.now()]
      await server.run(requests)
      act(server, (server.processorTime() - cpu) / requests, (performance.now() - at) / requests)
    }
  }
}

function warmUp(servers) {
  return inTurns(servers, 100, WARM_UP * servers.length)
}

/** One start of each contestant: by its name, logarithms of its speed as a part of the speed of the first one. */
async function measure(program) {
  const servers = await Promise.all(Object.values(CONTESTANTS).map((parts) => BenchServer.start(program, parts)))
  try {
    await warmUp(servers)
    const at = performance.now()
    await servers[0].run(500)
    const requests = Math.max(20, Math.round((500 * TURN) / (performance.now() - at)))
    for (const server of servers) await server.startParts()
    await warmUp(servers)
    const turns = new Map(servers.map((server) => [server, { cpu: [], time: [] }]))
    await inTurns(servers, requests, DURATION, (server, cpu, time) => {
      turns.get(server).cpu.push(Math.log(cpu))
      turns.get(server).time.push(Math.log(time))
    })
    const first = turns.get(servers[0])
    const ratio = (turn, of) => middleMean(turn[of].flatMap((value, round) => (first[of][round] ?? NaN) - value || []))
    return servers.map((server) => ({ cpu: ratio(turns.get(server), 'cpu'), time: ratio(turns.get(server), 'time') }))
  } finally {
    for (const server of servers) await server.stop()
  }
}

function interval(logarithms) {
  const mean = logarithms.reduce((sum, value) => sum + value, 0) / logarithms.length
  const variance = logarithms.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (logarithms.length - 1)
  const half = (T[logarithms.length - 1] ?? 2) * Math.sqrt(variance / logarithms.length)
  return `${Math.exp(mean).toFixed(3)} [${Math.exp(mean - half).toFixed(3)}, ${Math.exp(mean + half).toFixed(3)}]`
}

for (const program of ['sound-small', 'sound-mixed', 'sound-calls']) {
  const starts = []
  for (let start = 0; start < STARTS; start += 1) starts.push(await measure(program))
  for (const [index, name] of Object.keys(CONTESTANTS).entries()) {
    if (index === 0) continue
    const of = (key) => interval(starts.map((contestants) => contestants[index][key]))
    const goal = GOALS[name] ? `  (goal: ${GOALS[name]})` : ''
    console.log(`${program}, ${name}: requests/s ${of('time')}, requests per CPU second ${of('cpu')} of without${goal}`)
  }
}
process.exit()
