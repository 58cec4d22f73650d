import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { MAJORS } from './harness/installed-package.ts'
import { createProject, removeProjects, runVitest, startVitest, type RunOptions } from './harness/run-vitest.ts'

afterAll(removeProjects)

/** CPU in proportion to FACTOR, and answers that can be spoilt. */
const SERVER = `
import { createServer } from 'node:http'
const factor = Number(process.env.FACTOR ?? 1)
createServer((request, response) => {
  if (request.url === '/health') return response.end('ok')
  if (process.env.ANSWER === 'error') return response.writeHead(500).end('no')
  let sum = 0
  for (let step = 0; step < 400_000 * factor; step += 1) sum = (sum * 31 + step) % 1_000_003
  response.end(process.env.ANSWER === 'longer' ? 'x'.repeat(500) : String(sum).padStart(8))
}).listen(process.env.PORT, process.env.HOST)
`
const PERF = `{ server: { command: 'node server.js' } }`

function spec(options: string, body: string, timeout = 60_000): string {
  return `import { test, expect, PerfOptionsError } from 'vitest-plugin-perf'
test('compares', { timeout: ${timeout} }, async ({ compareServers }) => {
  const options = ${options}
  ${body}
})
`
}

function options(source: string, more: Partial<RunOptions> = {}): Omit<RunOptions, 'major'> {
  return { files: { 'server.js': SERVER, 'a.test.ts': source }, perf: PERF, timeout: 120_000, ...more }
}

const SUMMARY = `console.log('RESULT ' + JSON.stringify({ ...comparison, metrics: undefined, cpuChange: comparison.metrics.cpuPerRequest.change }))`

function resultOf(output: string) {
  const line = /RESULT (\{.*\})/.exec(output)?.[1]
  return JSON.parse(line ?? '{}') as Record<string, unknown> & { notes: string[]; reason: string; cpuChange: number }
}

describe.each(MAJORS)('Vitest %s', (major) => {
  test(
    '30 % more is slower after few pairs, and the failure says so as a reviewer would',
    { timeout: 150_000 },
    async () => {
      const body = `const comparison = await compareServers(options)
  ${SUMMARY}
  expect(comparison).not.toRegress()`
      const run = await runVitest({
        major,
        ...options(
          spec(
            `{ base: { env: { FACTOR: '1.0' } }, head: { env: { FACTOR: '1.4' } }, load: { url: '/', connections: 2 }, duration: '50s' }`,
            body,
            90_000,
          ),
          {
            reporter: 'perf',
          },
        ),
      })
      const result = resultOf(run.output)
      expect(run.exitCode, run.output).toBe(1)
      expect(result.verdict, run.output).toBe('slower')
      // Six pairs take less than 20 s on a machine that is free, and this one may not be.
      expect(result.pairs).toBeLessThanOrEqual(9)
      expect(result.cpuChange).toBeGreaterThan(0.15)
      expect(run.output).toMatch(/head needs \d+(\.\d)? % more CPU per request \(\d+(\.\d)? % to \d+(\.\d)? %\)/)
      expect(run.output).toMatch(/pairs/)
      expect(await run.leftovers()).toEqual([])
    },
  )

  test('a build beside itself does not fail, and is said to be one', { timeout: 150_000 }, async () => {
    const body = `const comparison = await compareServers(options)
  ${SUMMARY}
  expect(comparison).not.toRegress()
  expect(comparison).not.toRegress({ 'latency.p50': '40%' })`
    const run = await runVitest({
      major,
      ...options(spec(`{ base: {}, load: { url: '/', connections: 2 }, duration: '20s' }`, body)),
    })
    const result = resultOf(run.output)
    expect(run.exitCode, run.output).toBe(0)
    expect(result.verdict).not.toBe('slower')
    expect(result.notes.join()).toContain('the same build (A/A)')
    expect(await run.leftovers()).toEqual([])
  })

  test('a base from git: prepared once, no trace in the repository', { timeout: 240_000 }, async () => {
    const body = `const comparison = await compareServers(options)
  ${SUMMARY}`
    const source = spec(
      `{ base: { git: 'HEAD', prepare: 'echo prepared >> "$PREPARED"; echo built > built.txt' }, load: { url: '/', connections: 2 }, duration: 15_000 }`,
      body,
    )
    const given: RunOptions = { major, ...options(source) }
    const project = await createProject(given)
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
        cwd: project,
        encoding: 'utf8',
      })
    const prepared = join(project, 'prepared.log')
    writeFileSync(join(project, '.gitignore'), 'node_modules\n.tmp\nprepared.log\n')
    git('init', '-q', '-b', 'main')
    git('add', '-A')
    git('commit', '-qm', 'first')
    // Head is the working tree: a change that no commit has.
    writeFileSync(join(project, 'server.js'), SERVER.replace('400_000', '600_000'))
    const before = [git('worktree', 'list'), git('status', '--porcelain'), git('branch', '-a')]
    for (let round = 0; round < 2; round += 1) {
      const running = await startVitest({ ...given, env: { PREPARED: prepared } }, project)
      const run = await running.finished
      const result = resultOf(run.output)
      expect(run.exitCode, run.output).toBe(0)
      expect(result).toMatchObject({ base: { ref: 'HEAD' }, head: { dirty: true } })
      expect(result.notes.join()).toContain('working tree')
      expect(result.cpuChange, run.output).toBeGreaterThan(0.15)
      expect(await run.leftovers()).toEqual([])
    }
    expect([git('worktree', 'list'), git('status', '--porcelain'), git('branch', '-a')]).toEqual(before)
    expect(execFileSync('cat', [prepared], { encoding: 'utf8' })).toBe('prepared\n')
    const cache = join(project, 'node_modules/.cache/vitest-plugin-perf/base')
    expect(readdirSync(cache).filter((name) => name.endsWith('.lock'))).toEqual([])
  })

  test('an abort in mid-block rejects with what is known and leaves nothing', { timeout: 90_000 }, async () => {
    const body = `const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('enough')), 4_000)
  const error = await compareServers({ ...options, signal: controller.signal }).catch((reason) => reason)
  console.log('ABORTED ' + JSON.stringify({ name: error.name, code: error.code, message: error.message, partial: error.partial?.aborted }))`
    const run = await runVitest({ major, ...options(spec(`{ base: {}, load: { url: '/' }, duration: '30s' }`, body)) })
    expect(run.output).toContain(
      'ABORTED {"name":"AbortError","code":"PERF_ABORTED","message":"The comparison was aborted: enough","partial":true}',
    )
    expect(await run.leftovers()).toEqual([])
  })

  test('a test timeout, and a run that is killed, leave nothing', { timeout: 90_000 }, async () => {
    const hanging = `await Promise.all([compareServers(options), new Promise(() => {})])`
    const source = spec(`{ base: {}, load: { url: '/' }, duration: '15s' }`, hanging, 21_000).replace('15s', '15s')
    const running = await startVitest({ major, ...options(source, { reporter: 'perf' }) })
    await running.waitFor(/of up to/)
    running.child.kill('SIGKILL')
    const run = await running.finished
    expect(await run.leftovers(4_000)).toEqual([])
  })

  test('bad input: all of it at once, before anything starts', async () => {
    const body = `const error = await compareServers(options).catch((reason) => reason)
  expect(error).toBeInstanceOf(PerfOptionsError)
  console.log(error.message)`
    const bad = `{ base: { git: 'main', url: 'http://127.0.0.1:1' }, load: { url: 'http://127.0.0.1/', rate: 5, connectons: 3 }, duration: 3_000, tolerance: { cpu: '5%', 'latency.p99': '10%', 'latency.p50': '1%' } }`
    const run = await runVitest({ major, ...options(spec(bad, body)) })
    expect(run.exitCode, run.output).toBe(0)
    for (const told of [
      'Expected `load.rate` to be left out: turns of a comparison',
      'Unknown option `load.connectons`',
      'Expected `load.url` to be a path',
      'at least 15000 ms',
      'Unknown option `tolerance.cpu`',
      'a share of 25 % or more',
      'a share of 2 % or more',
    ]) {
      expect(run.output).toContain(told)
    }
  })
})

