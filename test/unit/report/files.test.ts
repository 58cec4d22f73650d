import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { renderBencher, renderBenchmark } from '../../../src/report/dashboard-reports.ts'
import { findCommit, readEnvironment } from '../../../src/report/machine.ts'
import { renderJobSummary } from '../../../src/report/github-summary.ts'
import { renderHtmlReport } from '../../../src/report/html-report.ts'
import { createJsonReport } from '../../../src/report/json-report.ts'
import { renderPrometheus } from '../../../src/report/prometheus-report.ts'
import { findReportOptionIssues, resolveReportOptions } from '../../../src/report/report-options.ts'
import { summarizeRun, type TestRecord } from '../../../src/report/summary.ts'
import { writeWhole } from '../../../src/report/write-file.ts'
import {
  exampleRecords,
  loadArtifact,
  loadResult,
  memoryArtifact,
  memoryResult,
  scenarioRecord,
  serverArtifact,
  testRecord,
} from './samples.ts'

const Ajv = createRequire(import.meta.url)('ajv') as typeof import('ajv').default
const folder = mkdtempSync(join(tmpdir(), 'perf-report-unit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const reportOf = (records: TestRecord[]) =>
  createJsonReport(
    summarizeRun(records),
    { state: 'failed', reportedAt: new Date(0) },
    readEnvironment(folder, '4.1.12', {}),
  )

describe('JSON', () => {
  const validate = new Ajv({ strict: false, allErrors: true }).compile(
    JSON.parse(readFileSync('schema/report-v2.schema.json', 'utf8')) as object,
  )
  const accepts = (report: unknown) => validate(JSON.parse(JSON.stringify(report)))

  test('is what its schema says', () => {
    const empty = loadResult({ requestsPerSecond: Number.NaN, errorRate: Number.NaN })
    const {
      eventLoopDelay: _,
      gc: __,
      ...other
    } = memoryResult() as Extract<ReturnType<typeof memoryResult>, { kind: 'node' }>
    const bare = { timestamp: 0, rss: 1 }
    const records = [
      ...exampleRecords(),
      testRecord({
        state: 'pending',
        artifacts: [
          loadArtifact({ outcome: 'failed', error: 'refused' }, empty),
          memoryArtifact({}, { ...other, kind: 'process', samples: [bare], baseline: bare, peak: bare, final: bare }),
          serverArtifact({ event: 'failed', exitCode: null, exitSignal: 'SIGKILL', error: 'no', output: 'x' }),
        ],
      }),
    ]
    accepts(reportOf(records))
    expect(validate.errors).toBeNull()
  })

  test('with anything undocumented or missing is not', () => {
    const report = reportOf(exampleRecords())
    expect(accepts({ ...report, version: 1 })).toBe(false)
    expect(accepts({ ...report, extra: 1 })).toBe(false)
    expect(accepts({ ...report, tests: [{ ...report.tests[0], loads: undefined }] })).toBe(false)
    expect(accepts({ ...report, tests: [{ ...report.tests[0], state: 'good' }] })).toBe(false)
  })
})

describe('JSON of names, checks and iterations', () => {
  const schema = JSON.parse(readFileSync('schema/report-v2.schema.json', 'utf8')) as object
  // A later version of the package may add figures to a result, so the published schema allows more than it describes.
  const closed = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(closed)
    if (typeof node !== 'object' || node === null) return node
    const entries = Object.entries(node).map(([key, value]) => [key, closed(value)])
    const described = Object.fromEntries(entries) as Record<string, unknown>
    return described['type'] === 'object' && [true, undefined].includes(described['additionalProperties'] as never)
      ? { ...described, additionalProperties: false }
      : described
  }
  const ajv = new Ajv({ strict: false, allErrors: true })
  const published = ajv.compile(schema)
  const exact = ajv.compile(closed(schema) as object)
  const plain = (report: unknown) => JSON.parse(JSON.stringify(report)) as unknown
  /** The report of the scenario with one object of its load changed. */
  const changed = (path: string[], change: object) => {
    const report = plain(reportOf([scenarioRecord()]))
    const found = ['tests', '0', 'loads', '0', 'result', ...path].reduce<unknown>(
      (node, key) => (node as Record<string, unknown>)[key],
      report,
    )
    Object.assign(found as object, change)
    return plain(report)
  }
  const parts: [string, string[], string][] = [
    ['a name', ['byName', 'GET /items/:id'], 'requests'],
    ['errors of a name', ['byName', 'GET /items/:id', 'errors'], 'total'],
    ['an error of a name', ['byName', 'GET /items/:id', 'errors', 'byKind', 'check'], 'count'],
    ['latencies of a name', ['byName', 'GET /items/:id', 'latency'], 'p95'],
    ['a row of a name', ['byName', 'GET /events', 'samples', '1'], 'at'],
    ['a check', ['checks', 'has items'], 'rate'],
    ['the iterations', ['iterations'], 'perSecond'],
  ]

  test('is what the schema says, to the last field', () => {
    published(plain(reportOf([scenarioRecord()])))
    expect(published.errors).toBeNull()
    exact(plain(reportOf([scenarioRecord()])))
    expect(exact.errors).toBeNull()
  })

  test.each(parts)('has no field in %s that the schema does not describe', (_, path) => {
    expect(exact(changed(path, { unknown: 1 }))).toBe(false)
    expect(exact.errors).toEqual([
      expect.objectContaining({
        keyword: 'additionalProperties',
        params: { additionalProperty: 'unknown' },
      }),
    ])
  })

  test.each(parts)('is refused where a figure of %s is text, or missing', (_, path, figure) => {
    expect(published(changed(path, { [figure]: '1' }))).toBe(false)
    expect(published(changed(path, { [figure]: undefined }))).toBe(false)
  })

  test('is refused where the first failure of a check is no text, or messages are', () => {
    expect(published(changed(['checks', 'has items'], { firstFailure: 3 }))).toBe(false)
    expect(published(changed(['byName', 'GET /events'], { messages: '4500' }))).toBe(false)
    expect(published(changed(['byName', 'GET /events'], { messagesPerSecond: '450' }))).toBe(false)
  })
})

describe('dashboards', () => {
  const summary = () =>
    summarizeRun([
      ...exampleRecords(),
      testRecord({ path: ['two of one name'], artifacts: [loadArtifact(), loadArtifact({ id: 'load-2' })] }),
    ])

  test('get the Bencher Metric Format, as its schema at https://bencher.dev/bmf.json says', () => {
    const metric = {
      type: 'object',
      properties: { value: { type: 'number' }, lower_value: { type: 'number' }, upper_value: { type: 'number' } },
      required: ['value'],
      additionalProperties: false,
    }
    const measures = { type: 'object', patternProperties: { '^.{1,64}$': metric }, additionalProperties: false }
    const schema = { type: 'object', patternProperties: { '.+': measures }, additionalProperties: false }
    const validate = new Ajv({ strict: false, allErrors: true }).compile(schema)
    const report = JSON.parse(JSON.stringify(renderBencher(summary()))) as ReturnType<typeof renderBencher>
    validate(report)
    expect(validate.errors).toBeNull()
    const orders = report['specs/orders.perf.ts > orders > GET /orders/:id holds its SLO: GET /orders/:id']
    // Nanoseconds and operations per second, as Bencher's own measures are.
    expect(orders?.['latency']).toEqual({ value: 4_200_000 })
    expect(orders?.['throughput']?.value).toBeCloseTo(1_214.3, 0)
    expect(Object.keys(report).filter((name) => name.includes('two of one name'))).toHaveLength(2)
  })

  test('get what github-action-benchmark reads as customSmallerIsBetter', () => {
    // As it reads the file: an array of `{ name: string, unit: string, value: number, range?: string, extra?: string }`.
    const entry = {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1 },
        unit: { type: 'string', minLength: 1 },
        value: { type: 'number' },
        range: { type: 'string' },
        extra: { type: 'string' },
      },
      required: ['name', 'unit', 'value'],
      additionalProperties: false,
    }
    const entries = renderBenchmark(summary())
    const validate = new Ajv({ strict: false, allErrors: true }).compile({ type: 'array', items: entry, minItems: 1 })
    validate(JSON.parse(JSON.stringify(entries)))
    expect(validate.errors).toBeNull()
    const names = entries.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.join()).not.toContain('requests/s')
    expect(entries.find(({ name }) => name.endsWith('GET /orders/:id: p99'))).toMatchObject({ unit: 'ms', value: 12.6 })
  })

  test('get nothing of a load that was cut short', () => {
    const cut = loadArtifact({ outcome: 'aborted' }, loadResult({ aborted: true }))
    const part = summarizeRun([testRecord({ artifacts: [cut] })])
    expect(renderBenchmark(part)).toEqual([])
    expect(renderBencher(part)).toEqual({})
  })
})

