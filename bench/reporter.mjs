import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binary, node, root } from '../scripts/tool.mjs'
import { inTurn, median, printRatio, timeCommand } from './measure.mjs'

// What the reporter costs those who do not measure anything, and what an hour of progress leaves in the main process.
const ROUNDS = 9
const TESTS = 1_000
const HOUR = 3_600
const folder = join(root, '.tmp/bench-reporter')
const project = join(folder, 'project')
const reporter = 'vitest-plugin-perf/reporter'

const PLAIN = `import { test } from 'vitest'
for (let i = 0; i < ${TESTS}; i += 1) test('test ' + i, () => {})`

// A load and a memory watch, each with a progress a second, as fast as they can be sent.
const LONG = `import { recordArtifact, test } from 'vitest'
test('an hour', { timeout: 300_000 }, async ({ task }) => {
  for (let second = 0; second < ${HOUR}; second += 1) {
    for (const kind of ['load', 'memory']) {
      await recordArtifact(task, {
        type: 'perf:progress', id: kind, attempt: 0, kind, title: 'GET /orders', progress: second / ${HOUR},
        elapsed: second * 1000, planned: ${HOUR * 1000}, requestsPerSecond: 1000 + Math.random(), p50: Math.random(),
        p99: Math.random() * 10, errors: 0,
        memory: { timestamp: second, rss: second * 1.1, heapUsed: second * 1.3, heapTotal: second, external: 1, arrayBuffers: 1 },
      })
    }
    if (second === 300) console.log('warm')
  }
  console.log('done')
})`

const heapProbe = `let warm
export default {
  test: {
    include: ['hour.test.js'],
    reporters: [process.env.REPORTER, {
      async onUserConsoleLog({ content }) {
        if (!/warm|done/.test(content)) return
        for (let i = 0; i < 4; i += 1) { globalThis.gc(); await new Promise((resolve) => setImmediate(resolve)) }
        const { heapUsed } = process.memoryUsage()
        if (content.includes('warm')) warm = heapUsed
        else process.stderr.write('heap grew by ' + (heapUsed - warm) + '\\n')
      },
    }],
  },
}`

rmSync(folder, { recursive: true, force: true })
mkdirSync(project, { recursive: true })
const files = {
  'package.json': '{"type":"module"}',
  // With the plugin for both: it is what makes the reporter known, and it loads the checks of options for both.
  'plain.config.js': `import perf from 'vitest-plugin-perf/plugin'
    export default { plugins: [perf()], test: { include: ['plain.test.js'] } }`,
  'hour.config.js': heapProbe,
  'plain.test.js': PLAIN,
  'hour.test.js': LONG,
}
for (const [name, source] of Object.entries(files)) writeFileSync(join(project, name), source)
writeFileSync(join(folder, 'package.json'), '{}')
// Where an installed package stands: what is in node_modules is not transformed by Vite.
for (const entry of ['package.json', 'dist', 'assets']) {
  cpSync(join(root, entry), join(folder, 'node_modules/vitest-plugin-perf', entry), { recursive: true })
}

// Vitest's main process says at its end what it cost; its workers inherit the preload and are left out.
const cpuProbe = `data:text/javascript,import{isMainThread}from'node:worker_threads';if(isMainThread&&!process.send)process.on('exit',()=>{const{user,system}=process.cpuUsage();process.stderr.write('cpu%20'+(user+system)/1000+'%5Cn')})`

/** Of one run: the time of the whole, and the CPU that the main process (where a reporter lives) spent. */
const plain = (name) => async () => {
  const args = ['--import', cpuProbe, binary('vitest'), 'run', '--config=plain.config.js', `--reporter=${name}`]
  const { milliseconds, output } = await timeCommand(node, args, { cwd: project })
  return { milliseconds, cpu: Number(/^cpu ([\d.]+)/m.exec(output)[1]) }
}

const growth = async (name) => {
  const args = ['--expose-gc', binary('vitest'), 'run', '--config=hour.config.js']
  const { output } = await timeCommand(node, args, { cwd: project, env: { ...process.env, REPORTER: name } })
  return Number(/heap grew by (-?\d+)/.exec(output)[1]) / 1024 / 1024
}

try {
  const times = await inTurn(ROUNDS, { perf: plain('perf'), default: plain('default') })
  const title = `${TESTS} tests without a fixture, whole process`
  const wall = (runs) => runs.map(({ milliseconds }) => milliseconds)
  const cpu = (runs) => runs.map((run) => run.cpu)
  printRatio(title, ['perf', wall(times.perf)], ['default', wall(times.default)], { unit: ' ms', goal: 'under 1.05' })
  const paired = times.perf.map(({ milliseconds }, round) => milliseconds / times.default[round].milliseconds)
  console.log(`  median of the rounds' own ratios: ${median(paired).toFixed(3)}`)
  const [perfCpu, defaultCpu] = [cpu(times.perf), cpu(times.default)]
  printRatio('  CPU of the main process', ['perf', perfCpu], ['default', defaultCpu], { unit: ' ms' })
  const [perf, kept] = [await growth(reporter), await growth('default')]
  console.log(
    `an hour of progress, heap of the main process: perf ${perf.toFixed(2)} MB, default ${kept.toFixed(2)} MB  (goal: 10 or less)`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
