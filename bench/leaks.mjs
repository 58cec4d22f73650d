// The confusion table of the memory verdict: every leaking server and every sound one that only looks like it, under load.
//   npm run bench:leaks -- [--quick] [--duration=8000] [--rate=400] [--only=name,name] [--record=file.json]
// `tuning` servers were there when the rule's numbers were chosen; `held back` ones were first run when it was fixed.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import getPort from 'get-port'
import { MemoryMonitor } from '../dist/memory/monitor.js'
import { openProbeChannel } from '../dist/server/probe-channel.js'
import { steadyLoad, untilHealthy } from './steady-load.mjs'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    duration: { type: 'string', default: '8000' },
    rate: { type: 'string', default: '400' },
    only: { type: 'string' },
    record: { type: 'string' },
  },
})

/** [file, variant, held back until the rule was fixed, runs with --quick] */
const corpus = [
  ...variants('leaks/in-heap', false, 'array map closure listener timer small'),
  ...variants('leaks/outside-heap', false, 'buffer worker cluster'),
  ...variants('leaks/in-heap', true, 'pending session slice abort async-hook label memo tenth errors agent'),
  ...variants('leaks/in-heap', true, 'queue tree slow-timeout sticky-then request bytes'),
  ...variants('leaks/outside-heap', true, 'array-buffer worker-buffers fork'),
  ...variants('lookalikes/bounded', false, 'plain churn lru ring lazy batch buffers ttl pool'),
  ...variants('lookalikes/many-isolates', false, 'cluster express'),
  ...variants('lookalikes/bounded', true, 'intern staged timeout sweep weak fragments shapes gzip wave log'),
  ...variants('lookalikes/bounded', true, 'long-ttl slow-fill stages slow-saw compile regexp'),
  ...variants('lookalikes/many-isolates', true, 'worker worker-each fastify'),
]
const QUICK = ['leaks/in-heap array', 'leaks/outside-heap worker', 'lookalikes/bounded lru', 'lookalikes/bounded churn']

function variants(file, heldBack, names) {
  return names.split(' ').map((variant) => ({ file, variant, heldBack, leaks: file.startsWith('leaks/') }))
}

async function judge({ file, variant }) {
  const channel = await openProbeChannel()
  const port = await getPort()
  const script = fileURLToPath(new URL(`../test/programs/${file}.mjs`, import.meta.url))
  const server = spawn(process.execPath, [script, variant], {
    env: { ...process.env, ...channel.env, NODE_OPTIONS: channel.nodeOptions, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
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
    server.kill()
    await channel.close()
  }
}

const chosen = corpus.filter(({ file, variant }) => {
  if (options.only) return options.only.split(',').includes(variant)
  return !options.quick || QUICK.includes(`${file} ${variant}`)
})
const rows = []
console.log(`${chosen.length} servers, ${options.rate} requests/s for ${options.duration} ms each\n`)
for (const server of chosen) {
  const { leak, floors, value } = await judge(server)
  const right = server.leaks === (leak.verdict === 'leak')
  rows.push({ ...server, leak, floors, value })
  const [suspect] = leak.suspects ?? []
  console.log(
    [
      right ? ' ' : leak.verdict === 'inconclusive' ? '?' : '!',
      `${server.file} ${server.variant}`.padEnd(34),
      leak.verdict.padEnd(12),
      `${leak.bytesPerRequest?.toFixed(0) ?? '-'} B/request`.padStart(16),
      suspect ? `${suspect.function} (${suspect.location})` : '',
    ].join(' '),
  )
  if (!right) console.log(`    ${leak.reason}`)
}

console.log('\n                          leak  stable  inconclusive')
for (const heldBack of [false, true]) {
  for (const leaks of [true, false]) {
    const group = rows.filter((row) => row.heldBack === heldBack && row.leaks === leaks)
    const count = (verdict) => group.filter((row) => row.leak.verdict === verdict).length
    const name = `${leaks ? 'leaking' : 'sound'}, ${heldBack ? 'held back' : 'tuning'} (${group.length})`
    const cells = [count('leak'), count('stable'), count('inconclusive')]
    console.log(`${name.padEnd(24)} ${cells.map((cell, index) => String(cell).padStart([5, 7, 13][index])).join(' ')}`)
  }
}
if (options.record) writeFileSync(options.record, JSON.stringify(rows))
process.exitCode = rows.some((row) => !row.leaks && row.leak.verdict === 'leak') ? 1 : 0