test('a report of version 2 has all that version 1 had, in the same places', () => {
  const schema = JSON.parse(readFileSync('schema/report-v1.schema.json', 'utf8')) as Record<string, never>
  // A reader of version 1 that ignores what it does not know.
  const open = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(open)
    if (typeof node !== 'object' || node === null) return node
    const entries = Object.entries(node).filter(([key, value]) => !(key === 'additionalProperties' && value === false))
    return Object.fromEntries(entries.map(([key, value]) => [key, open(value)]))
  }
  const validate = new Ajv({ strict: false, allErrors: true }).compile(open(schema) as object)
  validate(JSON.parse(JSON.stringify({ ...reportOf(exampleRecords()), version: 1 })))
  expect(validate.errors).toBeNull()
})

test("the page's header shows five causes, folds the others, and tells once what several tests share", () => {
  const failedBy = (name: string, exception: string) =>
    testRecord({
      path: [name],
      state: 'failed',
      artifacts: [serverArtifact({ event: 'exited', exitCode: 1, output: exception })],
    })
  const shared = ['a', 'b', 'c', 'd'].map((name) => failedBy(`shared ${name}`, 'Error: shared'))
  const headerOf = (others: number) => {
    const own = Array.from({ length: others }, (_, index) => failedBy(`own ${index}`, `Error: own ${index}`))
    return /<header[^]*?<\/header>/.exec(renderHtmlReport(reportOf([...shared, ...own])))?.[0] ?? ''
  }
  expect(headerOf(4)).not.toContain('class="more"')
  const [shown = '', folded = ''] = headerOf(6).split('<details class="more"><summary>2 more causes</summary>')
  expect(shown.match(/Error: shared/g)).toHaveLength(1)
  expect(shown).toContain('<summary>4 tests</summary>')
  expect(shown.match(/Error: own \d/g)).toEqual(['Error: own 0', 'Error: own 1', 'Error: own 2', 'Error: own 3'])
  expect(folded.match(/Error: own \d/g)).toEqual(['Error: own 4', 'Error: own 5'])
})

