import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonReport } from '../../src/report/json-report.ts'
import { escapeHtml } from '../../src/report/html-text.ts'
import { FAILING } from './failing-specs.ts'
import { MAJORS } from './harness/installed-package.ts'
import { removeProjects, runVitest, type Run } from './harness/run-vitest.ts'
import { missingTerminal, openTerminal } from './report-terminal.ts'

const OWN_FRAME = /vitest-plugin-perf\/dist/

const config = (reporters: string) => `import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'
export default defineConfig({
  plugins: [perf({ server: { module: './app.mjs' }, report: { json: 'perf.json', html: 'perf.html' } })],
  test: { include: ['**/*.perf.ts'], reporters: ${reporters}, maxWorkers: 2 },
})
`

/** What each failure must say, by the name of its test. */
const CAUSES: Record<string, RegExp> = {
  'mistaken options':
    /^Invalid load options: Expected `duration` to be a positive .*; Unknown option `conections` .* did you mean `connections`\?/,
  'cannot start': /^the server `node broken\.mjs` did not start: .*Cannot find module .*not-there\.mjs/,
  'answers 404 to its health check': /^the server `\.\/app\.mjs` did not start: .*\/healthz answered 404/,
  'dies under load': /^the server `\.\/app\.mjs` died during the test with code 1: Error: out of handles$/,
  'misses its error threshold':
    /^errorRate of "GET \/missing" was 100%, expected < 1% \(100x the bound\): status 404 × \d+$/,
  'misses its latency threshold': /latency\.p99 of "home" was .* ms, expected < 5 ms/,
  'meets what it must not': /^requests of "GET \/" was 20, expected not == 20$/,
  'times out': /^the test timed out after 6\.00 s; its load had ended/,
  'finds nobody': /^No connection to http:\/\/127\.0\.0\.1:1\/ could be opened .*ECONNREFUSED/,
  'fails by its own expectation': /^expected \{ '302': \d+ \} to deeply equal \{ '200': 1 \}$/,
  'asks for a figure that does not exist': /^Invalid use of `toMeetThresholds`: .*latency\.p99.*fast.*errorRate/,
}

/** The lines of Vitest's own block about a test, from its first to the next. */
function blockOf(stderr: string, name: string): string[] {
  const lines = stderr.split('\n')
  const from = lines.findIndex((line) => line.includes(' FAIL ') && line.endsWith(`> ${name}`))
  expect(from, `no block of "${name}"`).toBeGreaterThanOrEqual(0)
  const length = lines.slice(from).findIndex((line) => /\[\d+\/\d+\]/.test(line))
  return lines.slice(from, from + length)
}

/** Wrapped lines as one. */
const unwrapped = (text: string) => text.replace(/\s+/g, ' ')

afterAll(removeProjects)

