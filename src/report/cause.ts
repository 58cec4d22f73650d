import { formatBytes, formatCount, formatDuration, isMeasured } from '../units.ts'
import { faultLine, withoutNoise } from '../results/fault-line.ts'
import { errorText, redirectText, saturationText } from './load-text.ts'
import { adviseOnExit } from '../results/exit-advice.ts'
import type { AnyMeasurementKind, MeasurementEntry } from './measurement-kind.ts'
import { formatBound, formatMetric, missText } from './metric-text.ts'
import { harmlessLines, oneLine, withoutStyles } from './screen-text.ts'
import type { LoadEntry, MemoryEntry, ReportedError, ServerEntry, ThresholdEntry } from './summary.ts'

/** All that one attempt of a test left behind, and the errors that it failed with. */
export interface AttemptEntries {
  errors: readonly ReportedError[]
  loads: readonly LoadEntry[]
  memory: readonly MemoryEntry[]
  servers: readonly ServerEntry[]
  thresholds: readonly ThresholdEntry[]
  measured: readonly { kind: AnyMeasurementKind; entry: MeasurementEntry }[]
}

/** Longer than any sentence of ours; what a test's own error says may be a page. */
const LONGEST = 700

/**
 * What made a test fail first, in a sentence that says what to do: a server that died or never started, the test's timeout, a
 * threshold, a leak, a further measurement, a load's own error, the test's own error.
 */
export function firstCause(attempt: AttemptEntries): string {
  const sentence = causeOf(attempt)
  return sentence.length > LONGEST ? `${sentence.slice(0, LONGEST).trimEnd()}…` : sentence
}

function causeOf(attempt: AttemptEntries): string {
  const { errors, loads, memory, measured } = attempt
  const error = errors[0]
  const message = error?.message
  const timeout = /timed out in (\d+)ms/i.exec(message ?? '')
  const broken = brokenServer(attempt, timeout !== null)
  if (broken) return serverSentence(broken)
  if (error?.code === 'PERF_INVALID_OPTIONS') return wholeMessage(error.message.replace(/ \(and \d+ more\)\n/, '\n'))
  if (timeout) return timeoutSentence(Number(timeout[1]), loads, memory)
  // A threshold or a leak is the cause only where the error speaks of one: a spec may also have expected it to be missed.
  const speaksOf = (word: RegExp) => message === undefined || word.test(message)
  const missed = attempt.thresholds.find(({ passed }) => !passed)
  if (missed && speaksOf(/threshold/i)) return thresholdSentence(missed, attempt) + reasonText(missed, measured)
  const leak = memory.find((watch) => watch.result.leak.verdict === 'leak')
  if (leak && speaksOf(/leak/i)) return leakSentence(leak)
  for (const { kind, entry } of measured) {
    const cause = kind.cause?.(entry, message)
    if (cause !== undefined) return oneLine(cause)
  }
  const failed = [...loads, ...memory].find((entry) => entry.error !== undefined && isTold(entry.error, errors))
  if (failed?.error) return wholeMessage(failed.error)
  return message ? wholeMessage(message) : 'it failed without an error of its own'
}

/** What the spec itself caught, or left behind when it failed, is not the cause. */
function isTold(error: string, errors: readonly ReportedError[]): boolean {
  return errors.length === 0 || errors.some((known) => known.message.includes(error.split('\n')[0] ?? error))
}

function brokenServer({ servers, errors }: AttemptEntries, timedOut: boolean): ServerEntry | undefined {
  return servers.find(
    ({ state, crashes, error }) =>
      crashes > 0 || (state === 'failed' && (timedOut || error === undefined || isTold(error, errors))),
  )
}

/** All of a message on one line: lists as `a; b`. */
export function wholeMessage(message: string): string {
  const [first = '', ...rest] = withoutStyles(message)
    .split('\n')
    .filter((line) => line.trim() !== '')
  const joined = rest.map((line) => {
    const item = line.replace(/^\s*[-•*✗✓] /, '')
    return item === line ? ` ${line.trim()}` : `; ${item.trim()}`
  })
  return oneLine(first + joined.join(''))
}

/** How a server ended, how soon, and its own words for it. */
function serverSentence(server: ServerEntry): string {
  const source = oneLine(server.source)
  const exit = server.exitSignal
    ? ` by ${server.exitSignal}`
    : isMeasured(server.exitCode)
      ? ` with code ${server.exitCode}`
      : ''
  const said = serverWords(server, exit !== '')
  if (server.crashes > 0) return `the server \`${source}\` died during the test${exit}${afterwords(server, said)}`
  const reason = server.error ? oneLine(server.error.split('\n')[0] ?? '') : exit && `it exited${exit}`
  // A process that has exited answers no health check.
  const attempt = exit
    ? undefined
    : (server.lastAttempt ?? /^ {2}last health check: (.+)$/m.exec(server.error ?? '')?.[1])
  const further = [
    attempt && !reason.includes(attempt) ? `Last health check: ${oneLine(attempt)}.` : '',
    said && !reason.includes(said) ? `It printed: ${said}` : '',
  ].filter(Boolean)
  return [`the server \`${source}\` did not start${reason ? `: ${reason}` : ''}`, ...further].join(' ')
}

