import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { portIsFree } from '../../programs/leftovers.ts'
import { repository, type Major } from '../harness/installed-package.ts'
import { removeProjects, startVitest, type Pool, type RunningVitest } from '../harness/run-vitest.ts'

afterAll(removeProjects)

const program = (name: string) => `node ${join(repository, 'test/programs', name)}`

/** What the spec does once its servers are up. */
const DOING = {
  waits: `await new Promise(() => {})`,
  blocks: `for (;;);`,
  exits: `process.exit(3)`,
  'runs out of memory': `const hoard = []; for (;;) hoard.push(Array.from({ length: 100_000 }, () => ({ hoard })))`,
  'tears down a deaf server': ``,
  'waits while another test fails under --bail': `await new Promise(() => {})`,
} as const

interface EndOfRun {
  major: Major
  pool: Pool
  doing: keyof typeof DOING
  /** What is killed, and how; `none` where the run ends by itself. */
  kill: 'none' | 'worker' | 'main' | 'terminal'
  signal?: NodeJS.Signals
  /** Before the servers are ready. */
  early?: boolean
  exitCode?: number | null
  /** Vitest's command. Default `run`. */
  command?: string
  args?: string[]
}

const specOf = ({ doing, early }: EndOfRun) => `
import { test as base } from 'vitest-plugin-perf'
let test = base
import { writeFileSync } from 'node:fs'
const up = (servers) => writeFileSync('up.json', JSON.stringify({ pid: process.pid, ports: servers.map(({ port }) => port) }))
${doing.includes('--bail') ? `test = test.concurrent` : ''}
test('holds servers', { timeout: 50_000 }, async ({ startServer }) => {
  const start = (command) => startServer({ command, shutdown: { timeout: ${doing === 'exits' || doing.includes('--bail') ? 500 : 20_000} } })
  ${
    early
      ? `setTimeout(() => up([]), 700); await start(${JSON.stringify(program('server-silent.mjs'))})`
      : doing === 'tears down a deaf server'
        ? `const server = await start(${JSON.stringify(program('server-deaf.mjs'))}); setTimeout(() => up([server]), 500)`
        : `up(await Promise.all(${JSON.stringify(['server-ok.mjs', 'server-family.mjs', 'server-cluster.mjs'].map(program))}.map(start)))`
  }
  ${early ? '' : DOING[doing]}
})
${doing.includes('--bail') ? failing : ''}`

/** Fails as soon as the other test holds its servers. */
const failing = `
import { existsSync } from 'node:fs'
test('fails', async () => {
  while (!existsSync('up.json')) await new Promise((done) => setTimeout(done, 50))
  throw new Error('this one fails')
})
`

async function waitForServers(running: RunningVitest): Promise<{ pid: number; ports: number[] }> {
  const path = join(running.project, 'up.json')
  for (let turn = 0; turn < 800; turn += 1) {
    if (existsSync(path)) {
      await delay(30)
      return JSON.parse(readFileSync(path, 'utf8')) as { pid: number; ports: number[] }
    }
    await delay(50)
  }
  throw new Error(`the servers did not come up:\n${running.output()}`)
}

function strike({ kill, signal = 'SIGKILL' }: EndOfRun, running: RunningVitest, worker: number): void {
  const main = running.child.pid as number
  if (kill === 'main') process.kill(main, signal)
  // As a terminal does at Ctrl-C: to everybody in the foreground.
  else if (kill === 'terminal') process.kill(-main, signal)
  else if (kill === 'worker') process.kill(worker, signal)
}

// Whether servers and their watchdog are children of a worker or of the main process is what a pool changes here.
const inProcesses: [Major, Pool][] = [
  [4, 'forks'],
  [5, 'vmForks'],
]
const inThreads: [Major, Pool][] = [
  [4, 'vmThreads'],
  [5, 'threads'],
]
const onBoth: [Major, Pool][] = [
  [4, 'forks'],
  [5, 'threads'],
]
const crossed: [Major, Pool][] = [
  [4, 'threads'],
  [5, 'forks'],
]
const forked: [Major, Pool][] = [
  [4, 'forks'],
  [5, 'forks'],
]