describe('what cannot be compared', () => {
  const major = MAJORS[0] as (typeof MAJORS)[number]
  const failing = `const error = await compareServers(options).catch((reason) => reason)
  console.log('FAILED ' + error.name + ' ' + error.code + ' ' + error.message)`

  test('a test timeout that is too short is refused with the one to set', async () => {
    const run = await runVitest({ major, ...options(spec(`{ base: {}, duration: '60s' }`, failing, 10_000)) })
    expect(run.output).toMatch(
      /FAILED PerfOptionsError PERF_INVALID_OPTIONS[^]*give the test a timeout of at least 80000 ms/,
    )
  })

  test('no verdict where base and head answer differently', { timeout: 60_000 }, async () => {
    const body = `const comparison = await compareServers(options)
  ${SUMMARY}
  expect(comparison).not.toRegress()
  expect(() => expect(comparison).not.toRegress(undefined, { strict: true })).toThrow(/do different work/)`
    const longer = `{ base: {}, head: { env: { ANSWER: 'longer' } }, load: { url: '/' }, duration: '15s' }`
    const run = await runVitest({ major, ...options(spec(longer, body)) })
    expect(run.exitCode, run.output).toBe(0)
    expect(resultOf(run.output)).toMatchObject({ verdict: 'inconclusive', obstacle: 'different-answers' })
    const failed = `{ base: {}, head: { env: { ANSWER: 'error' } }, load: { url: '/' }, duration: '15s' }`
    const other = await runVitest({
      major,
      ...options(spec(failed, `const comparison = await compareServers(options)\n${SUMMARY}`)),
    })
    expect(resultOf(other.output)).toMatchObject({ verdict: 'inconclusive', obstacle: 'errors' })
  })

  test(
    'a base that does not start, one without a repository, and one whose prepare fails',
    { timeout: 90_000 },
    async () => {
      const started = await runVitest({
        major,
        ...options(
          spec(`{ base: { command: 'node -e "console.log(42); process.exit(3)"' }, duration: '15s' }`, failing),
        ),
      })
      expect(started.output).toMatch(
        /FAILED ServerStartError PERF_SERVER_START The comparison has no base: The server exited with code 3/,
      )
      const source = spec(
        `{ base: { git: process.env.REF, prepare: 'echo out of luck; exit 9' }, duration: '15s' }`,
        failing,
      )
      const given: RunOptions = { major, ...options(source) }
      const project = await createProject(given)
      const git = (...args: string[]) =>
        execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: project })
      writeFileSync(join(project, '.gitignore'), 'node_modules\n')
      git('init', '-q')
      git('add', '-A')
      git('commit', '-qm', 'first')
      const unknown = await (await startVitest({ ...given, env: { REF: 'origin/main' } }, project)).finished
      expect(unknown.output).toMatch(
        /FAILED ComparisonError PERF_COMPARE The base `git: "origin\/main"` is unknown.*git fetch origin main/,
      )
      const prepared = await (await startVitest({ ...given, env: { REF: 'HEAD' } }, project)).finished
      expect(prepared.output).toMatch(/`prepare` of the base HEAD \([0-9a-f]{8}\) exited with code 9[^]*out of luck/)
      const cache = join(project, 'node_modules/.cache/vitest-plugin-perf/base')
      expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([])
    },
  )
})