/** What the server said at its end; of one that said nothing, what usually lies behind such an end. */
function afterwords({ exitCode, exitSignal, output = '' }: ServerEntry, said: string | undefined): string {
  if (said) return `: ${said}`
  const advice = adviseOnExit({ code: exitCode, signal: exitSignal, output })
  return advice ? `. ${advice}` : ''
}

/** The server's own exception line; of one that exited without an exception its last line. */
function serverWords({ fault, output = '' }: ServerEntry, exited: boolean): string | undefined {
  if (fault !== undefined) return oneLine(fault)
  const lines = harmlessLines(output)
  return faultLine(lines.join('\n')) ?? (exited ? withoutNoise(lines).at(-1)?.trim() : undefined)
}

function timeoutSentence(limit: number, loads: readonly LoadEntry[], memory: readonly MemoryEntry[]): string {
  const cut = loads.find((load) => load.outcome === 'aborted')
  const watch = memory.find((entry) => entry.outcome === 'aborted')
  const partial = cut
    ? `; "${oneLine(cut.title)}" had run ${formatDuration(cut.result.duration)}${planned(cut)} with ${formatCount(cut.result.requests)} requests`
    : watch
      ? `; the memory watch of ${watch.target} had run ${formatDuration(watch.result.duration)}`
      : loads.length > 0
        ? `; its ${loads.length === 1 ? 'load had' : 'loads had'} ended: something else in the test did not`
        : ''
  return `the test timed out after ${formatDuration(limit)}${partial}. Raise its \`timeout\` if it needs longer.`
}

function planned(load: LoadEntry): string {
  return load.plan.duration === undefined ? '' : ` of ${formatDuration(load.plan.duration)}`
}

/** Figures that count failures: their cause is what failed. */
const OF_FAILURES = /errorRate$|(^|\.)errors\.|^statusCodes\.|^checks|^iterations\.failed$/

/** Which threshold, by how much, and why as far as the load says. */
export function thresholdSentence(threshold: ThresholdEntry, { loads }: Pick<AttemptEntries, 'loads'>): string {
  const load = judgedLoad(threshold, loads)
  const saturation = load && !areWrongAnswers(threshold, load) ? saturationText(load) : undefined
  const lead = saturation ? `not judged: ${saturation}; ` : ''
  const why =
    load && (OF_FAILURES.test(threshold.metric) ? (errorText(load) ?? redirectText(load)) : redirectText(load))
  return `${lead}${missedSentence(threshold)}${why ? `: ${why}` : ''}`
}

/** Failures that a machine without time to spare does not cause: it makes requests late, and no answer wrong. */
function areWrongAnswers({ metric }: ThresholdEntry, { result: { errors } }: LoadEntry): boolean {
  const [total, late] = [errors.total ?? 0, errors.timeouts ?? 0]
  return OF_FAILURES.test(metric) && total > 0 && late < total / 2
}

/** What a further measurement saw of why the load was slow. */
function reasonText({ metric, measurement }: ThresholdEntry, measured: AttemptEntries['measured']): string {
  if (OF_FAILURES.test(metric)) return ''
  for (const { kind, entry } of measured) {
    const reason = kind.reason?.(entry, measurement)
    if (reason !== undefined) return `. ${oneLine(reason)}`
  }
  return ''
}

function judgedLoad({ measurement }: ThresholdEntry, loads: readonly LoadEntry[]): LoadEntry | undefined {
  return measurement === undefined
    ? loads.length === 1
      ? loads[0]
      : undefined
    : loads.find(({ id }) => id === measurement)
}

function missedSentence({ metric, expression, value, title }: ThresholdEntry): string {
  const of = title ? ` of "${oneLine(title)}"` : ''
  if (!isMeasured(value)) return oneLine(`${metric}${of} has no data, expected ${formatBound(metric, expression)}`)
  const miss = missText(metric, expression, value)
  return `${oneLine(metric)}${of} was ${formatMetric(metric, value)}, expected ${formatBound(metric, expression)}${miss && ` (${miss})`}`
}

function leakSentence({ target, result: { leak } }: MemoryEntry): string {
  const [keeper] = leak.suspects ?? []
  const kept = keeper ? `; kept by ${keeper.function} (${keeper.location}), ${formatBytes(keeper.bytes)}` : ''
  return oneLine(`memory of ${target} leaks: ${kept ? leak.reason.replace(/\.$/, '') : leak.reason}${kept}`)
}
