import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { MAJORS, type Major } from './harness/installed-package.ts'
import { createProject, removeProjects, runVitest, startVitest, type RunOptions } from './harness/run-vitest.ts'

afterAll(removeProjects)

const STEPS = 1_200_000
/** CPU in proportion to its steps, and answers that can be spoilt. */
const SERVER = `
import { createServer } from 'node:http'
let served = 0
createServer((request, response) => {
  if (request.url === '/health') return response.end('ok')
  if (process.env.ANSWER === 'error') return response.writeHead(500).end('no')
  if (process.env.ANSWER === 'die' && ++served > 4) throw new Error('boom')
  let sum = 0
  for (let step = 0; step < ${STEPS}; step += 1) sum = (sum * 31 + step) % 1_000_003
  response.end(process.env.ANSWER === 'longer' ? 'x'.repeat(500) : String(sum).padStart(8))
}).listen(process.env.PORT, process.env.HOST)
`
const SLOWER_SERVER = SERVER.replace(String(STEPS), String(STEPS * 1.3))
const PERF = `{ server: { command: 'node server.js' }, load: { connections: 2 } }`
const CACHE = 'node_modules/.cache/vitest-plugin-perf/base'

/** A spec of tests, each with its options and its body. */
function spec(tests: Record<string, { options: string; body: string; timeout?: number }>): string {
  const sources = Object.entries(tests).map(
    ([name, { options, body, timeout = 60_000 }]) => `
test(${JSON.stringify(name)}, { timeout: ${timeout} }, async ({ compareServers, onTestFinished }) => {
  const options = ${options}
  ${body}
})`,
  )
  return `import { test, expect, PerfOptionsError } from 'vitest-plugin-perf'
const tell = (name, value) => console.log('RESULT ' + JSON.stringify({ name, ...value }))
const summary = (comparison) => ({ ...comparison, metrics: undefined, cpuChange: comparison.metrics.cpuPerRequest.change })
const failure = (error) => ({ error: error.name + ' ' + error.code, message: error.message })
${sources.join('\n')}
`
}

type Result = Record<string, unknown> & {
  name: string
  notes: string[]
  reason: string
  message: string
  cpuChange: number
  duration: number
}

function resultsOf(output: string): Record<string, Result | undefined> {
  const results = [...output.matchAll(/RESULT (\{.*\})/g)].map(([, json]) => JSON.parse(json as string) as Result)
  return Object.fromEntries(results.map((result) => [result.name, result]))
}

function runOptions(major: Major, source: string, more: Partial<RunOptions> = {}): RunOptions {
  return { major, files: { 'server.js': SERVER, 'a.test.ts': source }, perf: PERF, timeout: 120_000, ...more }
}

/** A project that is a repository, and git in it. */
async function createRepository(given: RunOptions) {
  const project = await createProject(given)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd: project,
      encoding: 'utf8',
    })
  writeFileSync(join(project, '.gitignore'), 'node_modules\n.tmp\n.env\nprepared.log\njunit.xml\n')
  git('init', '-q', '-b', 'main')
  git('add', '-A')
  git('commit', '-qm', 'first')
  return { project, git }
}

describe.each(MAJORS)('Vitest %s', (major) => {
  test(
    'a working tree with 30 % more work than its commit is slower, and the failure says so as a reviewer would',
    { timeout: 150_000 },
    async () => {
      const base = `{ git: 'HEAD', prepare: 'echo prepared >> "$PREPARED"; echo built > built.txt' }`
      const given = runOptions(
        major,
        spec({
          slower: {
            options: `{ base: ${base}, load: { url: '/' }, duration: '30s' }`,
            body: `const comparison = await compareServers(options)
  tell('slower', summary(comparison))
  expect(comparison).not.toRegress()`,
          },
          again: {
            options: `{ base: ${base}, load: { url: '/' }, duration: '15s', signal: AbortSignal.timeout(4_000) }`,
            body: `const error = await compareServers(options).catch((reason) => reason)
  tell('again', { ...failure(error), aborted: error.partial?.aborted, commit: error.partial?.base.commit })`,
          },
        }),
        { reporter: 'perf', args: ['--reporter=junit', '--outputFile.junit=junit.xml'] },
      )
      const { project, git } = await createRepository(given)
      // Head is the working tree: a change that no commit has.
      writeFileSync(join(project, 'server.js'), SLOWER_SERVER)
      const state = () => [git('worktree', 'list'), git('status', '--porcelain'), git('branch', '-a')]
      const before = state()
      const prepared = join(project, 'prepared.log')
      const run = await (await startVitest({ ...given, env: { PREPARED: prepared } }, project)).finished
      const { slower, again } = resultsOf(run.output)
      expect(run.exitCode, run.output).toBe(1)
      expect(slower, run.output).toMatchObject({ verdict: 'slower', base: { ref: 'HEAD' }, head: { dirty: true } })
      expect(slower?.cpuChange, run.output).toBeGreaterThan(0.15)
      expect(slower?.notes.join()).toContain('working tree')
      // A machine that others use takes longer to start servers.
      if ((loadavg()[0] as number) < availableParallelism()) expect(slower?.duration).toBeLessThan(20_000)
      expect(run.output).toMatch(/head needs \d+(\.\d)? % more CPU per request \(\d+(\.\d)? % to \d+(\.\d)? %\)/)
      expect(run.output).toMatch(/perf · .*\b[1-9]\d* of up to \d+ pairs, CPU per request \+\d/)
      const junit = readFileSync(join(project, 'junit.xml'), 'utf8')
      expect(junit).toMatch(/<property name="perf\.compare_cpu_per_request_change" value="0\.\d+"/)
      expect(junit).toMatch(/<property name="perf\.compare_pairs" value="[1-9]\d*"/)
      // An abort in mid-block rejects with what is known.
      expect(again).toMatchObject({
        error: 'AbortError PERF_ABORTED',
        aborted: true,
        commit: git('rev-parse', 'HEAD').trim(),
      })
      expect(again?.message).toMatch(/^The comparison was aborted: /)
      expect(state()).toEqual(before)
      expect(readFileSync(prepared, 'utf8')).toBe('prepared\n')
      expect(readdirSync(join(project, CACHE)).filter((name) => name.endsWith('.lock'))).toEqual([])
      expect(await run.leftovers()).toEqual([])
    },
  )
})

