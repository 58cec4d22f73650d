import { formatBytes, formatCount, formatDuration, isMeasured } from '../units.ts'
import { plannedDuration, type LiveMeasurement } from './live-state.ts'
import type { Paint } from './paint.ts'
import { columnsOf, fit, oneLine, pad } from './screen-text.ts'
import { barParts, sparkline } from './sparkline.ts'
import { roundRate } from '../results/load-plan-summary.ts'
import { memoryFigure } from './test-tables.ts'

const ONE_LINE_FROM = 112
const NO_TIME = ''

/**
 * The rows under Vitest's own window, at most `height` of them and none wider than `width` columns. A pure function of
 * what runs, the size, the colours and the clock.
 */
export function renderLiveRows(
  running: readonly LiveMeasurement[],
  { width, height, paint, now }: { width: number; height: number; paint: Paint; now: number },
): string[] {
  if (running.length === 0 || height < 1) return []
  // The last column stays free: a row that fills it makes some terminals wrap.
  const columns = width - 1
  const perEntry = columns >= ONE_LINE_FROM ? 1 : 2
  let shown = Math.min(running.length, Math.floor(height / perEntry))
  if (shown < running.length) shown = Math.min(shown, Math.floor((height - 1) / perEntry))
  const rows = running.slice(0, Math.max(0, shown)).flatMap((entry) => renderEntry(entry, columns, paint, now))
  const hidden = running.length - shown
  return hidden > 0 && rows.length < height ? [...rows, paint.dim(fit(` … and ${hidden} more running`, columns))] : rows
}

function renderEntry(entry: LiveMeasurement, columns: number, paint: Paint, now: number): string[] {
  if (columns >= ONE_LINE_FROM) {
    const head = headLine(entry, Math.min(64, Math.floor(columns * 0.45)), paint, now)
    return [`${head}  ${figures(entry, columns - columnsOf(head) - 2, paint)}`]
  }
  return [headLine(entry, columns, paint, now), `   ${figures(entry, columns - 3, paint)}`]
}

/** Title, bar and time left. */
function headLine(entry: LiveMeasurement, columns: number, paint: Paint, now: number): string {
  const time = timeText(entry, now)
  const timeColumns = Math.max(9, columnsOf(time))
  const bar = Math.min(30, Math.max(8, Math.floor(columns / 4)))
  const room = columns - 3 - bar - 1 - timeColumns - 1
  const title = pad(fit(oneLine(entry.latest.title), room), room)
  const { done, rest } = barParts(progressNow(entry, now), bar)
  return ` ${paint.cyan('▸')} ${paint.bold(title)} ${paint.cyan(done)}${paint.dim(rest)} ${pad(time, timeColumns, 'right')}`
}

function elapsedNow({ latest, receivedAt }: LiveMeasurement, now: number): number {
  return latest.elapsed + Math.max(0, now - receivedAt)
}

function progressNow(entry: LiveMeasurement, now: number): number {
  const { progress } = entry.latest
  const planned = plannedDuration(entry.latest)
  // A load that ends at an amount moves by its own progress; one with a duration moves with the clock.
  return planned ? Math.max(progress, Math.min(1, elapsedNow(entry, now) / planned)) : progress
}

function timeText(entry: LiveMeasurement, now: number): string {
  const planned = plannedDuration(entry.latest)
  if (!planned) return formatClock(elapsedNow(entry, now))
  const left = planned - elapsedNow(entry, now)
  return left > 0 ? `${formatClock(left)} left` : 'ending'
}

