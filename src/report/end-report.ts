import { formatBytes, formatCount, formatDuration, formatRatio, isMeasured } from '../units.ts'
import { explainFailure } from './failure.ts'
import { formatBound, formatMetric, missText } from './metric-text.ts'
import type { Paint } from './paint.ts'
import { fit, oneLine } from './screen-text.ts'
import { lastAttempt, testName, type LoadEntry, type MemoryEntry, type RunSummary, type TestSummary } from './summary.ts'
import { renderTable, type Cell, type Column } from './text-table.ts'

const INDENT = '   '

/** What a person reads after the run: a table a test, the failed ones last, and one line that says whether all hold. */
export function renderEndReport(summary: RunSummary, width: number, paint: Paint): string[] {
  if (summary.tests.length === 0) return []
  const failed = summary.tests.filter((test) => test.state === 'failed')
  const others = summary.tests.filter((test) => test.state !== 'failed')
  return [
    '',
    heading(' Perf ', width, paint),
    ...[...others, ...failed].flatMap((test) => ['', ...renderTest(test, width, paint)]),
    '',
    ...verdictLines(summary.tests, width, paint),
    '',
  ]
}

function heading(text: string, width: number, paint: Paint): string {
  const line = '─'.repeat(Math.max(0, Math.min(width, 100) - text.length - 2))
  return paint.dim('──') + paint.bold(text) + paint.dim(line)
}

/** Whether everything holds, in a line; and if not, what does not and why. */
function verdictLines(tests: readonly TestSummary[], width: number, paint: Paint): string[] {
  const failed = tests.filter((test) => test.state === 'failed')
  const pending = tests.filter((test) => test.state === 'pending').length
  const noun = tests.length === 1 ? 'perf test' : 'perf tests'
  if (failed.length === 0) {
    const passed = tests.filter((test) => test.state === 'passed').length
    const text = `${passed} of ${tests.length} ${noun} hold${pending ? `, ${pending} did not finish` : ''}`
    return [(pending ? paint.yellow : paint.green)(fit(` ${pending ? '○' : '✓'} ${text}`, width))]
  }
  return [
    paint.bold(paint.red(fit(` ✗ ${failed.length} of ${tests.length} ${noun} failed`, width))),
    ...failed.flatMap((test) => wrap(`${oneLine(testName(test))}: ${explainFailure(test)?.cause ?? ''}`, width - 5).map(
      (line, index) => paint.red(`${index === 0 ? '   • ' : '     '}${line}`),
    )),
  ]
}

/** All of one test. */
export function renderTest(test: TestSummary, width: number, paint: Paint): string[] {
  const inner = width - INDENT.length
  const attempts = lastAttempt(test) > 0
  const blocks = [
    failureBlock(test, inner, paint),
    loadTable(test, inner, paint, attempts),
    memoryTable(test, inner, paint, attempts),
    thresholdTable(test, inner, paint, attempts),
    serverTable(test, inner, paint, attempts),
    detailsBlock(test, inner, paint),
  ].filter((block) => block.length > 0)
  return [titleLine(test, width, paint), ...blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]).map(
    (line) => (line === '' ? '' : INDENT + line),
  ))]
}

function titleLine(test: TestSummary, width: number, paint: Paint): string {
  const symbol = { passed: paint.green('✓'), failed: paint.red('✗'), skipped: paint.dim('↓'), pending: paint.yellow('○') }
  const time = formatDuration(test.duration)
  const project = test.project === '' ? '' : `|${oneLine(test.project)}| `
  const file = `${project}${oneLine(test.file)} > `
  const name = oneLine(testName(test))
  const room = width - 3 - time.length - 2
  const shownFile = file.length + 16 <= room ? file : ''
  return ` ${symbol[test.state]} ${paint.dim(shownFile)}${paint.bold(fit(name, room - shownFile.length))}  ${paint.dim(time)}`
}

function failureBlock(test: TestSummary, width: number, paint: Paint): string[] {
  const story = explainFailure(test)
  return story ? wrap(`failed first: ${story.cause}`, width).map(paint.red) : []
}

function detailsBlock(test: TestSummary, width: number, paint: Paint): string[] {
  const story = explainFailure(test)
  if (!story) return []
  const lines = story.details.flatMap((line) => wrap(line, width))
  if (story.output.length === 0) return lines
  const output = story.output.map((line) => paint.dim(`│ `) + fit(line, width - 2))
  return [...lines, ...(lines.length > 0 ? [''] : []), paint.bold('last lines of the server'), ...output]
}

/** Wrapped at spaces to `width`; a word that is longer is cut. What is indented stays so. */
export function wrap(text: string, width: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? ''
  const lines: string[] = []
  let line = indent
  for (const word of text.trim().split(/ +/)) {
    const next = line.trim() === '' ? line + word : `${line} ${word}`
    if (fit(next, width) === next || line.trim() === '') line = next
    else {
      lines.push(fit(line, width))
      line = indent + word
    }
  }
  return [...lines, fit(line, width)]
}

function entryTitle(entry: { title: string; attempt: number }, attempts: boolean): string {
  return oneLine(entry.title) + (attempts ? ` (attempt ${entry.attempt + 1})` : '')
}

const LOAD_COLUMNS: Column[] = [
  { title: 'load' },
  { title: 'requests/s', align: 'right' },
  { title: 'p50', align: 'right' },
  { title: 'p95', align: 'right' },
  { title: 'p99', align: 'right' },
  { title: 'max', align: 'right' },
  { title: 'errors', align: 'right' },
]

