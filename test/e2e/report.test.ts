import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { JsonReport } from '../../src/report/json-report.ts'
import { loadArtifact } from '../unit/report/samples.ts'
import { MAJORS } from './harness/installed-package.ts'
import { createProject, removeProjects, runVitest, startVitest } from './harness/run-vitest.ts'
import { exampleSpecs, reporterConfig, runningSpec } from './report-project.ts'

const Ajv = createRequire(import.meta.url)('ajv') as typeof import('ajv').default
const schema = JSON.parse(readFileSync('schema/report-v2.schema.json', 'utf8')) as object

function readReport(project: string, path: string): JsonReport {
  return JSON.parse(readFileSync(join(project, path), 'utf8')) as JsonReport
}

/** All that must be the same however a run was split: not who reported it when, and no times of the run itself. */
function comparable(report: JsonReport): unknown {
  return report.tests.map((test) => ({ ...test, duration: 0 }))
}

/** The end tables, without the times of the run itself. */
function tablesOf(output: string): string {
  const from = output.indexOf('── Perf')
  const to = output.search(/perf tests? (hold|failed)/)
  return output.slice(from, to).replace(/ {2}[\d.]+ m?s$/gm, '')
}

/** Source of a reporter that tells which artifacts the main process keeps. */
const KEPT = `{ onTestRunEnd(modules) {
  for (const module of modules)
    for (const test of module.children.allTests()) console.log('kept ' + test.artifacts().map(({ type }) => type).join())
} }`

afterAll(removeProjects)

