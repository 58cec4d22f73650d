// The confusion table of the memory verdict: every leaking server and every sound one that only looks like it, under load, and functions
// that leak per call or do not.
//   npm run bench:leaks -- [--quick] [--group=unseen] [--duration=8000] [--rate=400] [--only=name,name] [--record=file.json] [--busy=2]
// A second table says what the same watches would have said after 5 seconds. `--busy=2` runs two busy loops beside it all.
// `tuning` servers were there when the rule's numbers were chosen, `held back` ones were looked at while it was mended, `unseen` ones were
// written and first run when it was fixed, and `blind` ones by somebody who had not read it. What those found was mended: heap and
// external memory are judged each alone as well, and compiled code is no longer taken off twice.
import { spawn } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import getPort from 'get-port'
import { decideLeak, SERVER_MINIMUM_GROWTH } from '../dist/memory/verdict/leak-rule.js'
import { MemoryMonitor } from '../dist/memory/monitor.js'
import { openProbeChannel } from '../dist/probe/channel.js'
import { leaking, sound } from '../test/programs/calls.mjs'
import { steadyLoad, untilHealthy } from './steady-load.mjs'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    duration: { type: 'string', default: '8000' },
    rate: { type: 'string', default: '400' },
    group: { type: 'string' },
    only: { type: 'string' },
    record: { type: 'string' },
    busy: { type: 'string', default: '0' },
  },
})

const corpus = [
  ...variants('leaks/in-heap', 'tuning', 'array map closure listener timer small'),
  ...variants('leaks/outside-heap', 'tuning', 'buffer worker cluster'),
  ...variants('leaks/in-heap', 'held back', 'pending session slice abort async-hook label memo tenth errors agent'),
  ...variants('leaks/in-heap', 'held back', 'queue tree slow-timeout sticky-then request bytes'),
  ...variants('leaks/outside-heap', 'held back', 'array-buffer worker-buffers fork'),
  ...variants('lookalikes/bounded', 'tuning', 'plain churn lru ring lazy batch buffers ttl pool'),
  ...variants('lookalikes/many-isolates', 'tuning', 'cluster express'),
  ...variants('lookalikes/bounded', 'held back', 'intern staged timeout sweep weak fragments shapes gzip wave log'),
  ...variants('lookalikes/bounded', 'held back', 'long-ttl slow-fill stages slow-saw compile regexp'),
  ...variants('lookalikes/many-isolates', 'held back', 'worker worker-each fastify'),
  ...variants('unseen/leaks', 'unseen', 'memoPromise middleware weakDefeated onceNever brokenLru dedupe sharedContext'),
  ...variants('unseen/leaks', 'unseen', 'childLogger race streams concatenation templates marks eventTarget clones'),
  ...variants('unseen/leaks', 'unseen', 'rareErrors bursts context symbols finalization sixtyFour'),
  ...variants(
    'unseen/leaks-elsewhere',
    'unseen',
    'jobs child typedArrays shared ports deflaters hashes bodies primary',
  ),
  ...variants(
    'unseen/sound',
    'unseen',
    'fifo randomEviction twoGenerations shortTtl lazyTable slidingWindow rateCounters',
  ),
  ...variants(
    'unseen/sound',
    'unseen',
    'rebuiltIndex batches dedupeWindow json largeStrings crypto compression context',
  ),
  ...variants(
    'unseen/sound',
    'unseen',
    'weakMetadata weakRefs labels delayed histogram rateLimiter doubling priorityQueue',
  ),
  ...variants('unseen/sound-elsewhere', 'unseen', 'pool child streams bufferPool bodyRing primary'),
  ...blind(),
  ...functions(leaking, true),
  ...functions(sound, false),
]
const GROUPS = ['tuning', 'held back', 'unseen', 'blind', 'calls']
const CALLS = 2_000
const QUICK = ['leaks/in-heap array', 'leaks/outside-heap worker', 'lookalikes/bounded lru', 'lookalikes/bounded churn']

function variants(file, group, names) {
  return names.split(' ').map((variant) => ({ file, variant, group, leaks: file.includes('leaks') }))
}

/** One file a server there. */
function blind() {
  const folder = fileURLToPath(new URL('../test/programs/blind', import.meta.url))
  const names = readdirSync(folder).filter((name) => /^(leak|sound)-/.test(name))
  return names.map((name) => {
    const variant = name.replace('.mjs', '')
    return { file: `blind/${variant}`, variant, group: 'blind', leaks: variant.startsWith('leak') }
  })
}

