/** What a cell says about its figure; each output has its own colours. */
export type Tone = 'good' | 'bad' | 'unsure' | 'strong'

export interface Cell {
  text: string
  tone?: Tone
}

export interface Column {
  title: string
  align?: 'left' | 'right'
  /** Where there is no room for it, its cells become lines below the table. */
  foldable?: true
}

export function rightColumn(title: string): Column {
  return { title, align: 'right' }
}

/** A table of one test, ready to be drawn on a terminal, in Markdown or in HTML. */
export interface TestTable {
  /** `load`, `name`, `check`, `iteration`, `memory`, `threshold`, `server`, or the name of a further kind of measurement. */
  kind: string
  columns: readonly Column[]
  rows: Cell[][]
  /** Sentences below it. */
  notes: string[]
}
