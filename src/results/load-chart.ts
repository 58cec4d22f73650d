import { formatDuration, isMeasured } from '../units.ts'
import type { LoadResult } from './load-result.ts'

const WIDTH = 640
const HEIGHT = 220
const LEFT = 64
const RIGHT = 12
const TOP = 26
const BOTTOM = 28
const LINES = [
  { figure: 'p50', color: '#2563eb' },
  { figure: 'p95', color: '#d97706' },
  { figure: 'p99', color: '#be185d' },
] as const

/** Latency over time as an SVG image, for whoever shows attachments: Vitest's UI and editors. `undefined` without any answer. */
export function drawLatency({ samples, duration }: Pick<LoadResult, 'samples' | 'duration'>): string | undefined {
  const rows = samples.filter(({ latency }) => isMeasured(latency.p99))
  if (rows.length === 0) return undefined
  const top = Math.max(...rows.map(({ latency }) => latency.p99)) * 1.1 || 1
  const end = Math.max(duration, rows.at(-1)?.at ?? 0, 1)
  const x = (at: number) => Number((LEFT + (at / end) * (WIDTH - LEFT - RIGHT)).toFixed(1))
  const y = (value: number) => Number((HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM)).toFixed(1))
  const lines = LINES.map(({ figure, color }) => {
    const points = rows.map((row) => `${x(row.at - row.duration / 2)},${y(row.latency[figure])}`)
    const dots = points.length <= 12 ? points.map((point) => dot(point, color)).join('') : ''
    return `<polyline fill="none" stroke="${color}" stroke-width="2" points="${points.join(' ')}"/>${dots}`
  })
  const levels = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = y(top * part)
    const label = `<text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${formatDuration(top * part)}</text>`
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#dfe3e9"/>${label}`
  })
  const names = LINES.map(
    ({ figure, color }, index) =>
      `<text x="${LEFT + index * 48}" y="16" fill="${color}" font-weight="600">${figure}</text>`,
  )
  const times = [0, 0.5, 1].map(
    (part) =>
      `<text x="${x(end * part)}" y="${HEIGHT - 8}" text-anchor="${part === 0 ? 'start' : part === 1 ? 'end' : 'middle'}">${formatDuration(end * part)}</text>`,
  )
  // Without a size of its own the image is 0 pixels wide in Vitest's UI.
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#5b6472"><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>${levels.join('')}${lines.join('')}${names.join('')}${times.join('')}</svg>`
}

function dot(point: string, color: string): string {
  const [cx, cy] = point.split(',')
  return `<circle cx="${cx}" cy="${cy}" r="3" fill="${color}"/>`
}
