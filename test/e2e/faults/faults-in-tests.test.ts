import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository, type Major } from '../harness/installed-package.ts'
import { removeProjects, runVitest, type Pool, type Run } from '../harness/run-vitest.ts'
import { TEST_FAULTS, type TestFault } from './faults-in-tests.ts'

const programs = join(repository, 'test/programs')

/** What the specs have at hand; written into the project. */
const TOOLS = `
import { readdirSync, readFileSync } from 'node:fs'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
export { createServer } from 'node:http'
export { expect } from 'vitest-plugin-perf'
export const programs = ${JSON.stringify(programs)}
export const program = (name) => 'node ' + name.replace(/\\S+\\.mjs/, (file) => join(programs, file))
export const scratch = (name) => join(process.cwd(), name + '-' + process.pid + '-' + (process.env.VITEST_WORKER_ID ?? 0))
export const takenPort = Number(process.env.TAKEN_PORT)
export const stolenPort = Number(process.env.STOLEN_PORT)
const text = (path) => { try { return readFileSync(path, 'latin1') } catch { return '' } }
const parent = (pid) => Number(/\\) \\S (\\d+)/.exec(text('/proc/' + pid + '/stat'))?.[1] ?? 0)
export const isStopped = (pid) => /\\) T/.test(text('/proc/' + pid + '/stat'))
export const inThisProcess = (pid) => parent(pid) === process.pid || parent(parent(pid)) === process.pid
export const processes = (matches) => readdirSync('/proc')
  .filter((name) => /^\\d+$/.test(name) && Number(name) !== process.pid)
  .filter((name) => /\\) [^ZX]/.test(text('/proc/' + name + '/stat')))
  .filter((name) => matches(text('/proc/' + name + '/cmdline') + text('/proc/' + name + '/environ')))
  .map((pid) => ({ pid: Number(pid), command: text('/proc/' + pid + '/cmdline').replaceAll('\\0', ' ') }))
export const portIsFree = (port) => new Promise((resolve) => {
  const server = createTcpServer().once('error', () => resolve(false))
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
})
/** Handles of this thread, and descriptors of this process where no other thread has its own. */
export const holdings = async () => {
  await new Promise((done) => setTimeout(done, 120))
  const handles = process.getActiveResourcesInfo().filter((name) => !/Immediate|Timeout|FSReq|MessagePort/.test(name))
  return { handles: handles.toSorted(), descriptors: process.send ? readdirSync('/proc/self/fd').length : 0 }
}
`

function specOf(faults: readonly TestFault[], file: string): string {
  const rows = faults.map((fault, index) => {
    const { name, options, uses = '{ server }', body = '', test: testOptions = '{}' } = fault
    return `
describe(${JSON.stringify(name)}, () => {
  const mark = 'mark-${file}-${index}-' + process.pid + '-' + Math.random()
  const options = ${options}
  if (!options.url) options.env = { ...options.env, MARK: mark }
  test.override('serverOptions', options)
  let before
  const ports = []
  plain('before', async () => { before = await holdings() })
  test('suffers', ${testOptions}, async (${uses}) => {
    ${uses.includes('server,') || uses.includes('server }') ? `if (server.pid) ports.push(server.port)` : ''}
    ${body}
  })
  plain('leaves nothing', async () => {
    expect(processes((text) => text.includes(mark))).toEqual([])
    // Somebody else on this machine may try the very port for a moment.
    for (const port of ports) await expect.poll(() => portIsFree(port), { timeout: 5_000 }).toBe(true)
    const after = await holdings()
    // What came before may have been about to close; only more is too much.
    for (const handle of before.handles) if (after.handles.includes(handle)) after.handles.splice(after.handles.indexOf(handle), 1)
    expect(after.handles).toEqual([])
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors)
  })
})`
  })
  return `
import { test as plain } from 'vitest'
import { test, describe, startServer as startLoose } from 'vitest-plugin-perf'
import { createServer, expect, holdings, inThisProcess, isStopped, portIsFree, processes, program, programs, scratch, stolenPort, takenPort } from './tools.js'
test.override('serverOptions', { command: program('server-ok.mjs') })
// What the first server of a worker brings once, such as modules that keep a handle, is no growth.
test('warm-up', async ({ server, loadGenerator }) => {
  await loadGenerator.generateLoad({ url: '/', amount: 5, duration: 2_000 })
})
${rows.join('\n')}
`
}

