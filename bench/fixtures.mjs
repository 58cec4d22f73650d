import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binary, node, root } from '../scripts/tool.mjs'
import { inTurn, median, printRatio, timeCommand } from './measure.mjs'

// Ten tests with a server each: our fixture against the helper that teams write by hand (spawn, poll, kill).
const ROUNDS = 5
const TESTS = 10
const project = join(root, '.tmp/bench-fixtures')

const SERVER = `import { createServer } from 'node:http'
createServer((_, response) => response.end('ok')).listen(process.env.PORT, '127.0.0.1')`

const FIXTURE = `import { expect, test } from 'vitest-plugin-perf'
for (let i = 0; i < ${TESTS}; i += 1) {
  test('test ' + i, async ({ server }) => { expect(await (await fetch(server.url)).text()).toBe('ok') })
}`

const BY_HAND = `import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
const freePort = () => new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => resolve(port)) })
})
async function withServer(work) {
  const port = await freePort()
  const child = spawn('node server.js', { shell: true, detached: true, env: { ...process.env, PORT: port }, stdio: 'ignore' })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const url = 'http://127.0.0.1:' + port
  while (!(await fetch(url).then((response) => response.ok, () => false))) await new Promise((resolve) => setTimeout(resolve, 50))
  try { await work(url) } finally { process.kill(-child.pid, 'SIGTERM'); await exited }
}
for (let i = 0; i < ${TESTS}; i += 1) {
  test('test ' + i, () => withServer(async (url) => { expect(await (await fetch(url)).text()).toBe('ok') }))
}`

rmSync(project, { recursive: true, force: true })
mkdirSync(project, { recursive: true })
const files = {
  'package.json': '{"type":"module"}',
  'vitest.config.js': `import perf from 'vitest-plugin-perf/plugin'
    export default { plugins: [perf({ server: { command: 'node server.js', health: { path: '/' } } })] }`,
  'plain.config.js': 'export default {}',
  'server.js': SERVER,
  'fixture.test.js': FIXTURE,
  'by-hand.test.js': BY_HAND,
}
// Where npm would put it: Vite transforms what is not in node_modules, and no user's install is like that.
const installed = join(project, 'node_modules/vitest-plugin-perf')
for (const entry of ['package.json', ...JSON.parse(readFileSync(join(root, 'package.json'))).files]) {
  cpSync(join(root, entry), join(installed, entry), { recursive: true })
}
for (const [name, source] of Object.entries(files)) writeFileSync(join(project, name), source)

const vitest = (file, config) => async () =>
  (await timeCommand(node, [binary('vitest'), 'run', file, `--config=${config}`], { cwd: project })).milliseconds

try {
  const times = await inTurn(ROUNDS, {
    fixture: vitest('fixture.test.js', 'vitest.config.js'),
    byHand: vitest('by-hand.test.js', 'plain.config.js'),
  })
  printRatio(
    `${TESTS} tests with a server each, whole process`,
    ['fixture', times.fixture],
    ['by hand', times.byHand],
    {
      unit: ' ms',
      goal: '1.25 or less',
    },
  )

  writeFileSync(join(project, 'cost.test.js'), costSpec())
  const costs = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const { output } = await timeCommand(node, [binary('vitest'), 'run', 'cost.test.js', '--config=plain.config.js'], {
      cwd: project,
    })
    costs.push(Number(/cost ([\d.]+)/.exec(output)[1]))
  }
  console.log(`importing the package in a spec: ${median(costs).toFixed(1)} ms  (goal: under 30 ms)`)
} finally {
  rmSync(project, { recursive: true, force: true })
}

function costSpec() {
  return `import { test } from 'vitest'
    const started = performance.now()
    await import('vitest-plugin-perf')
    const cost = performance.now() - started
    test('cost', () => console.log('cost ' + cost))`
}
