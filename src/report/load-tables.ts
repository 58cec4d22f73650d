import { roundRate } from '../results/load-plan-summary.ts'
import { formatCount, formatDuration, formatRatio } from '../units.ts'
import { isManyUnanswered, loadLine, loadRemarks, statusText } from './load-text.ts'
import { oneLine } from './screen-text.ts'
import type { LoadEntry, TestSummary } from './summary.ts'
import { rightColumn as right, type Cell, type TestTable, type Tone } from './table.ts'

type Suffix = (entry: { attempt: number }) => string

/** Of a load with so many names the terminal and the job summary show those with the most requests. */
const NAMES_SHOWN = 20

/** A row a load, with columns for dropped and unanswered requests and for statuses where there is something in them. */
export function loadTable(test: TestSummary, suffix: Suffix): TestTable {
  const { loads } = test
  const crashed = test.servers.some(({ crashes }) => crashes > 0)
  const has = (figure: (load: LoadEntry) => unknown) => loads.some((load) => figure(load))
  const shown = {
    dropped: has(({ result }) => result.dropped),
    unanswered: has(isManyUnanswered),
    status: has(statusText),
  }
  const columns = [
    { title: 'load' },
    ...['requests/s', 'p50', 'p95', 'p99', 'max', 'errors'].map(right),
    ...(shown.dropped ? [right('dropped')] : []),
    ...(shown.unanswered ? [right('unanswered')] : []),
    ...(shown.status ? [{ title: 'status', foldable: true as const }] : []),
  ]
  const rows = loads.map((load) => {
    const { dropped, unanswered } = load.result
    return [
      ...loadCells(load, missedMetrics(load, test), suffix(load)),
      ...(shown.dropped ? [countCell(dropped)] : []),
      ...(shown.unanswered ? [{ text: formatCount(unanswered) }] : []),
      ...(shown.status ? [{ text: statusText(load) || '200' }] : []),
    ]
  })
  const notes = loads.flatMap((load) => {
    const name = loads.length > 1 ? `${oneLine(load.title)}: ` : ''
    // The story of a failure has the remarks in its details.
    const remarks = test.state === 'failed' ? [] : loadRemarks(load, { crashed })
    return [name + loadLine(load), ...remarks.map((remark) => name + remark)]
  })
  return { kind: 'load', columns, rows, notes }
}

function countCell(count: number | null | undefined): Cell {
  return count ? { text: formatCount(count), tone: 'bad' } : { text: formatCount(count) }
}

/** Metrics of a load that missed a threshold. */
function missedMetrics(load: LoadEntry, test: TestSummary): Set<string> {
  const missed = test.thresholds.filter(
    (threshold) => !threshold.passed && threshold.attempt === load.attempt && threshold.measurement === load.id,
  )
  return new Set(missed.map(({ metric }) => metric))
}

function loadCells(load: LoadEntry, missed: Set<string>, suffix: string): Cell[] {
  const { latency, errors, errorRate, requestsPerSecond, saturated } = load.result
  const ended = load.outcome === 'completed' ? '' : ` (${load.outcome})`
  // Figures of a saturated machine say nothing about the server: a threshold missed on them is not red.
  const miss: Tone = saturated ? 'unsure' : 'bad'
  const cell = (metric: string, text: string, tone?: Tone): Cell => {
    const shown = missed.has(metric) ? miss : tone
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

/** The names of a load with the most requests first. */
export function namesOf({ result }: LoadEntry) {
  const names = Object.entries(result.byName ?? {}).map(([name, figures]) => ({ name, figures }))
  return names.sort((a, b) => (b.figures.requests ?? 0) - (a.figures.requests ?? 0))
}

/** A row for each name of the loads that have several. */
export function namesTable(test: TestSummary, suffix: Suffix): TestTable {
  const loads = test.loads.filter((load) => namesOf(load).length > 1)
  const of = (load: LoadEntry) => (loads.length > 1 ? ` of ${oneLine(load.title)}` : '')
  const messages = loads.some((load) => namesOf(load).some(({ figures }) => figures.messages))
  const rows = loads.flatMap((load) => {
    const missed = missedMetrics(load, test)
    return namesOf(load)
      .slice(0, NAMES_SHOWN)
      .map(({ name, figures }) => nameCells(name, figures, missed, of(load) + suffix(load), messages))
  })
  const notes = loads.flatMap((load) => {
    const hidden = namesOf(load).length - NAMES_SHOWN
    return hidden > 0 ? [`and ${formatCount(hidden)} more names${of(load)}, with fewer requests`] : []
  })
  const columns = [
    { title: 'name' },
    ...['requests', 'requests/s', 'p50', 'p95', 'p99', 'errors', ...(messages ? ['messages'] : [])].map(right),
  ]
  return { kind: 'name', columns, rows, notes }
}

/** The cells of one name; thresholds on it are `byName["…"].latency.p95`. */
export function nameCells(
  name: string,
  figures: ReturnType<typeof namesOf>[number]['figures'],
  missed: ReadonlySet<string>,
  suffix: string,
  messages: boolean,
): Cell[] {
  const { requests, requestsPerSecond, latency, errors, errorRate } = figures
  const cell = (metric: string, text: string, tone?: Tone): Cell => {
    const shown = missed.has(`byName[${JSON.stringify(name)}].${metric}`) ? 'bad' : tone
    return shown ? { text, tone: shown } : { text }
  }
  return [
    { text: oneLine(name) + suffix },
    cell('requests', formatCount(requests)),
    cell('requestsPerSecond', formatCount(roundRate(requestsPerSecond))),
    cell('latency.p50', formatDuration(latency.p50)),
    cell('latency.p95', formatDuration(latency.p95)),
    cell('latency.p99', formatDuration(latency.p99), 'strong'),
    errors.total
      ? { text: `${formatCount(errors.total)} (${formatRatio(errorRate)})`, tone: 'bad' }
      : { text: formatCount(errors.total) },
    ...(messages ? [{ text: figures.messages ? formatCount(figures.messages) : '' }] : []),
  ]
}

/** A row for each check. */
export function checksTable(test: TestSummary, suffix: Suffix): TestTable {
  const rows = test.loads.flatMap((load) =>
    Object.entries(load.result.checks ?? {}).map(([name, { passed, failed, rate }]): Cell[] => [
      { text: oneLine(name) + suffix(load) },
      { text: formatCount(passed) },
      countCell(failed),
      { text: formatRatio(rate), tone: failed ? 'bad' : 'good' },
    ]),
  )
  return { kind: 'check', columns: [{ title: 'check' }, ...['passed', 'failed', 'rate'].map(right)], rows, notes: [] }
}

/** A row for the iterations of each scenario. */
export function iterationsTable(test: TestSummary, suffix: Suffix): TestTable {
  const rows = test.loads.flatMap((load): Cell[][] => {
    const { iterations } = load.result
    if (!iterations) return []
    return [
      [
        { text: oneLine(load.title) + suffix(load) },
        { text: formatCount(iterations.count) },
        { text: formatCount(roundRate(iterations.perSecond)), tone: 'strong' },
        { text: formatDuration(iterations.duration.p50) },
        { text: formatDuration(iterations.duration.p95) },
        countCell(iterations.failed),
      ],
    ]
  })
  const columns = [{ title: 'iterations' }, ...['count', 'per second', 'p50', 'p95', 'failed'].map(right)]
  return { kind: 'iteration', columns, rows, notes: [] }
}
