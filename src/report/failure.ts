import { formatCount, formatDuration, formatRate, formatRatio, isMeasured } from '../units.ts'
import { loadRemarks } from './load-remarks.ts'
import type { AnyMeasurementKind, MeasurementEntry } from './measurement-kind.ts'
import { MEASUREMENT_KINDS } from './measurement-kinds.ts'
import { formatBound, formatMetric, missText } from './metric-text.ts'
import { harmlessLines, oneLine } from './screen-text.ts'
import {
  lastAttempt,
  type LoadEntry,
  type MemoryEntry,
  type ServerEntry,
  type TestSummary,
  type ThresholdEntry,
} from './summary.ts'

/** Why a test failed: the first cause in a sentence, and what there is to know about it. */
export interface FailureStory {
  /** What made the test fail first. */
  cause: string
  /** Where the time went: errors by kind, the slowest interval, dropped arrivals, saturation. */
  details: string[]
  /** The server's last lines. */
  output: string[]
}

const OUTPUT_LINES = 12
/** How many times the typical p99 an interval must have to be worth naming. */
const STANDS_OUT = 1.5

/** The story of a failed test; `undefined` for one that did not fail. */
export function explainFailure(test: TestSummary): FailureStory | undefined {
  if (test.state !== 'failed') return undefined
  const attempt = lastAttempt(test)
  const ofAttempt = <T extends { attempt: number }>(entries: T[]) =>
    entries.filter((entry) => entry.attempt === attempt)
  const loads = ofAttempt(test.loads)
  const servers = ofAttempt(test.servers)
  const missed = ofAttempt(test.thresholds).filter((threshold) => !threshold.passed)
  const measured = MEASUREMENT_KINDS.flatMap((kind) =>
    ofAttempt(test.measurements[kind.name] ?? []).map((entry) => ({ kind, entry })),
  )
  return {
    cause: firstCause(test, { loads, servers, missed, memory: ofAttempt(test.memory), measured }),
    details: [
      ...missed.slice(1).map(thresholdSentence),
      ...loads.flatMap((load) => loadDetails(load, loads.length > 1)),
      ...measured.flatMap(({ kind, entry }) => kind.details?.(entry) ?? []).map(oneLine),
    ],
    output: servers.flatMap((server) => (server.output ? harmlessLines(server.output).slice(-OUTPUT_LINES) : [])),
  }
}

interface AttemptEntries {
  loads: LoadEntry[]
  memory: MemoryEntry[]
  servers: ServerEntry[]
  missed: ThresholdEntry[]
  measured: { kind: AnyMeasurementKind; entry: MeasurementEntry }[]
}

function firstCause(test: TestSummary, { loads, memory, servers, missed, measured }: AttemptEntries): string {
  const message = test.errors[0]?.message
  const timeout = /timed out in (\d+)ms/i.exec(message ?? '')
  // What the spec itself caught, or left behind when it failed, is not the cause.
  const told = (error: string) =>
    test.errors.length === 0 || test.errors.some((known) => known.message.includes(error.split('\n')[0] ?? error))
  const broken = servers.find(
    ({ state, crashes, error }) =>
      crashes > 0 || (state === 'failed' && (timeout !== null || error === undefined || told(error))),
  )
  if (broken) return serverSentence(broken)
  if (timeout) return timeoutSentence(Number(timeout[1]), loads, memory)
  // A threshold or a leak is the cause only where the error speaks of one: a spec may also have expected it to be missed.
  const speaksOf = (word: RegExp) => message === undefined || word.test(message)
  if (missed[0] && speaksOf(/threshold/i)) return thresholdSentence(missed[0])
  const leak = memory.find((watch) => watch.result.leak.verdict === 'leak')
  if (leak && speaksOf(/leak/i)) return oneLine(`memory of ${leak.target} leaks: ${leak.result.leak.reason}`)
  for (const { kind, entry } of measured) {
    const cause = kind.cause?.(entry, message)
    if (cause !== undefined) return oneLine(cause)
  }
  const failed = [...loads, ...memory].find((entry) => entry.error !== undefined && told(entry.error))
  if (failed?.error) return oneLine(failed.error)
  return message ? oneLine(message.split('\n')[0] ?? message) : 'it failed without an error of its own'
}