describe.each(MAJORS)('failures on Vitest %i', (major) => {
  let run: Run
  let report: JsonReport
  const causeOf = (name: string) => report.tests.find(({ path }) => path.at(-1) === name)?.failure?.cause ?? ''

  beforeAll(async () => {
    const files = { ...FAILING, 'vitest.config.ts': config(`['perf']`) }
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: 'summary.md' }
    run = await runVitest({ major, files, reporter: '', env, timeout: 110_000 })
    report = JSON.parse(readFileSync(join(run.project, 'perf.json'), 'utf8')) as JsonReport
  })

  test.for(Object.entries(CAUSES))('%s: every report has the same whole sentence', ([name, cause]) => {
    const sentence = causeOf(name)
    expect(sentence).toMatch(cause)
    expect(unwrapped(blockOf(run.stderr, name).slice(0, 10).join('\n'))).toContain(unwrapped(sentence))
    expect(unwrapped(run.stdout.slice(run.stdout.indexOf('── Perf')))).toContain(unwrapped(sentence))
    const html = readFileSync(join(run.project, 'perf.html'), 'utf8')
    expect(html.slice(html.indexOf('<header'), html.indexOf('</header>'))).toContain(escapeHtml(sentence))
    const unescaped = readFileSync(join(run.project, 'summary.md'), 'utf8')
      .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
      .replace(/&lt;/g, '<')
      .replace(/&gt;/g, '>')
    expect(unescaped).toContain(sentence)
    const annotation = run.stdout.split('\n').find((line) => line.startsWith('::error') && line.includes(`> ${name},`))
    expect(annotation?.replaceAll('%25', '%')).toContain(sentence)
    expect(annotation).toMatch(/line=[1-9]/)
  })

  test('show the line of the spec that called, or the line of the test, and no frame of ours', () => {
    expect(run.output).not.toMatch(OWN_FRAME)
    const at = (name: string) => /❯ (\S+):(\d+):\d+/.exec(blockOf(run.stderr, name).join('\n'))?.slice(1)
    expect(at('mistaken options')).toEqual(['options.perf.ts', '4'])
    expect(at('dies under load')).toEqual(['crash.perf.ts', '4'])
    expect(at('finds nobody')).toEqual(['refused.perf.ts', '4'])
    expect(at('misses its latency threshold')).toEqual(['latency.perf.ts', '4'])
    expect(at('answers 404 to its health check')).toEqual(['health.perf.ts', '4'])
  })

  test('tell a cause that three tests share once, with their names', () => {
    const block = blockOf(run.stderr, 'cannot start')
    expect(block.filter((line) => line.includes(' FAIL ')).map((line) => line.split('> ')[1])).toEqual([
      'cannot start',
      'cannot start either',
      'cannot start a third time',
    ])
    expect(unwrapped(run.stderr).split('Cannot find module')).toHaveLength(2)
    const end = unwrapped(run.stdout.slice(run.stdout.indexOf('perf tests failed')))
    expect(end).toContain('• 3 tests: the server `node broken.mjs` did not start')
    expect(end.split('did not start: The server exited')).toHaveLength(2)
  })

  test('stay short', () => {
    // How many lines of progress there are is the machine's matter.
    const lines = run.output.split('\n').filter((line) => !/^::error|^ *perf [▸·■]/.test(line))
    expect(lines.length).toBeLessThan(390)
  })

  test('in the default reporter, too, have the line that called and no frame of ours', async () => {
    const { 'crash.perf.ts': crash = '', 'options.perf.ts': options = '', 'start.perf.ts': start = '' } = FAILING
    const files = {
      'app.mjs': FAILING['app.mjs'] ?? '',
      'broken.mjs': FAILING['broken.mjs'] ?? '',
      'crash.perf.ts': crash,
      'options.perf.ts': options,
      'start.perf.ts': start,
      'vitest.config.ts': config(`['default']`),
    }
    const plain = await runVitest({ major, files, reporter: '' })
    expect(plain.exitCode).toBe(1)
    expect(plain.output).not.toMatch(OWN_FRAME)
    expect(plain.stderr).toMatch(/❯ crash\.perf\.ts:4:/)
    expect(plain.stderr).toMatch(/❯ options\.perf\.ts:4:/)
    expect(plain.stderr).toMatch(/❯ start\.perf\.ts:4:/)
    expect(plain.stderr).toContain('Invalid load options: Expected `duration`')
  })

  test.skipIf(missingTerminal())('are the same on a terminal', async () => {
    const { project } = run
    const screen = openTerminal(major, project, {
      columns: 100,
      rows: 40,
      args: ['run', 'options', 'refused', 'start'],
    })
    try {
      await screen.exited
      const text = unwrapped(screen.everything().join(' '))
      for (const name of ['mistaken options', 'finds nobody', 'cannot start']) {
        expect(text).toMatch(new RegExp(CAUSES[name]?.source.replace(/^\^/, '').slice(0, 40) ?? '$never'))
      }
      expect(text).not.toMatch(OWN_FRAME)
    } finally {
      screen.kill()
    }
  })
})
