import { formatGrowth } from '../results/constructor-growth.ts'
import { formatBytes, formatDuration } from '../units.ts'
import { checksTable, iterationsTable, loadTable, namesTable } from './load-tables.ts'
import type { AnyMeasurementKind, MeasurementEntry } from './measurement-kind.ts'
import { MEASUREMENT_KINDS } from './measurement-kinds.ts'
import { explainFailure } from './failure.ts'
import { formatBound, formatMetric, missText } from './metric-text.ts'
import { oneLine } from './screen-text.ts'
import { lastAttempt, type MemoryEntry, type ServerEntry, type TestSummary, type ThresholdEntry } from './summary.ts'
import { rightColumn as right, type Cell, type Column, type TestTable } from './table.ts'

const COLUMNS = {
  memory: [{ title: 'memory' }, ...['start', 'peak', 'end'].map(right), { title: 'verdict' }],
  threshold: [{ title: 'threshold' }, right('value'), { title: 'verdict' }],
  server: [{ title: 'server' }, ...['ready after', 'crashes'].map(right)],
} satisfies Record<string, Column[]>

/** Every table of a test, in the order in which a person asks; empty ones are left out. */
export function testTables(test: TestSummary): TestTable[] {
  const attempts = lastAttempt(test) > 0
  const suffix = (entry: { attempt: number }) => (attempts ? ` (attempt ${entry.attempt + 1})` : '')
  const several = new Set(test.thresholds.map(({ title }) => title)).size > 1
  const cause = explainFailure(test)?.cause ?? ''
  const tables: TestTable[] = [
    loadTable(test, suffix),
    namesTable(test, suffix),
    checksTable(test, suffix),
    iterationsTable(test, suffix),
    {
      ...table(
        'memory',
        test.memory.map((watch) => memoryRow(watch, suffix(watch))),
      ),
      notes: test.memory
        .flatMap((watch) => (watch.result.leak.verdict === 'stable' ? [] : leakNotes(watch)))
        .filter((note) => !cause.includes(note)),
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
    passed
      ? { text: '✓ holds', tone: 'good' }
      : { text: `✗ ${missText(metric, expression, value) || 'failed'}`, tone: 'bad' },
  ]
}

function serverRow(server: ServerEntry, suffix: string): Cell[] {
  return [
    { text: oneLine(server.source) + suffix },
    server.state === 'failed' ? { text: 'never', tone: 'bad' } : { text: formatDuration(server.readyAfter) },
    { text: String(server.crashes), ...(server.crashes > 0 ? { tone: 'bad' as const } : {}) },
  ]
}