/** How a server ended, and how soon. */
function serverSentence(server: ServerEntry): string {
  const exit = server.exitSignal
    ? ` by ${server.exitSignal}`
    : isMeasured(server.exitCode)
      ? ` with code ${server.exitCode}`
      : ''
  const source = oneLine(server.source)
  if (server.crashes > 0) return `the server \`${source}\` died in mid-test${exit}`
  const reason = server.error ? `: ${oneLine(server.error.split('\n')[0] ?? '')}` : exit && ` (it exited${exit})`
  return `the server \`${source}\` did not start${reason}`
}

function timeoutSentence(limit: number, loads: LoadEntry[], memory: MemoryEntry[]): string {
  const cut = loads.find((load) => load.outcome === 'aborted')
  const watch = memory.find((entry) => entry.outcome === 'aborted')
  const partial = cut
    ? `; "${oneLine(cut.title)}" had run ${formatDuration(cut.result.duration)}${planned(cut)} with ${formatCount(cut.result.requests)} requests`
    : watch
      ? `; the memory watch of ${watch.target} had run ${formatDuration(watch.result.duration)}`
      : ''
  return `the test timed out after ${formatDuration(limit)}${partial}`
}

function planned(load: LoadEntry): string {
  return load.plan.duration === undefined ? '' : ` of ${formatDuration(load.plan.duration)}`
}

/** Which threshold, by how much. */
function thresholdSentence(threshold: ThresholdEntry): string {
  const { metric, expression, value } = threshold
  const of = threshold.title ? ` of "${oneLine(threshold.title)}"` : ''
  if (!isMeasured(value)) return oneLine(`${metric}${of} has no data, expected ${formatBound(metric, expression)}`)
  const miss = missText(metric, expression, value)
  return `${oneLine(metric)}${of} was ${formatMetric(metric, value)}, expected ${formatBound(metric, expression)}${miss && ` (${miss})`}`
}

function loadDetails(load: LoadEntry, named: boolean): string[] {
  const { result } = load
  const lines: string[] = []
  if (result.errors.total) lines.push(...errorDetails(load))
  const slow = slowestInterval(load)
  if (slow) lines.push(slow)
  lines.push(...loadRemarks(load))
  if (result.aborted) lines.push(`figures are of the ${formatDuration(result.duration)} until it was ended`)
  return named && lines.length > 0 ? [`of "${oneLine(load.title)}":`, ...lines.map((line) => `  ${line}`)] : lines
}

function errorDetails({ result }: LoadEntry): string[] {
  const kinds = Object.entries(result.errors.byKind).flatMap(([kind, error]) => (error ? [{ kind, error }] : []))
  kinds.sort((a, b) => (b.error.count ?? 0) - (a.error.count ?? 0))
  const head = `${formatCount(result.errors.total)} errors (${formatRatio(result.errorRate)} of all attempts)`
  return [
    head,
    ...kinds.map(({ kind, error }) => {
      const span = error.firstAt === error.lastAt ? '' : ` to ${formatDuration(error.lastAt)}`
      return `  ${formatCount(error.count)} ${kind}, at ${formatDuration(error.firstAt)}${span}: ${oneLine(error.message)}`
    }),
  ]
}

/** The interval with the worst p99, where it stands out from the others. */
function slowestInterval({ result }: LoadEntry): string | undefined {
  const measured = result.samples.filter((sample) => isMeasured(sample.latency.p99))
  if (measured.length < 2) return undefined
  const sorted = measured.map((sample) => sample.latency.p99 ?? 0).sort((a, b) => a - b)
  const typical = sorted[Math.floor(sorted.length / 2)] ?? 0
  const worst = measured.reduce((a, b) => ((b.latency.p99 ?? 0) > (a.latency.p99 ?? 0) ? b : a))
  if ((worst.latency.p99 ?? 0) < STANDS_OUT * typical) return undefined
  const from = (worst.at ?? 0) - (worst.duration ?? 0)
  return `slowest interval: ${formatDuration(from)} to ${formatDuration(worst.at)}, p99 ${formatDuration(worst.latency.p99)} at ${formatRate(worst.requestsPerSecond)} (typical p99 ${formatDuration(typical)})`
}