interface AssertionResult {
  fullName: string
  status: string
  failureMessages: string[]
}

/** Each major; a process and a thread, a module graph of Node's and one of `vm`. */
const MATRIX: [Major, Pool][] = [
  [4, 'forks'],
  [5, 'vmThreads'],
]

interface Suffered {
  run: Run
  results: AssertionResult[]
  /** What the run has left in its folder for temporary files. */
  files: string[]
}

async function runFaults(major: Major, pool: Pool, index: number): Promise<Suffered> {
  const blocker = createServer()
  await new Promise<void>((done) => blocker.listen(0, '127.0.0.1', done))
  const taken = (blocker.address() as AddressInfo).port
  const temporary = mkdtempSync(join(tmpdir(), 'faults-'))
  try {
    const run = await runVitest({
      major,
      pool,
      reporter: 'json',
      args: ['--outputFile=results.json'],
      test: `maxWorkers: 3, testTimeout: 30_000,`,
      timeout: 200_000,
      env: { TAKEN_PORT: String(taken), STOLEN_PORT: String(9_000 + index), TMPDIR: temporary },
      files: {
        'package.json': JSON.stringify({
          type: 'module',
          scripts: { serve: `node ${join(programs, 'server-ok.mjs')}` },
        }),
        'tools.js': TOOLS,
        ...Object.fromEntries(
          Object.entries(TEST_FAULTS).map(([file, faults]) => [`${file}.test.js`, specOf(faults, file)]),
        ),
      },
    })
    const report = JSON.parse(readFileSync(join(run.project, 'results.json'), 'utf8')) as {
      testResults: { assertionResults: AssertionResult[]; message?: string }[]
    }
    const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
    if (results.length === 0) throw new Error(`nothing ran:\n${run.output}\n${JSON.stringify(report)}`)
    const files = readdirSync(temporary).filter((name) => /^(vitest-perf|perf-)/.test(name))
    return { run, results, files }
  } finally {
    blocker.close()
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** Both runs at the same time: most of a fault is waiting. */
let runs: Promise<Suffered>[] = []

beforeAll(() => {
  runs = MATRIX.map(([major, pool], index) => runFaults(major, pool, index))
  for (const run of runs) run.catch(() => {})
})

afterAll(async () => {
  await Promise.allSettled(runs)
  await removeProjects()
}, 300_000)

describe.each(MATRIX.map(([major, pool], index) => [major, pool, index] as const))(
  'a fault on Vitest %i in %s',
  (_major, _pool, index) => {
    let suffered: Suffered

    beforeAll(async () => {
      suffered = await (runs[index] as Promise<Suffered>)
    }, 300_000)

    const resultOf = (name: string) => suffered.results.find(({ fullName }) => fullName === name)

    const faults = Object.values(TEST_FAULTS).flatMap((part) =>
      part.map((fault): [string, TestFault] => [fault.name, fault]),
    )
    test.each(faults)('a server that %s', (name, { outcome, message }) => {
      const result = resultOf(`${name} suffers`)
      const told = result?.failureMessages.join('\n')
      expect(result?.status, told).toBe(outcome)
      if (message) expect(told).toMatch(message)
      expect(told).not.toContain('the body must not run')
      expect(resultOf(`${name} leaves nothing`)?.failureMessages).toEqual([])
    })

    test('the run ends by itself with exit code 1, and nothing is left of it', async () => {
      const { run, files } = suffered
      expect(run.timedOut).toBe(false)
      expect(run.exitCode).toBe(1)
      expect(run.output).not.toMatch(/Unhandled|uncaught/i)
      expect(await run.leftovers()).toEqual([])
      expect(files).toEqual([])
    })
  },
)