test('a build beside itself is not slower, and is said to be one', { timeout: 150_000 }, async () => {
  const source = spec({
    same: {
      options: `{ base: {}, load: { url: '/' }, duration: '15s' }`,
      body: `const comparison = await compareServers(options)
  tell('same', summary(comparison))
  expect(comparison).not.toRegress()
  expect(comparison).not.toRegress({ 'latency.p50': '40%' })`,
    },
  })
  // Side by side: a machine that others use must not make a build slower than itself.
  const runs = await Promise.all(MAJORS.map((major) => runVitest(runOptions(major, source))))
  for (const run of runs) {
    const { same } = resultsOf(run.output)
    expect(run.exitCode, run.output).toBe(0)
    expect(same?.verdict).not.toBe('slower')
    expect(same?.notes.join()).toContain('the same build (A/A)')
    expect(await run.leftovers()).toEqual([])
  }
})

// These judge no figures: they may disturb each other.
test.concurrent('a run that is killed leaves nothing', { timeout: 90_000 }, async ({ expect }) => {
  const hanging = spec({
    hanging: {
      options: `{ base: {}, load: { url: '/' }, duration: '15s' }`,
      body: `await Promise.all([compareServers(options), new Promise(() => {})])`,
    },
  })
  const running = await startVitest(runOptions(MAJORS[0] as Major, hanging, { reporter: 'perf' }))
  await running.waitFor(/of up to/)
  running.child.kill('SIGKILL')
  expect(await (await running.finished).leftovers(4_000)).toEqual([])
})

test.concurrent(
  'a run that is cancelled ends its comparison and leaves nothing',
  { timeout: 90_000 },
  async ({ expect }) => {
    const source = `import { test, expect } from 'vitest-plugin-perf'
test.concurrent('compares', { timeout: 60_000 }, async ({ compareServers }) => {
  const error = await compareServers({ base: {}, load: { url: '/' }, duration: '30s' }).catch((reason) => reason)
  console.log('CANCELLED ' + error.name + ' ' + error.code)
})
test.concurrent('fails', async () => {
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  throw new Error('as planned')
})
`
    const run = await runVitest(runOptions(MAJORS[1] as Major, source, { args: ['--bail=1'] }))
    expect(run.output).toContain('CANCELLED AbortError PERF_ABORTED')
    expect(run.duration).toBeLessThan(25_000)
    expect(await run.leftovers()).toEqual([])
  },
)