const ends: EndOfRun[] = [
  ...[...inProcesses, ...inThreads].map(([major, pool]): EndOfRun => ({
    major,
    pool,
    doing: 'waits',
    kill: 'main',
    signal: 'SIGKILL',
  })),
  ...crossed.flatMap(([major, pool]): EndOfRun[] => [
    { major, pool, doing: 'blocks', kill: 'main', signal: 'SIGKILL' },
    { major, pool, doing: 'waits', kill: 'main', signal: 'SIGTERM' },
  ]),
  ...onBoth.map(([major, pool]): EndOfRun => ({ major, pool, doing: 'waits', kill: 'terminal', signal: 'SIGINT' })),
  ...forked.flatMap(([major, pool]): EndOfRun[] => [
    { major, pool, doing: 'waits', kill: 'worker', exitCode: 1 },
    { major, pool, doing: 'runs out of memory', kill: 'none', exitCode: 1 },
    { major, pool, doing: 'exits', kill: 'none', exitCode: 1 },
    { major, pool, doing: 'waits', kill: 'main', early: true },
    { major, pool, doing: 'tears down a deaf server', kill: 'main' },
    { major, pool, doing: 'waits', kill: 'terminal', signal: 'SIGINT', command: 'watch' },
    {
      major,
      pool,
      doing: 'waits while another test fails under --bail',
      kill: 'none',
      exitCode: 1,
      args: ['--bail=1'],
    },
  ]),
]

const titleOf = ({ major, pool, doing, kill, signal = 'SIGKILL', early, command = 'run' }: EndOfRun) =>
  `Vitest ${major}, ${pool}, ${command}: the spec ${early ? 'starts a server' : doing}${kill === 'none' ? '' : `, and ${signal} hits ${kill === 'terminal' ? 'all of the terminal' : `the ${kill}`}`}`

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended just now.
  }
}

async function suffer(end: EndOfRun): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), 'ends-'))
  const running = await startVitest({
    env: { TMPDIR: temporary },
    major: end.major,
    pool: end.pool,
    files: { 'a.test.js': specOf(end) },
    ...(end.command && { command: end.command }),
    ...(end.args && { args: end.args }),
    test: end.doing === 'runs out of memory' ? `execArgv: ['--max-old-space-size=60'],` : '',
  })
  try {
    const { pid, ports } = await waitForServers(running)
    strike(end, running, pid)
    const run = await running.finished
    // Vitest's own worker outlives a killed main process; it is no server, and has a second longer.
    const ownWorker = end.kill === 'main' && pid !== running.child.pid ? pid : 0
    const left = await waitForOthers(run.leftovers, ownWorker)
    const orphans = await run.leftovers(3_000)
    // Where this fails, what is left is not to haunt this machine.
    for (const { pid: other } of [...left, ...orphans]) killIfThere(other)
    expect([...left, ...orphans].map(({ command }) => command)).toEqual([])
    for (const port of ports) expect(await portIsFree(port)).toBe(true)
    if (end.kill === 'main' || end.kill === 'terminal') {
      const { signal = 'SIGKILL' } = end
      expect(run.signal === signal || run.exitCode === (signal === 'SIGINT' ? 130 : 143)).toBe(true)
    } else {
      expect(run.exitCode).toBe(end.exitCode)
    }
    expect(run.timedOut).toBe(false)
    const files = readdirSync(temporary).filter((name) => /^(vitest-perf|perf-)/.test(name))
    expect(files).toEqual([])
  } finally {
    rmSync(temporary, { recursive: true, force: true })
    if (running.child.exitCode === null && running.child.signalCode === null)
      process.kill(-(running.child.pid as number), 'SIGKILL')
  }
}

/** All that is left after two seconds but one worker of Vitest. */
async function waitForOthers(
  leftovers: (milliseconds?: number) => Promise<{ pid: number; command: string }[]>,
  worker: number,
) {
  const end = performance.now() + 2_000
  for (;;) {
    const left = (await leftovers(0)).filter(({ pid }) => pid !== worker)
    if (left.length === 0 || performance.now() > end) return left
    await delay(50)
  }
}

describe.runIf(process.platform === 'linux')('whatever ends the run, no server is left', () => {
  const titled = ends.map((end): [string, EndOfRun] => [titleOf(end), end])
  test.concurrent.for(titled)('%s', { timeout: 100_000 }, ([, end]) => suffer(end))
})