describe.each(MAJORS)('reporter on Vitest %i', (major) => {
  test('tells off a terminal what held, what failed, by how much and why, writes its files, and says the same of merged shards', async () => {
    const options = `{ json: 'out/deep/perf.json', html: 'out/perf.html', prometheus: 'out/perf.prom' }`
    const files = { 'vitest.config.ts': reporterConfig(options), ...exampleSpecs() }
    const project = await createProject({ major, files })
    const run = await (await startVitest({ major, files, reporter: '' }, project)).finished
    expect(run.exitCode).toBe(1)
    for (const word of ['requests/s', 'p50', 'p95', 'p99', 'memory']) expect(run.stdout).toContain(word)
    expect(run.stdout).toMatch(/GET \/orders\/:id +1,214 +4\.20 ms +8\.40 ms +12\.6 ms +21\.4 ms +0/)
    const told = run.stdout.replace(/\s+/g, ' ')
    expect(told).toContain('latency.p99 of "GET /orders" was 84.7 ms, expected < 50 ms (69% over)')
    expect(run.stdout).toContain('memory of server leaks')
    expect(run.stdout).toContain('died during the test with code 1')
    expect(run.stdout).toContain('│ Error: out of handles')
    expect(run.stdout).toContain('3 of 4 perf tests failed')
    // The default reporter's own words stand as they would without ours.
    expect(run.stdout).toMatch(/Tests +3 failed \| 1 passed \(4\)/)
    expect(run.stderr).toContain('Failed Tests 3')

    const report = readReport(run.project, 'out/deep/perf.json')
    const validate = new Ajv({ strict: false, allErrors: true }).compile(schema)
    validate(report)
    expect(validate.errors).toBeNull()
    expect(report.run.counts).toEqual({ total: 4, passed: 1, failed: 3, skipped: 0, pending: 0 })
    expect(report.tests.map(({ file }) => file)).toEqual([
      'specs/checkout.perf.ts',
      'specs/crash.perf.ts',
      'specs/orders.perf.ts',
      'specs/orders.perf.ts',
    ])
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(report.environment.plugin).toBe(version)
    expect(run.output).toContain(`── Perf ${version} ─`)
    expect(report.environment.vitest).toMatch(new RegExp(`^${major}\\.`))
    const html = readFileSync(join(run.project, 'out/perf.html'), 'utf8')
    expect(html).toContain('3 of 4 perf tests failed')
    expect(readFileSync(join(run.project, 'out/perf.prom'), 'utf8')).toMatch(
      /^vitest_perf_latency_seconds\{.*quantile="0\.99"\} 0\.0126$/m,
    )

    for (const shard of ['1/2', '2/2']) {
      const blob = `--outputFile=blobs/blob-${shard[0]}.json`
      await (
        await startVitest({ major, files, reporter: 'blob', args: [`--shard=${shard}`, blob] }, project)
      ).finished
    }
    rmSync(join(project, 'out'), { recursive: true })
    const args = ['--merge-reports=blobs']
    const merged = await (await startVitest({ major, files, reporter: '', args }, project)).finished
    expect(merged.exitCode).toBe(1)
    expect(comparable(readReport(project, 'out/deep/perf.json'))).toEqual(comparable(report))
    expect(tablesOf(merged.stdout)).toBe(tablesOf(run.stdout))
    expect(tablesOf(run.stdout)).toContain('last lines of the server')
    const timeless = (html: string) => html.replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/, '').replace(/ · [\d.]+ m?s</g, '<')
    expect(timeless(readFileSync(join(project, 'out/perf.html'), 'utf8'))).toBe(timeless(html))
  })

  test('has a line when a load starts, one an interval and one at its end, of files in parallel', async () => {
    const files = {
      'vitest.config.ts': reporterConfig('{ interval: 300 }', { reporters: KEPT, test: 'maxWorkers: 2' }),
      'a.perf.ts': runningSpec('load of a', 1_200, loadArtifact()),
      'b.perf.ts': runningSpec('load of b', 1_200, loadArtifact()),
    }
    const run = await runVitest({ major, reporter: '', files })
    expect(run.exitCode).toBe(0)
    for (const name of ['load of a', 'load of b']) {
      const lines = run.stdout
        .split('\n')
        .filter((line) => line.includes(`perf ▸ ${name}`) || line.includes(`perf · ${name}`))
      expect(lines[0]).toContain(`perf ▸ ${name}: load starts, 1.20 s planned`)
      // Twelve came, an interval apart at least: at most four after the first.
      expect(lines.length).toBeGreaterThanOrEqual(2)
      expect(lines.length).toBeLessThanOrEqual(5)
      expect(lines[1]).toMatch(/of 1\.20 s, 1,\d+ requests\/s, p50 12\.1 ms, p99 48\.2 ms, 3 errors, memory 42\.0 MB$/)
    }
    expect(run.stdout.match(/perf ■ GET \/orders: completed after 10\.0 s, 1,214 requests\/s/g)).toHaveLength(2)
    expect(run.stdout).toContain('2 of 2 perf tests hold')
    // The main process keeps no progress.
    expect(run.stdout.match(/^kept perf:load$/gm)).toHaveLength(2)
  })

  test('takes its options from the plugin, its own before those, and writes what can be written', async () => {
    const plugins = `{ name: 'vitest-plugin-perf', api: { report: { json: 'plugin.json', prometheus: 'plugin.prom', html: 'taken/perf.html' } } }`
    const run = await runVitest({
      major,
      reporter: '',
      files: {
        'vitest.config.ts': reporterConfig(`{ json: 'own.json' }`, { plugins }),
        taken: 'a file where a folder is needed',
        ...exampleSpecs(),
      },
    })
    expect(existsSync(join(run.project, 'own.json'))).toBe(true)
    expect(existsSync(join(run.project, 'plugin.json'))).toBe(false)
    expect(existsSync(join(run.project, 'plugin.prom'))).toBe(true)
    expect(run.exitCode).toBe(1)
    expect(run.stderr).toContain(`Could not write ${join(run.project, 'taken/perf.html')}`)
    expect(run.stdout).toContain('3 of 4 perf tests failed')
  })

  test('lists every mistake in its options before any test runs', async () => {
    const run = await runVitest({
      major,
      reporter: '',
      files: { 'vitest.config.ts': reporterConfig(`{ jsn: 'x', interval: 0 }`), ...exampleSpecs() },
    })
    expect(run.exitCode).toBe(1)
    expect(run.output).toContain('did you mean `json`?')
    expect(run.output).toContain('Expected `interval` to be a positive number')
    expect(run.output).not.toContain('GET /orders')
  })

  test('annotates the failing line for GitHub once and appends a job summary', async () => {
    const figures = `import { test } from 'vitest'
test('has figures', async ({ annotate }) => {
  await annotate('12.1', 'perf.p99_ms')
  await annotate('slow today')
${'\n'.repeat(5)}  throw new Error('no good')
})`
    const files = { ...exampleSpecs(), 'figures.perf.ts': figures }
    const config = reporterConfig()
    const both = config.replace('reporters: [', `reporters: ['github-actions', `)
    for (const [name, source] of Object.entries({ alone: config, both })) {
      const project = await createProject({ major, files: { 'vitest.config.ts': source, ...files } })
      const summary = join(project, 'summary.md')
      const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary }
      const run = await (await startVitest({ major, files: {}, reporter: '', env }, project)).finished
      expect(run.stdout.match(/^::error file=.*orders\.perf\.ts.*line=\d+/gm), name).toHaveLength(1)
      expect(run.stdout.match(/^::notice .*::slow today/gm), name).toHaveLength(1)
      // A figure is no notice, and its annotation is not printed with the failure either.
      if (name === 'alone') expect(run.output).not.toContain('perf.p99_ms')
      const markdown = readFileSync(summary, 'utf8')
      expect(markdown.match(/## ❌ 3 of 4 perf tests failed/g)).toHaveLength(1)
      expect(markdown).toMatch(/\| load \| requests\/s \| p50 \| p95 \| p99 \| max \| errors \|\n\| --- \| ---: /)
      expect(markdown).toContain('pool exhausted, 40 waiting')
    }
  })

  test('leaves a project without perf tests as the default reporter has it', async () => {
    const files = { 'plain.perf.ts': `import { test } from 'vitest'\ntest('plain', () => {})` }
    const perf = await runVitest({ major, reporter: '', files: { 'vitest.config.ts': reporterConfig(), ...files } })
    const plain = await runVitest({
      major,
      reporter: 'default',
      files: { 'vitest.config.ts': reporterConfig(), ...files },
    })
    const timeless = (output: string) =>
      output
        .replace(/Duration.*/, '')
        .replace(/[\d.]+ ?m?s\b/g, '')
        .replace(/\d\d:\d\d:\d\d/g, '')
        .replace(/tmp\/\w+/g, '')
        .replace(/ +/g, ' ')
    expect(timeless(perf.stdout)).toBe(timeless(plain.stdout))
  })
})
