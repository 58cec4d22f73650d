const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x23e9, 0x23ec],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x2648, 0x2653],
  [0x26a1, 0x26a1],
  [0x2705, 0x2705],
  [0x2728, 0x2728],
  [0x274c, 0x274c],
  [0x2753, 0x2755],
  [0x2795, 0x2797],
  [0x2b1b, 0x2b1c],
  [0x2b50, 0x2b55],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x1f004, 0x1f004],
  [0x1f0cf, 0x1f0cf],
  [0x1f18e, 0x1f19a],
  [0x1f1e6, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f7e0, 0x1f7eb],
  [0x1f900, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
]

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

function isWide(point: number): boolean {
  return point >= 0x1100 && WIDE.some(([from, to]) => point >= from && point <= to)
}

/**
 * Columns that a text may take. Where a terminal and Vitest's own row count (UTF-16 units) differ it is the larger of the
 * two, so that a row that fits here is one row for both.
 */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text.replace(ANSI_STYLE, '')) {
    columns += Math.max(character.length, isWide(character.codePointAt(0) ?? 0) ? 2 : 1)
  }
  return columns
}

/** Cut to `columns`, the cut shown as `…`; never through a grapheme. For text without styles. */
export function fit(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  if (columns < 1) return ''
  let kept = ''
  let used = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) {
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