function functions(set, leaks) {
  return Object.entries(set).map(([variant, fn]) => ({ file: 'calls', variant, group: 'calls', leaks, fn }))
}

function judge({ file, variant, fn }) {
  return fn ? new MemoryMonitor().measure(fn, { iterations: CALLS }) : judgeServer(file, variant)
}

async function judgeServer(file, variant) {
  const channel = await openProbeChannel()
  const port = await getPort()
  const script = fileURLToPath(new URL(`../test/programs/${file}.mjs`, import.meta.url))
  const server = spawn(process.execPath, [script, variant], {
    env: { ...process.env, ...channel.env, NODE_OPTIONS: channel.nodeOptions, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
    // A group of its own, so that its workers end with it.
    detached: true,
  })
  const gone = new AbortController()
  server.on('exit', (code, signal) => gone.abort(new Error(`exited with ${code ?? signal}`)))
  try {
    await untilHealthy(port)
    const monitor = new MemoryMonitor({ server: () => ({ pid: server.pid, signal: gone.signal, channel }) })
    return await monitor.during(() =>
      steadyLoad({ port, rate: Number(options.rate), duration: Number(options.duration) }),
    )
  } finally {
    if (server.exitCode === null) process.kill(-server.pid)
    await channel.close()
  }
}

const chosen = corpus.filter((server) => {
  const { file, variant } = server
  if (options.group && options.group !== server.group) return false
  if (options.only) return options.only.split(',').includes(variant)
  return !options.quick || QUICK.includes(`${file} ${variant}`)
})
/** The verdict of a server's first five seconds. */
const EARLY = 5_000
function early({ startedAt, floors }) {
  const until = floors.filter(({ timestamp }) => timestamp - startedAt <= EARLY)
  return decideLeak({ floors: until, minimumGrowth: SERVER_MINIMUM_GROWTH }).leak
}

const loops = Array.from({ length: Number(options.busy) }, () => spawn(process.execPath, ['-e', 'for(;;);']))
process.on('exit', () => loops.forEach((loop) => loop.kill('SIGKILL')))
const rows = []
console.log(
  `${chosen.length} programs; servers: ${options.rate} requests/s for ${options.duration} ms each, functions: ${CALLS} calls\n`,
)
for (const server of chosen) {
  const result = await judge(server)
  const { leak, floors, value } = result
  const right = server.leaks === (leak.verdict === 'leak')
  rows.push({ ...server, leak, floors, value, startedAt: result.startedAt, early: server.fn ? leak : early(result) })
  const [suspect] = leak.suspects ?? []
  console.log(
    [
      right ? ' ' : leak.verdict === 'inconclusive' ? '?' : '!',
      (server.group === 'blind' ? server.file : `${server.file} ${server.variant}`).padEnd(36),
      leak.verdict.padEnd(12),
      `${leak.bytesPerRequest?.toFixed(0) ?? '-'} B/${server.fn ? 'call' : 'request'}`.padStart(16),
      suspect ? `${suspect.function} (${suspect.location})` : '',
    ].join(' '),
  )
  if (!right) console.log(`    ${leak.reason}`)
}

printTable('at the end', ({ leak }) => leak.verdict)
printTable('after 5 s', (row) => row.early.verdict)

function printTable(when, verdictOf) {
  console.log(`\n${when.padEnd(24)}  leak  stable  inconclusive`)
  for (const name of GROUPS) {
    for (const leaks of [true, false]) {
      const group = rows.filter((row) => row.group === name && row.leaks === leaks)
      const count = (verdict) => group.filter((row) => verdictOf(row) === verdict).length
      if (group.length === 0) continue
      const title = `${leaks ? 'leaking' : 'sound'}, ${name} (${group.length})`
      const cells = [count('leak'), count('stable'), count('inconclusive')]
      console.log(
        `${title.padEnd(24)} ${cells.map((cell, index) => String(cell).padStart([5, 7, 13][index])).join(' ')}`,
      )
    }
  }
}
if (options.record) writeFileSync(options.record, JSON.stringify(rows))
for (const loop of loops) loop.kill('SIGKILL')
process.exitCode = rows.some((row) => !row.leaks && row.leak.verdict === 'leak') ? 1 : 0