test("the page's plot of a leak says above it who keeps the memory, and below it how sure that is", () => {
  const page = renderHtmlReport(reportOf([testRecord({ artifacts: [memoryArtifact({}, memoryResult('leak'))] })]))
  expect(page).toMatch(
    /<figcaption>[^]*?<p class="banner bad">Leak: 1\.70 KB a request, kept by remember \(src\/cart\.ts:12\)<\/p><div class="plot"[^]*?<\/div><p class="note">[^<]* p (&lt; 0\.0001|= [\d.e-]+)<\/p><\/figure>/,
  )
})

test('ten tests of ten minutes each are an HTML file under 400 KB', () => {
  const records = Array.from({ length: 10 }, (_, index) =>
    testRecord({
      file: `specs/${index}.perf.ts`,
      artifacts: [
        loadArtifact(
          {},
          loadResult({ title: `load ${index}` }, { seconds: 600, slowAt: 40 + index, p50: Math.PI * (index + 1) }),
        ),
        memoryArtifact({}, memoryResult('leak', 600)),
      ],
    }),
  )
  expect(Buffer.byteLength(renderHtmlReport(reportOf(records)))).toBeLessThan(400_000)
})

test('the job summary holds the verdict, the causes and the tables, and no name can break it', () => {
  const hostile = '| `x` <b> [link](http://evil) @everyone\n# heading'
  const markdown = renderJobSummary(
    summarizeRun([
      ...exampleRecords(),
      testRecord({ path: [hostile], artifacts: [loadArtifact({}, loadResult({ title: hostile }))] }),
    ]),
  )
  expect(markdown).toContain('## ❌ 3 of 5 perf tests failed')
  expect(markdown).toContain(
    '| GET /orders | **1,214** | 12.1 ms | 24.2 ms | **84.7 ms** | 144 ms | **12 (0.10%)** | 200 × 12,000, 503 × 5 |',
  )
  expect(markdown).not.toMatch(/<b> |\[link\]|@everyone|^# heading/m)
  for (const row of markdown.split('\n').filter((line) => line.startsWith('| ')))
    expect(row.split(' | ').length).toBeLessThanOrEqual(8)
  expect(renderJobSummary(summarizeRun([]))).toBe('')
})

test('Prometheus gets base units, escaped labels and one help line a figure', () => {
  const text = renderPrometheus(
    summarizeRun([
      ...exampleRecords(),
      testRecord({ path: ['a "b"\\c\nd'], artifacts: [loadArtifact()] }),
      ...exampleRecords(),
    ]),
  )
  expect(text).toContain('test="a \\"b\\"\\\\c\\nd"')
  expect(text).toMatch(/^vitest_perf_latency_seconds\{.*quantile="0\.99"\} 0\.0847$/m)
  expect(text.match(/^# HELP vitest_perf_requests_per_second /gm)).toHaveLength(1)
  expect(text).toMatch(/^vitest_perf_memory_leak\{.*\} 1$/m)
  expect(text).not.toContain('NaN')
  const series = text
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.replace(/ \S+$/, ''))
  expect(new Set(series).size).toBe(series.length)
})

describe('the commit', () => {
  const hash = 'a'.repeat(40)

  test('comes from the CI system first', () => {
    expect(findCommit(folder, { GITHUB_SHA: hash })).toBe(hash)
    expect(findCommit(folder, { GITHUB_SHA: 'no hash' })).toBeNull()
  })

  test('is read from loose refs, packed refs, a detached head and linked work trees', () => {
    const git = join(folder, 'loose/.git')
    mkdirSync(join(git, 'refs/heads'), { recursive: true })
    mkdirSync(join(folder, 'loose/deep/down'), { recursive: true })
    writeFileSync(join(git, 'HEAD'), 'ref: refs/heads/main\n')
    expect(findCommit(join(folder, 'loose'), {})).toBeNull()
    writeFileSync(join(git, 'packed-refs'), `# pack-refs\n${'b'.repeat(40)} refs/heads/main\n`)
    expect(findCommit(join(folder, 'loose'), {})).toBe('b'.repeat(40))
    writeFileSync(join(git, 'refs/heads/main'), `${hash}\n`)
    expect(findCommit(join(folder, 'loose/deep/down'), {})).toBe(hash)

    const linked = join(git, 'worktrees/linked')
    mkdirSync(linked, { recursive: true })
    mkdirSync(join(folder, 'linked'))
    writeFileSync(join(folder, 'linked/.git'), `gitdir: ${linked}\n`)
    writeFileSync(join(linked, 'HEAD'), 'ref: refs/heads/main\n')
    writeFileSync(join(linked, 'commondir'), '../..\n')
    expect(findCommit(join(folder, 'linked'), {})).toBe(hash)
    writeFileSync(join(linked, 'HEAD'), 'c'.repeat(40))
    expect(findCommit(join(folder, 'linked'), {})).toBe('c'.repeat(40))
  })

  test('that cannot be read is none', () => {
    mkdirSync(join(folder, 'broken'))
    writeFileSync(join(folder, 'broken/.git'), 'gitdir: /nowhere/at/all\n')
    expect(findCommit(join(folder, 'broken'), {})).toBeNull()
  })
})

describe('writing a file', () => {
  test('makes the folders, replaces the whole and leaves no draft', () => {
    const path = join(folder, 'new/deep/report.json')
    writeWhole(path, 'one')
    writeWhole(path, 'two')
    expect(readFileSync(path, 'utf8')).toBe('two')
    expect(readdirSync(join(folder, 'new/deep'))).toEqual(['report.json'])
  })

  test('that cannot be written names the path and leaves what was there', () => {
    writeFileSync(join(folder, 'file'), '')
    const path = join(folder, 'file/report.json')
    expect(() => writeWhole(path, 'x')).toThrow(`Could not write ${path}`)
    mkdirSync(join(folder, 'taken/report.json'), { recursive: true })
    expect(() => writeWhole(join(folder, 'taken/report.json'), 'x')).toThrow('Could not write')
    expect(readdirSync(join(folder, 'taken'))).toEqual(['report.json'])
  })
})

describe('options', () => {
  test('are all checked at once, under the name where they stand', () => {
    const issues = findReportOptionIssues({ json: '', html: 3, interval: -1, github: 'yes', jsno: 'x' }, 'report')
    expect(issues.map(({ option }) => option).sort()).toEqual([
      'report.github',
      'report.html',
      'report.interval',
      'report.jsno',
      'report.json',
    ])
    expect(findReportOptionIssues('x', 'report')[0]?.message).toBe(
      'Expected `report` to be an object, got `"x"` (string)',
    )
    expect(findReportOptionIssues({})).toEqual([])
    const shared = findReportOptionIssues({ json: 'out/a', html: './out/a', prometheus: 'out/b' }, 'report')
    expect(shared.map(({ message }) => message)).toEqual([
      'Expected `report.html` to be another file than that of `json`, got `"./out/a"` (string)',
    ])
  })

  test('of the reporter win over those of the plugin, one by one', () => {
    expect(resolveReportOptions({ json: 'own.json' }, { json: 'plugin.json', html: 'plugin.html' }, {})).toEqual({
      json: 'own.json',
      html: 'plugin.html',
      interval: 5_000,
      github: false,
    })
    expect(resolveReportOptions({ interval: '2s' }, {}, {}).interval).toBe(2_000)
    expect(() => resolveReportOptions({ html: 'out/perf' }, { json: 'out/perf' }, {})).toThrow(
      /Expected `html` to be another file than that of `json`/,
    )
    expect(resolveReportOptions({}, {}, { GITHUB_ACTIONS: 'true' }).github).toBe(true)
    expect(resolveReportOptions({ github: false }, {}, { GITHUB_ACTIONS: 'true' }).github).toBe(false)
  })
})
