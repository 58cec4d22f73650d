import { columnsOf, fit, pad } from './screen-text.ts'

/** A cell: its plain text, and how to style it once its place is known. */
export interface Cell {
  text: string
  style?: (text: string) => string
}

export interface Column {
  title: string
  align?: 'left' | 'right'
}

const GAP = 2
const NARROWEST_FIRST = 12

function paintCell(cell: Cell | undefined, width: number, align: Column['align']): string {
  const text = fit(cell?.text ?? '', width)
  const padded = pad('', width - columnsOf(text))
  const styled = cell?.style ? cell.style(text) : text
  return align === 'right' ? padded + styled : styled + padded
}

/**
 * A table that fits `width`: its first column gives way first; where even that is not enough, each row becomes a list of
 * `title value` lines.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  titleStyle: (text: string) => string = (text) => text,
): string[] {
  const widths = columns.map((column, index) =>
    Math.max(columnsOf(column.title), ...rows.map((row) => columnsOf(row[index]?.text ?? ''))),
  )
  const others = widths.slice(1).reduce((sum, size) => sum + size + GAP, 0)
  const first = Math.min(widths[0] ?? 0, width - others)
  if (first < Math.min(widths[0] ?? 0, NARROWEST_FIRST)) return renderList(columns, rows, width, titleStyle)
  widths[0] = first
  const line = (cells: readonly (Cell | undefined)[]) =>
    widths
      .map((size, index) => paintCell(cells[index], size, columns[index]?.align))
      .join(' '.repeat(GAP))
      .trimEnd()
  return [line(columns.map(({ title }) => ({ text: title, style: titleStyle }))), ...rows.map((row) => line(row))]
}

function renderList(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  titleStyle: (text: string) => string,
): string[] {
  const label = Math.max(0, ...columns.slice(1).map(({ title }) => columnsOf(title)))
  return rows.flatMap((row) => {
    const [head, ...rest] = row
    const title = fit(`${columns[0]?.title ?? ''} ${head?.text ?? ''}`.trim(), width)
    const lines = rest.flatMap((cell, index) => {
      if (cell.text === '') return []
      const text = fit(cell.text, Math.max(1, width - label - 4))
      return [`  ${titleStyle(pad(columns[index + 1]?.title ?? '', label))}  ${cell.style ? cell.style(text) : text}`]
    })
    return [title, ...lines]
  })
}