describe.concurrent('what cannot be compared', () => {
  const bad = `{ base: { git: 'main', url: 'http://127.0.0.1:1' }, load: { url: 'http://127.0.0.1/', rate: 5, connectons: 3 }, duration: 3_000, tolerance: { cpu: '5%', 'latency.p99': '10%', 'latency.p50': '1%' } }`

  test.for(MAJORS)('on Vitest %s: bad input, all of it at once, before anything starts', async (major, { expect }) => {
    const body = `const error = await compareServers(options).catch((reason) => reason)
  expect(error).toBeInstanceOf(PerfOptionsError)
  tell('bad', failure(error))`
    const run = await runVitest(runOptions(major, spec({ bad: { options: bad, body } })))
    expect(run.exitCode, run.output).toBe(0)
    for (const told of [
      'Expected `load.rate` to be left out: a comparison sends a closed-model load',
      'Unknown option `load.connectons`',
      'Expected `load.url` to be a path',
      'at least 15000 ms',
      'Unknown option `tolerance.cpu`',
      'a share of 25 % or more',
      'a share of 2 % or more',
    ]) {
      expect(resultsOf(run.output).bad?.message).toContain(told)
    }
  })

  test('is said with what differs, what failed, and what to do', { timeout: 120_000 }, async ({ expect }) => {
    const failing = (name: string) =>
      `tell('${name}', failure(await compareServers(options).catch((reason) => reason)))`
    const secure = `import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
const file = (name) => readFileSync(${JSON.stringify(`${import.meta.dirname}/../programs/load-tls/`)} + name)
if (process.env.SECRET !== 'known') throw new Error('no SECRET')
export default createServer({ key: file('key.pem'), cert: file('cert.pem') }, (_, response) => response.end('ok'))`
    const source = spec({
      different: {
        options: `{ base: {}, head: { env: { ANSWER: 'longer' } }, load: { url: '/' }, duration: '15s' }`,
        body: `const comparison = await compareServers(options)
  tell('different', summary(comparison))
  expect(comparison).not.toRegress()
  expect(() => expect(comparison).not.toRegress(undefined, { strict: true })).toThrow(/do different work/)`,
      },
      errors: {
        options: `{ base: {}, head: { env: { ANSWER: 'error' } }, load: { url: '/' }, duration: '15s' }`,
        body: `tell('errors', summary(await compareServers(options)))`,
      },
      dies: {
        options: `{ base: {}, head: { env: { ANSWER: 'die' } }, load: { url: '/' }, duration: '15s' }`,
        body: failing('dies'),
      },
      timeout: { options: `{ base: {}, duration: '60s' }`, body: failing('timeout'), timeout: 10_000 },
      start: {
        options: `{ base: { command: 'node -e "console.log(42); process.exit(3)"' }, duration: '15s' }`,
        body: failing('start'),
      },
      unknown: { options: `{ base: { git: 'origin/main' }, duration: '15s' }`, body: failing('unknown') },
      prepare: {
        options: `{ base: { git: 'HEAD', prepare: 'echo out of luck; exit 9' }, duration: '15s' }`,
        body: failing('prepare'),
      },
      late: {
        options: `{ base: { git: 'HEAD', prepare: 'sleep 4' }, duration: '15s' }`,
        body: failing('late'),
        timeout: 23_000,
      },
      // Its certificate is its own, and its variables are in a file that no commit has.
      secure: {
        options: `{ base: { git: 'HEAD', module: './secure.js', envFile: '.env' }, head: { module: './secure.js', envFile: '.env' }, load: { url: '/' }, duration: '15s' }`,
        body: `const controller = new AbortController()
  const stop = setTimeout(() => controller.abort(), 7_000)
  const found = await compareServers({ ...options, signal: controller.signal }).catch((error) => error.partial ?? failure(error))
  clearTimeout(stop)
  tell('secure', { ...found, metrics: undefined })`,
      },
    })
    const given = runOptions(MAJORS[0] as Major, source, {
      files: { 'server.js': SERVER, 'secure.js': secure, 'a.test.ts': source },
    })
    const { project } = await createRepository(given)
    writeFileSync(join(project, '.env'), 'SECRET=known\n')
    const run = await (await startVitest(given, project)).finished
    const results = resultsOf(run.output)
    expect(run.exitCode, run.output).toBe(0)
    expect(results.different).toMatchObject({ verdict: 'inconclusive', obstacle: 'different-answers' })
    expect(results.errors).toMatchObject({ verdict: 'inconclusive', obstacle: 'errors' })
    expect(results.dies?.error).toBe('ServerExitedError PERF_SERVER_EXITED')
    expect(results.dies?.message).toMatch(/^The comparison has lost head: The server exited with code 1[^]*boom/)
    expect(results.timeout?.error).toBe('PerfOptionsError PERF_INVALID_OPTIONS')
    expect(results.timeout?.message).toContain('give the test a timeout of at least 80000 ms')
    expect(results.start?.error).toBe('ServerStartError PERF_SERVER_START')
    expect(results.start?.message).toMatch(/^The comparison has no base: The server exited with code 3/)
    expect(results.unknown?.error).toBe('ComparisonError PERF_COMPARE')
    expect(results.unknown?.message).toMatch(/`git: "origin\/main"` is unknown.*git fetch origin main/)
    expect(results.prepare?.message).toMatch(
      /`prepare` of the base HEAD \([0-9a-f]{8}\) exited with code 9[^]*out of luck/,
    )
    expect(results.late?.message).toMatch(
      /^Making the base took too long for this test\. The comparison may take 15000 ms, but its test has .*give the test a timeout of at least \d+ ms/,
    )
    expect(results.secure, run.output).not.toHaveProperty('obstacle')
    expect(results.secure).toMatchObject({ pairs: expect.any(Number), cpu: 'process-tree' })
    expect(results.secure?.pairs).toBeGreaterThan(0)
    expect(results.secure?.notes.join()).toContain('the commit of base has no .env')
    // The base that was late, and that of the last test.
    expect(readdirSync(join(project, CACHE))).toHaveLength(2)
    expect(await run.leftovers()).toEqual([])
  })
})
