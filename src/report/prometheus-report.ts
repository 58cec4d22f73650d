import { isMeasured } from '../units.ts'
import { MEASUREMENT_KINDS } from './measurement-kinds.ts'
import { namesOf } from './load-tables.ts'
import { lastAttempt, testName, type LoadEntry, type RunSummary, type TestSummary } from './summary.ts'

interface Series {
  name: string
  help: string
  lines: string[]
}

type Labels = Record<string, string>

/** The key figures in the Prometheus text format (base units: seconds and bytes), the last attempt of each test. */
export function renderPrometheus(summary: RunSummary): string {
  const series = new Map<string, Series>()
  const add = (name: string, help: string, labels: Labels, value: number | null | undefined) => {
    if (!isMeasured(value)) return
    const full = `vitest_perf_${name}`
    const known = series.get(full) ?? { name: full, help, lines: [] }
    known.lines.push(`${full}{${labelText(labels)}} ${value}`)
    series.set(full, known)
  }
  const named = new Map<string, number>()
  for (const test of summary.tests) {
    const name = JSON.stringify([test.project, test.file, test.path])
    const copies = (named.get(name) ?? 0) + 1
    named.set(name, copies)
    addTest(test, copies, add)
  }
  return [...series.values()]
    .map(({ name, help, lines }) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('\n')}\n`)
    .join('')
}

type Add = (name: string, help: string, labels: Labels, value: number | null | undefined) => void

function addTest(test: TestSummary, copy: number, add: Add): void {
  const base: Labels = {
    ...(test.project && { project: test.project }),
    file: test.file,
    test: testName(test),
    // Vitest allows two tests of one name; Prometheus no two series of one.
    ...(copy > 1 && { copy: String(copy) }),
  }
  const attempt = lastAttempt(test)
  add('test_passed', 'Whether the test passed.', base, test.state === 'passed' ? 1 : 0)
  test.loads.forEach((load, index) => {
    if (load.attempt !== attempt) return
    const labels = { ...base, load: load.title, index: String(index) }
    const { result } = load
    add('requests_per_second', 'Answered requests per second.', labels, result.requestsPerSecond)
    for (const [quantile, value] of [
      ['0.5', result.latency.p50],
      ['0.95', result.latency.p95],
      ['0.99', result.latency.p99],
      ['1', result.latency.max],
    ] as const) {
      add('latency_seconds', 'Response times by quantile.', { ...labels, quantile }, seconds(value))
    }
    add('requests', 'Answered requests.', labels, result.requests)
    add('errors', 'Failed attempts.', labels, result.errors.total)
    add('error_ratio', 'Failed attempts of all attempts.', labels, result.errorRate)
    add('dropped', 'Arrivals that found no free connection.', labels, result.dropped)
    addParts(load, labels, add)
  })
  test.memory.forEach(({ attempt: tried, target, result }, index) => {
    if (tried !== attempt) return
    const labels = { ...base, target, index: String(index) }
    add('memory_peak_bytes', 'Highest resident set size.', labels, result.peak.rss)
    add('memory_growth_bytes', 'Growth of the memory left after full collections.', labels, result.growth.bytes)
    add('memory_leak', 'Whether memory leaks.', labels, result.leak.verdict === 'leak' ? 1 : 0)
  })
  for (const { name, figures } of MEASUREMENT_KINDS) {
    ;(test.measurements[name] ?? []).forEach((entry, index) => {
      if (entry.attempt !== attempt || !figures) return
      for (const figure of figures(entry)) {
        add(
          figure.name,
          figure.help,
          { ...base, [name]: entry.title, index: String(index), ...figure.labels },
          figure.value,
        )
      }
    })
  }
  test.thresholds.forEach(({ attempt: tried, metric, expression, passed }, index) => {
    if (tried !== attempt) return
    const labels = { ...base, metric, expression, index: String(index) }
    add('threshold_passed', 'Whether a threshold held.', labels, passed ? 1 : 0)
  })
}

/** Figures by the name of a request, checks and iterations. */
function addParts(load: LoadEntry, labels: Labels, add: Add): void {
  const names = namesOf(load)
  for (const { name, figures } of names.length > 1 ? names : []) {
    const own = { ...labels, name }
    add('name_requests', 'Answered requests by name.', own, figures.requests)
    add('name_requests_per_second', 'Answered requests per second by name.', own, figures.requestsPerSecond)
    for (const [quantile, value] of [
      ['0.5', figures.latency.p50],
      ['0.95', figures.latency.p95],
      ['0.99', figures.latency.p99],
    ] as const) {
      add('name_latency_seconds', 'Response times by name and quantile.', { ...own, quantile }, seconds(value))
    }
    add('name_errors', 'Failed attempts by name.', own, figures.errors.total)
  }
  for (const [check, { passed, failed }] of Object.entries(load.result.checks)) {
    add('check_passed', 'Answers that passed a check.', { ...labels, check }, passed)
    add('check_failed', 'Answers that failed a check.', { ...labels, check }, failed)
  }
  const { iterations } = load.result
  if (!iterations) return
  add('iterations', 'Iterations of the scenario that ended.', labels, iterations.count)
  add('iterations_failed', 'Iterations that failed.', labels, iterations.failed)
  add('iterations_per_second', 'Iterations per second.', labels, iterations.perSecond)
}

function seconds(milliseconds: number | null): number | null {
  return isMeasured(milliseconds) ? Number((milliseconds / 1_000).toPrecision(12)) : null
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`)
    .join(',')
}
