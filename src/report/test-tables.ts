import { formatGrowth } from '../results/constructor-growth.ts'
import { formatBytes, formatCount, formatDuration, formatRatio, isMeasured } from '../units.ts'
import { loadRemarks } from './load-remarks.ts'
import type { AnyMeasurementKind, MeasurementEntry } from './measurement-kind.ts'
import { MEASUREMENT_KINDS } from './measurement-kinds.ts'
import { formatBound, formatMetric, missText } from './metric-text.ts'
import { oneLine } from './screen-text.ts'
import {
  lastAttempt,
  type LoadEntry,
  type MemoryEntry,
  type ServerEntry,
  type TestSummary,
  type ThresholdEntry,
} from './summary.ts'

/** What a cell says about its figure, for whoever paints it. */
export type Tone = 'good' | 'bad' | 'unsure' | 'strong'

export interface Cell {
  text: string
  tone?: Tone
}

export interface Column {
  title: string
  align?: 'left' | 'right'
}

/** A table of one test, ready to be drawn on a terminal, in Markdown or in HTML. */
export interface TestTable {
  /** `load`, `memory`, `threshold`, `server`, or the name of a further kind of measurement. */
  kind: string
  columns: readonly Column[]
  rows: Cell[][]
  /** Sentences below it. */
  notes: string[]
}

const right = (title: string): Column => ({ title, align: 'right' })

const COLUMNS = {
  load: [{ title: 'load' }, ...['requests/s', 'p50', 'p95', 'p99', 'max', 'errors'].map(right)],
  memory: [{ title: 'memory' }, ...['start', 'peak', 'end'].map(right), { title: 'verdict' }],
  threshold: [{ title: 'threshold' }, right('value'), { title: 'verdict' }],
  server: [{ title: 'server' }, ...['ready after', 'crashes'].map(right)],
} satisfies Record<string, Column[]>

/** Every table of a test, in the order in which a person asks; empty ones are left out. */
export function testTables(test: TestSummary): TestTable[] {
  const attempts = lastAttempt(test) > 0
  const suffix = (entry: { attempt: number }) => (attempts ? ` (attempt ${entry.attempt + 1})` : '')
  const several = new Set(test.thresholds.map(({ title }) => title)).size > 1
  const tables: TestTable[] = [
    {
      ...table(
        'load',
        test.loads.map((load) => loadRow(load, missedMetrics(load, test), suffix(load))),
      ),
      // The story of a failure has them in its details.
      notes: test.state === 'failed' ? [] : test.loads.flatMap(loadRemarks),
    },
    {
      ...table(
        'memory',
        test.memory.map((watch) => memoryRow(watch, suffix(watch))),
      ),
      notes: test.memory.flatMap((watch) => (watch.result.leak.verdict === 'stable' ? [] : leakNotes(watch))),
    },
    ...MEASUREMENT_KINDS.map((kind) => measurementTable(kind, test.measurements[kind.name] ?? [], suffix)),
    table(
      'threshold',
      test.thresholds.map((threshold) => thresholdRow(threshold, several, suffix(threshold))),
    ),
    table(
      'server',
      test.servers.map((server) => serverRow(server, suffix(server))),
    ),
  ]
  return tables.filter(({ rows }) => rows.length > 0)
}

function table(kind: keyof typeof COLUMNS, rows: Cell[][]): TestTable {
  return { kind, columns: COLUMNS[kind], rows, notes: [] }
}

function measurementTable(
  kind: AnyMeasurementKind,
  entries: readonly MeasurementEntry[],
  suffix: (entry: MeasurementEntry) => string,
): TestTable {
  const rows = entries.map((entry) => {
    const [first = { text: '' }, ...cells] = kind.row(entry)
    return [{ ...first, text: first.text + suffix(entry) }, ...cells].map((cell) => ({
      ...cell,
      text: oneLine(cell.text),
    }))
  })
  const notes = entries.flatMap((entry) => kind.notes?.(entry) ?? []).map(oneLine)
  return { kind: kind.name, columns: kind.columns, rows, notes }
}

