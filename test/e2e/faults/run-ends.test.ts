import { existsSync, readdirSync, readFileSync } from 'node:fs'
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
}

const specOf = ({ doing, early }: EndOfRun) => `
import { test } from 'vitest-plugin-perf'
import { writeFileSync } from 'node:fs'
const up = (servers) => writeFileSync('up.json', JSON.stringify({ pid: process.pid, ports: servers.map(({ port }) => port) }))
test('holds servers', { timeout: 50_000 }, async ({ startServer }) => {
  const start = (command) => startServer({ command, shutdown: { timeout: ${doing === 'exits' ? 500 : 20_000} } })
  ${
    early
      ? `setTimeout(() => up([]), 700); await start(${JSON.stringify(program('server-silent.mjs'))})`
      : doing === 'tears down a deaf server'
        ? `const server = await start(${JSON.stringify(program('server-deaf.mjs'))}); setTimeout(() => up([server]), 500)`
        : `up(await Promise.all(${JSON.stringify(['server-ok.mjs', 'server-family.mjs', 'server-cluster.mjs'].map(program))}.map(start)))`
  }
  ${early ? '' : DOING[doing]}
})`

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

const everywhere: [Major, Pool][] = [
  [4, 'forks'],
  [4, 'threads'],
  [5, 'forks'],
  [5, 'threads'],
]
const inVm: [Major, Pool][] = [
  [4, 'vmForks'],
  [4, 'vmThreads'],
  [5, 'vmForks'],
  [5, 'vmThreads'],
]
const forked: [Major, Pool][] = [
  [4, 'forks'],
  [5, 'forks'],
]

const ends: EndOfRun[] = [
  ...everywhere.flatMap(([major, pool]): EndOfRun[] => [
    { major, pool, doing: 'waits', kill: 'terminal', signal: 'SIGINT' },
    { major, pool, doing: 'waits', kill: 'main', signal: 'SIGTERM' },
    { major, pool, doing: 'waits', kill: 'main', signal: 'SIGKILL' },
    { major, pool, doing: 'blocks', kill: 'main', signal: 'SIGKILL' },
  ]),
  ...inVm.map(([major, pool]): EndOfRun => ({ major, pool, doing: 'waits', kill: 'main', signal: 'SIGKILL' })),
  ...forked.flatMap(([major, pool]): EndOfRun[] => [
    { major, pool, doing: 'waits', kill: 'worker', exitCode: 1 },
    { major, pool, doing: 'runs out of memory', kill: 'none', exitCode: 1 },
    { major, pool, doing: 'exits', kill: 'none', exitCode: 1 },
    { major, pool, doing: 'waits', kill: 'main', early: true },
    { major, pool, doing: 'tears down a deaf server', kill: 'main' },
  ]),
]

const titleOf = ({ major, pool, doing, kill, signal = 'SIGKILL', early }: EndOfRun) =>
  `Vitest ${major}, ${pool}: the spec ${early ? 'starts a server' : doing}${kill === 'none' ? '' : `, and ${signal} hits ${kill === 'terminal' ? 'all of the terminal' : `the ${kill}`}`}`

async function suffer(end: EndOfRun): Promise<void> {
  const running = await startVitest({
    major: end.major,
    pool: end.pool,
    files: { 'a.test.js': specOf(end) },
    test: end.doing === 'runs out of memory' ? `execArgv: ['--max-old-space-size=60'],` : '',
  })
  try {
    const { pid, ports } = await waitForServers(running)
    strike(end, running, pid)
    const run = await running.finished
    // An orphaned worker of Vitest is not ours to end, and is no server.
    const ownWorker = end.kill === 'main' && pid !== running.child.pid ? pid : 0
    const left = (await waitForOthers(run.leftovers, ownWorker)).map(({ command }) => command)
    expect(left).toEqual([])
    for (const port of ports) expect(await portIsFree(port)).toBe(true)
    if (end.kill === 'main' || end.kill === 'terminal') {
      const { signal = 'SIGKILL' } = end
      expect(run.signal === signal || run.exitCode === (signal === 'SIGINT' ? 130 : 143)).toBe(true)
    } else {
      expect(run.exitCode).toBe(end.exitCode)
    }
    expect(run.timedOut).toBe(false)
    const files = readdirSync(tmpdir()).filter((name) => name.startsWith(`vitest-perf-${pid}-`))
    expect(files).toEqual([])
    if (ownWorker && existsSync(`/proc/${ownWorker}`)) process.kill(ownWorker, 'SIGKILL')
  } finally {
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
  test.concurrent.for(ends.map((end) => ({ title: titleOf(end), end })))(
    '$title',
    { timeout: 100_000 },
    async ({ end }) => {
      await suffer(end)
    },
  )
})