function formatClock(milliseconds: number): string {
  if (!isMeasured(milliseconds)) return NO_TIME
  const seconds = Math.ceil(milliseconds / 1_000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`
}

interface Part {
  text: string
  style?: (text: string) => string
}

/** Requests/s now, sparkline, p50 and p99 now, errors, memory: said as fully as the room allows. */
function figures(entry: LiveMeasurement, room: number, paint: Paint): string {
  const parts = [fullParts, shortParts, tersestParts].map((say) => say(entry, paint))
  const fitting = parts.find((candidate) => partsColumns(candidate) <= room) ?? shorten(parts.at(-1) ?? [], room)
  const spark = Math.min(20, room - partsColumns(fitting) - 2)
  const [rate, ...others] = fitting.map(({ text, style }) => (style ? style(text) : text))
  const line = spark >= 4 && entry.rates.length > 1 ? paint.cyan(pad(sparkline(entry.rates, spark), spark)) : ''
  return [rate, ...(line ? [line] : []), ...others].filter((text) => text !== undefined).join('  ')
}

function partsColumns(parts: readonly Part[]): number {
  return parts.reduce((sum, { text }) => sum + columnsOf(text) + 2, -2)
}

function shorten(parts: readonly Part[], room: number): Part[] {
  const kept = [...parts]
  while (kept.length > 1 && partsColumns(kept) > room) kept.pop()
  return kept.map((part) => ({ ...part, text: fit(part.text, Math.max(0, room)) }))
}

function fullParts({ latest }: LiveMeasurement, paint: Paint): Part[] {
  const memory = memoryOf(latest)
  return sayable([
    note(latest),
    rate(latest, (text) => `${text} requests/s`, paint),
    latency(latest.p50, (text) => `p50 ${text}`),
    latency(latest.p99, (text) => `p99 ${text}`),
    errors(latest, (text) => `${text} errors`, paint),
    memory === null ? undefined : { text: `memory ${formatBytes(memory)}` },
  ])
}

function shortParts({ latest }: LiveMeasurement, paint: Paint): Part[] {
  const memory = memoryOf(latest)
  return sayable([
    note(latest),
    rate(latest, (text) => `${text}/s`, paint),
    latency(latest.p50, (text) => `p50 ${text}`),
    latency(latest.p99, (text) => `p99 ${text}`),
    errors(latest, (text) => `${text} err`, paint),
    memory === null ? undefined : { text: formatBytes(memory) },
  ])
}

function tersestParts({ latest }: LiveMeasurement, paint: Paint): Part[] {
  const memory = memoryOf(latest)
  const both = [latest.p50, latest.p99].every(isMeasured)
  return sayable([
    note(latest),
    rate(latest, () => `${terseCount(latest.requestsPerSecond)}/s`, paint),
    both ? { text: `${terse(latest.p50)}/${terse(latest.p99)}ms` } : undefined,
    errors(latest, () => `${terseCount(latest.errors)}e`, paint),
    memory === null ? undefined : { text: formatBytes(memory).replace(' ', '') },
  ])
}

function sayable(parts: readonly (Part | undefined)[]): Part[] {
  return parts.filter((part) => part !== undefined)
}

function rate(latest: LiveMeasurement['latest'], say: (text: string) => string, paint: Paint): Part | undefined {
  if (!isMeasured(latest.requestsPerSecond)) return latest.kind === 'load' ? { text: say('–') } : undefined
  return { text: say(formatCount(roundRate(latest.requestsPerSecond))), style: paint.bold }
}

function note({ note: text }: LiveMeasurement['latest']): Part | undefined {
  return text === undefined ? undefined : { text: oneLine(text) }
}

function latency(value: number | null | undefined, say: (text: string) => string): Part | undefined {
  return isMeasured(value) ? { text: say(formatDuration(value)) } : undefined
}

function errors(
  { errors: count }: LiveMeasurement['latest'],
  say: (text: string) => string,
  paint: Paint,
): Part | undefined {
  if (!isMeasured(count)) return undefined
  return { text: say(formatCount(count)), style: count > 0 ? paint.red : paint.dim }
}

function memoryOf({ memory }: LiveMeasurement['latest']): number | null {
  return memory ? memoryFigure(memory) : null
}

function terse(value: number | null | undefined): string {
  return isMeasured(value) ? (value >= 10 ? value.toFixed(0) : value.toFixed(1)) : '–'
}

function terseCount(value: number | null | undefined): string {
  if (!isMeasured(value)) return '–'
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(1)}M`
  return value >= 10_000 ? `${(value / 1_000).toFixed(0)}k` : String(Math.round(value))
}