/** Metrics of a load that missed a threshold. */
function missedMetrics(load: LoadEntry, test: TestSummary): Set<string> {
  const missed = test.thresholds.filter(
    (threshold) => !threshold.passed && threshold.attempt === load.attempt && threshold.measurement === load.id,
  )
  return new Set(missed.map(({ metric }) => metric))
}

function loadRow(load: LoadEntry, missed: Set<string>, suffix: string): Cell[] {
  const { latency, errors, errorRate, requestsPerSecond } = load.result
  const ended = load.outcome === 'completed' ? '' : ` (${load.outcome})`
  const cell = (metric: string, text: string, tone?: Tone): Cell => {
    const shown = missed.has(metric) ? 'bad' : tone
    return shown ? { text, tone: shown } : { text }
  }
  return [
    { text: oneLine(load.title) + suffix + ended },
    cell('requestsPerSecond', formatCount(roundRate(requestsPerSecond)), 'strong'),
    cell('latency.p50', formatDuration(latency.p50)),
    cell('latency.p95', formatDuration(latency.p95)),
    cell('latency.p99', formatDuration(latency.p99), 'strong'),
    cell('latency.max', formatDuration(latency.max)),
    errors.total
      ? { text: `${formatCount(errors.total)} (${formatRatio(errorRate)})`, tone: 'bad' }
      : { text: formatCount(errors.total) },
  ]
}

/** A rate for a column that already says `/s`. */
export function roundRate(rate: number | null | undefined): number | null | undefined {
  return isMeasured(rate) && rate >= 100 ? Math.round(rate) : rate
}

/** The figure that stands for a snapshot: the heap of a Node process, else its resident set. */
export function memoryFigure(snapshot: { rss: number | null; heapUsed?: number | null }): number | null {
  return snapshot.heapUsed ?? snapshot.rss
}

const VERDICT_TONES = { leak: 'bad', stable: 'good', inconclusive: 'unsure' } as const

function memoryRow({ target, outcome, result }: MemoryEntry, suffix: string): Cell[] {
  const ended = outcome === 'completed' || outcome === 'stopped' ? '' : ` (${outcome})`
  return [
    { text: oneLine(target) + suffix + ended },
    { text: formatBytes(memoryFigure(result.baseline)) },
    { text: formatBytes(memoryFigure(result.peak)), tone: 'strong' },
    { text: formatBytes(memoryFigure(result.final)) },
    { text: result.leak.verdict, tone: VERDICT_TONES[result.leak.verdict] },
  ]
}

/** Why a verdict is what it is, and what keeps the memory. */
function leakNotes({ result }: MemoryEntry): string[] {
  const suspects = (result.leak.suspects ?? []).slice(0, 3)
  const grown = formatGrowth(result.leak.constructors)
  return [
    oneLine(result.leak.reason),
    ...suspects.map((at) => oneLine(`kept by ${at.function} (${at.location}): ${formatBytes(at.bytes)}`)),
    ...(grown === '' ? [] : [oneLine(`grew: ${grown}`)]),
  ]
}

function thresholdRow(threshold: ThresholdEntry, several: boolean, suffix: string): Cell[] {
  const { metric, expression, value, passed, title } = threshold
  const of = several && title ? ` of ${oneLine(title)}` : ''
  return [
    { text: `${oneLine(metric)} ${formatBound(metric, expression)}${of}${suffix}` },
    { text: formatMetric(metric, value), tone: 'strong' },
    passed ? { text: '✓ holds', tone: 'good' } : { text: `✗ ${missText(metric, expression, value)}`, tone: 'bad' },
  ]
}

function serverRow(server: ServerEntry, suffix: string): Cell[] {
  return [
    { text: oneLine(server.source) + suffix },
    server.state === 'failed' ? { text: 'never', tone: 'bad' } : { text: formatDuration(server.readyAfter) },
    { text: String(server.crashes), ...(server.crashes > 0 ? { tone: 'bad' as const } : {}) },
  ]
}
