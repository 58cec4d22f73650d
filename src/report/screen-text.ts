import stringWidth from 'string-width'

const ASCII = /^[\u0020-\u007e]*$/
const GRAPHEMES = new Intl.Segmenter()
const ANSI_STYLE = /\u001b\[[0-9;]*m/g
// Bidirectional overrides, zero-width and other invisible format characters that could rearrange or hide what follows.
const INVISIBLE = /[\u0080-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** One line that no terminal acts on: control characters become visible, line breaks become spaces. */
export function oneLine(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[\t\n\r]+/g, ' ')
    .replace(/[\u0000-\u001f]/g, (control) => String.fromCharCode(0x2400 + control.charCodeAt(0)))
    .replace(/\u007f/g, '\u2421')
    .replace(INVISIBLE, '\ufffd')
    .replace(LONE_SURROGATE, '\ufffd')
}

/** Without the styles that a program gave its own output. */
export function withoutStyles(text: string): string {
  return text.replace(ANSI_STYLE, '')
}

/** Text of several lines, each harmless; styles that a program gave its own output are dropped. */
export function harmlessLines(text: string): string[] {
  return withoutStyles(text).replace(/\s+$/, '').split(/\r?\n/).map(oneLine)
}

/**
 * Columns that a text may take. Where a terminal and Vitest's own row count (UTF-16 units) differ it is the larger of the
 * two, so that a row that fits here is one row for both.
 */
export function columnsOf(text: string): number {
  const plain = withoutStyles(text)
  if (ASCII.test(plain)) return plain.length
  let columns = 0
  for (const { segment } of GRAPHEMES.segment(plain)) columns += Math.max(segment.length, stringWidth(segment))
  return columns
}

/** Cut to `columns`, the cut shown as `…`; never through a grapheme. For text without styles. */
export function fit(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  if (columns < 1) return ''
  let kept = ''
  let used = 0
  for (const { segment } of GRAPHEMES.segment(text)) {
    const size = columnsOf(segment)
    if (used + size > columns - 1) break
    kept += segment
    used += size
  }
  return `${kept}…`
}

/** Filled with spaces to `columns`. */
export function pad(text: string, columns: number, side: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, columns - columnsOf(text)))
  return side === 'left' ? text + space : space + text
}
