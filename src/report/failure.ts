import { formatCount, formatDuration, formatRate, formatRatio, isMeasured } from '../units.ts'
import { firstCause, thresholdSentence, type AttemptEntries } from './cause.ts'
import { faultLine, withoutNoise } from '../results/fault-line.ts'
import { loadRemarks } from './load-text.ts'
import { MEASUREMENT_KINDS } from './measurement-kinds.ts'
import { countPauses, pausesDuring, pausesWithin, type OwnPause } from './own-pauses.ts'
import { harmlessLines, oneLine } from './screen-text.ts'
import { lastAttempt, type LoadEntry, type ServerEntry, type TestSummary } from './summary.ts'

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
  const attempt = entriesOf(test)
  const { loads, memory, servers, thresholds, measured } = attempt
  const cause = firstCause(attempt)
  const missed = thresholds.filter(({ passed }) => !passed).map((threshold) => thresholdSentence(threshold, attempt))
  const crashed = servers.some(({ crashes }) => crashes > 0)
  return {
    cause,
    details: [
      ...missed.filter((sentence) => sentence !== cause),
      ...loads.flatMap((load) =>
        loadDetails(load, { named: loads.length > 1, crashed, pauses: pausesDuring(load, memory) }),
      ),
      ...measured.flatMap(({ kind, entry }) => kind.details?.(entry) ?? []).map(oneLine),
    ],
    output: servers.flatMap(outputLines),
  }
}

/** What the last attempt left behind. */
function entriesOf(test: TestSummary): AttemptEntries {
  const attempt = lastAttempt(test)
  const ofAttempt = <T extends { attempt: number }>(entries: readonly T[]) =>
    entries.filter((entry) => entry.attempt === attempt)
  return {
    errors: test.errors,
    loads: ofAttempt(test.loads),
    memory: ofAttempt(test.memory),
    servers: ofAttempt(test.servers),
    thresholds: ofAttempt(test.thresholds),
    measured: MEASUREMENT_KINDS.flatMap((kind) =>
      ofAttempt(test.measurements[kind.name] ?? []).map((entry) => ({ kind, entry })),
    ),
  }
}

/** The last lines of a server, and before them the line that names the fault where it stands further up. */
function outputLines({ output = '' }: ServerEntry): string[] {
  const lines = withoutNoise(harmlessLines(output))
  const last = lines.slice(-OUTPUT_LINES)
  const fault = faultLine(lines.join('\n'))
  if (fault === undefined) return last
  // It may be a line and the next one, or the beginning of a long one.
  const beginning = fault.replace(/…$/, '')
  const isShown = last.some((line) => line.includes(beginning) || (line.trim() !== '' && fault.startsWith(line.trim())))
  return isShown ? last : [fault, '…', ...last.slice(2)]
}

interface LoadContext {
  named: boolean
  crashed: boolean
  pauses: readonly OwnPause[]
}

function loadDetails(load: LoadEntry, { named, crashed, pauses }: LoadContext): string[] {
  const { result } = load
  const lines: string[] = []
  if (result.errors.total) lines.push(...errorDetails(load))
  const slow = slowestInterval(load, pauses)
  if (slow) lines.push(slow)
  lines.push(...loadRemarks(load, { crashed }))
  if (result.aborted) lines.push(`the figures cover ${formatDuration(result.duration)}, until the load was ended`)
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
function slowestInterval({ result }: LoadEntry, pauses: readonly OwnPause[]): string | undefined {
  const measured = result.samples.filter((sample) => isMeasured(sample.latency.p99))
  if (measured.length < 2) return undefined
  const sorted = measured.map((sample) => sample.latency.p99 ?? 0).sort((a, b) => a - b)
  const typical = sorted[Math.floor(sorted.length / 2)] ?? 0
  const worst = measured.reduce((a, b) => ((b.latency.p99 ?? 0) > (a.latency.p99 ?? 0) ? b : a))
  if ((worst.latency.p99 ?? 0) < STANDS_OUT * typical) return undefined
  const from = (worst.at ?? 0) - (worst.duration ?? 0)
  const own = pausesWithin(pauses, from, worst.at ?? 0)
  const longest = Math.max(...own.map(({ duration }) => duration))
  const ours = own.length > 0 ? `; ${countPauses(own)} in it, up to ${formatDuration(longest)}` : ''
  return `slowest interval: ${formatDuration(from)} to ${formatDuration(worst.at)}, p99 ${formatDuration(worst.latency.p99)} at ${formatRate(worst.requestsPerSecond)} (typical p99 ${formatDuration(typical)})${ours}`
}
