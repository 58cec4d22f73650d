import { columnsOf, fit, pad } from './screen-text.ts'
import type { Paint } from './paint.ts'
import type { Cell, Column, Tone } from './table.ts'

const GAP = 2
const NARROWEST_FIRST = 12

const TONES = { good: 'green', bad: 'red', unsure: 'yellow', strong: 'bold' } as const

function paintText(text: string, tone: Tone | undefined, paint: Paint): string {
  return tone ? paint[TONES[tone]](text) : text
}

function placed(text: string, styled: string, width: number, align: Column['align']): string {
  const space = pad('', width - columnsOf(text))
  return align === 'right' ? space + styled : styled + space
}

/**
 * A table that fits `width`: its first column gives way first; where even that is not enough, each row becomes a list of
 * `title value` lines.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Paint,
): string[] {
  const widths = columns.map((column, index) =>
    Math.max(columnsOf(column.title), ...rows.map((row) => columnsOf(row[index]?.text ?? ''))),
  )
  const others = widths.slice(1).reduce((sum, size) => sum + size + GAP, 0)
  const first = Math.min(widths[0] ?? 0, width - others)
  if (first < Math.min(widths[0] ?? 0, NARROWEST_FIRST)) {
    const folded = columns.findLastIndex(({ foldable }) => foldable)
    return folded === -1 ? renderList(columns, rows, width, paint) : foldColumn(folded, columns, rows, width, paint)
  }
  widths[0] = first
  const line = (cells: readonly Cell[], style: (text: string, cell: Cell) => string) =>
    widths
      .map((size, index) => {
        const cell = cells[index] ?? { text: '' }
        const text = fit(cell.text, size)
        return placed(text, style(text, cell), size, columns[index]?.align)
      })
      .join(' '.repeat(GAP))
      .trimEnd()
  const titles = columns.map(({ title }) => ({ text: title }))
  return [line(titles, paint.dim), ...rows.map((row) => line(row, (text, { tone }) => paintText(text, tone, paint)))]
}

/** The table without a column, and what stood in that below it. */
function foldColumn(
  at: number,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Paint,
): string[] {
  const table = renderTable(
    columns.toSpliced(at, 1),
    rows.map((row) => row.toSpliced(at, 1)),
    width,
    paint,
  )
  const below = rows.flatMap((row) => {
    const name = rows.length > 1 ? ` of ${row[0]?.text ?? ''}` : ''
    const text = row[at]?.text ?? ''
    return text === '' ? [] : [fit(`${columns[at]?.title ?? ''}${name}: ${text}`, width)]
  })
  return [...table, ...below]
}

function renderList(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Paint,
): string[] {
  const label = Math.max(0, ...columns.slice(1).map(({ title }) => columnsOf(title)))
  return rows.flatMap((row) => {
    const [head, ...rest] = row
    const title = fit(`${columns[0]?.title ?? ''} ${head?.text ?? ''}`.trim(), width)
    const lines = rest.flatMap((cell, index) => {
      if (cell.text === '') return []
      const text = fit(cell.text, Math.max(1, width - label - 4))
      return [`  ${paint.dim(pad(columns[index + 1]?.title ?? '', label))}  ${paintText(text, cell.tone, paint)}`]
    })
    return [title, ...lines]
  })
}
