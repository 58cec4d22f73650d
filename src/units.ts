/** A length of time: a number of milliseconds, or text such as `'250ms'`, `'10s'`, `'2m'`, `'1.5h'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** Returns the milliseconds of a duration; `NaN` if it is malformed. */
export function milliseconds(duration: Duration): number {
  if (typeof duration === 'number') return duration
  const match = typeof duration === 'string' && /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)$/.exec(duration)
  // Whole microseconds: 0.3 s is 300 ms, not 299.99999999999994.
  return match
    ? Math.round(Number(match[1]) * MILLISECONDS[match[2] as keyof typeof MILLISECONDS] * 1_000) / 1_000
    : Number.NaN
}

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const

function significant(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  // Two digits that say something: 0.001 is not 0.00.
  return size >= 0.01 || size === 0 ? value.toFixed(2) : String(Number(value.toPrecision(2)))
}

/** A size in bytes for people: `1536` is `1.50 KB` (1 KB = 1024 bytes). `–` when it was not measured. */
export function formatBytes(bytes: number | null | undefined): string {
  if (!isMeasured(bytes)) return '–'
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? String(Math.round(value)) : significant(value)} ${BYTE_UNITS[unit]}`
}

/** A time in milliseconds for people: `0.42 ms`, `12.3 ms`, `1.50 s`, `2m 05s`. `–` when it was not measured. */
export function formatDuration(milliseconds: number | null | undefined): string {
  if (!isMeasured(milliseconds)) return '–'
  if (Math.abs(milliseconds) < 1_000) return `${significant(milliseconds)} ms`
  if (Math.abs(milliseconds) < 60_000) return `${significant(milliseconds / 1_000)} s`
  const seconds = Math.round(milliseconds / 1_000)
  return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`
}

/** A rate per second for people: `48.2/s`, `12,345/s`. `–` when it was not measured. */
export function formatRate(perSecond: number | null | undefined): string {
  return isMeasured(perSecond) ? `${formatCount(perSecond)}/s` : '–'
}

/** A count for people, with thousands apart. `–` when it was not measured. */
export function formatCount(count: number | null | undefined): string {
  if (!isMeasured(count)) return '–'
  const text = Number.isInteger(count) ? String(count) : significant(count)
  return text.replace(/\B(?=(\d{3})+(?!\d))/g, (_, __, offset: number) => {
    const point = text.indexOf('.')
    return point !== -1 && offset > point ? '' : ','
  })
}

/** A ratio of 0 to 1 as a percentage: `0.0123` is `1.23%`. `–` when it was not measured. */
export function formatRatio(ratio: number | null | undefined): string {
  if (!isMeasured(ratio)) return '–'
  if (ratio === 0) return '0%'
  return `${significant(ratio * 100)}%`
}

/** Whether a figure holds data: `null` and `NaN` (what a figure without data becomes in JSON and is in memory) do not. */
export function isMeasured(value: number | null | undefined): value is number {
  return typeof value === 'number' && !Number.isNaN(value)
}