function loadTable(test: TestSummary, width: number, paint: Paint, attempts: boolean): string[] {
  if (test.loads.length === 0) return []
  return renderTable(LOAD_COLUMNS, test.loads.map((load) => loadRow(load, paint, attempts)), width, paint.dim)
}

function loadRow(load: LoadEntry, paint: Paint, attempts: boolean): Cell[] {
  const { latency, errors, errorRate, requestsPerSecond } = load.result
  const ended = load.outcome === 'completed' ? '' : ` (${load.outcome})`
  const errorText = errors.total ? `${formatCount(errors.total)} (${formatRatio(errorRate)})` : '0'
  return [
    { text: entryTitle(load, attempts) + ended },
    { text: formatCount(roundRate(requestsPerSecond)), style: paint.bold },
    { text: formatDuration(latency.p50) },
    { text: formatDuration(latency.p95) },
    { text: formatDuration(latency.p99), style: paint.bold },
    { text: formatDuration(latency.max) },
    { text: errorText, ...(errors.total ? { style: paint.red } : {}) },
  ]
}

/** A rate for a column that already says `/s`. */
export function roundRate(rate: number | null): number | null {
  return isMeasured(rate) && rate >= 100 ? Math.round(rate) : rate
}

const MEMORY_COLUMNS: Column[] = [
  { title: 'memory' },
  { title: 'start', align: 'right' },
  { title: 'peak', align: 'right' },
  { title: 'end', align: 'right' },
  { title: 'verdict' },
]

/** The figure that stands for a snapshot: the heap of a Node process, else its resident set. */
export function memoryFigure(snapshot: { rss: number | null; heapUsed?: number | null }): number | null {
  return snapshot.heapUsed ?? snapshot.rss
}

function memoryTable(test: TestSummary, width: number, paint: Paint, attempts: boolean): string[] {
  if (test.memory.length === 0) return []
  const rows = test.memory.map((watch): Cell[] => [
    { text: memoryTitle(watch, attempts) },
    { text: formatBytes(memoryFigure(watch.result.baseline)) },
    { text: formatBytes(memoryFigure(watch.result.peak)) },
    { text: formatBytes(memoryFigure(watch.result.final)) },
    verdictCell(watch, paint),
  ])
  const table = renderTable(MEMORY_COLUMNS, rows, width, paint.dim)
  const reasons = test.memory
    .filter((watch) => watch.result.leak.verdict !== 'stable')
    .flatMap((watch) => memoryReason(watch).flatMap((line) => wrap(line, width)))
  return [...table, ...reasons.map(paint.dim)]
}

function memoryTitle(watch: MemoryEntry, attempts: boolean): string {
  const ended = watch.outcome === 'completed' || watch.outcome === 'stopped' ? '' : ` (${watch.outcome})`
  return `${oneLine(watch.target)}${attempts ? ` (attempt ${watch.attempt + 1})` : ''}${ended}`
}

function verdictCell({ result }: MemoryEntry, paint: Paint): Cell {
  const { verdict } = result.leak
  return { text: verdict, style: { leak: paint.red, stable: paint.green, inconclusive: paint.yellow }[verdict] }
}

/** Why the verdict is what it is, and where it leaks. */
export function memoryReason({ result }: MemoryEntry): string[] {
  const suspects = (result.leak.suspects ?? []).slice(0, 3)
  return [
    oneLine(result.leak.reason),
    ...suspects.map((at) => oneLine(`  kept by ${at.function} (${at.location}): ${formatBytes(at.bytes)}`)),
  ]
}

const THRESHOLD_COLUMNS: Column[] = [{ title: 'threshold' }, { title: 'value', align: 'right' }, { title: 'verdict' }]

function thresholdTable(test: TestSummary, width: number, paint: Paint, attempts: boolean): string[] {
  if (test.thresholds.length === 0) return []
  const several = new Set(test.thresholds.map(({ title }) => title)).size > 1
  const rows = test.thresholds.map((threshold): Cell[] => {
    const { metric, expression, value, passed, title, attempt } = threshold
    const of = several && title ? ` of ${oneLine(title)}` : ''
    const tried = attempts ? ` (attempt ${attempt + 1})` : ''
    return [
      { text: `${oneLine(metric)} ${formatBound(metric, expression)}${of}${tried}` },
      { text: formatMetric(metric, value) },
      passed
        ? { text: '✓ holds', style: paint.green }
        : { text: `✗ ${missText(metric, expression, value)}`, style: paint.red },
    ]
  })
  return renderTable(THRESHOLD_COLUMNS, rows, width, paint.dim)
}

const SERVER_COLUMNS: Column[] = [
  { title: 'server' },
  { title: 'ready after', align: 'right' },
  { title: 'crashes', align: 'right' },
]

function serverTable(test: TestSummary, width: number, paint: Paint, attempts: boolean): string[] {
  if (test.servers.length === 0) return []
  const rows = test.servers.map((server): Cell[] => [
    { text: oneLine(server.source) + (attempts ? ` (attempt ${server.attempt + 1})` : '') },
    server.state === 'failed'
      ? { text: 'never', style: paint.red }
      : { text: formatDuration(server.readyAfter) },
    { text: String(server.crashes), ...(server.crashes > 0 ? { style: paint.red } : {}) },
  ])
  return renderTable(SERVER_COLUMNS, rows, width, paint.dim)
}
