import { expect, test } from 'vitest'
import { columnsOf, fit, harmlessLines, oneLine, pad } from '../../../src/report/screen-text.ts'
import { barParts, sparkline } from '../../../src/report/sparkline.ts'

test('control characters are seen and not obeyed', () => {
  expect(oneLine('a\u001b[31mb\r\nc\td\u0000\u007f\u009b2J')).toBe('a␛[31mb c d␀␡\ufffd2J')
  expect(oneLine('x\u202Ey\u2066z\u200bw')).toBe('x\ufffdy\ufffdz\ufffdw')
  expect(oneLine('\ud800 alone')).toBe('\ufffd alone')
  expect(oneLine('e\u0301')).toBe('é')
})

test('output of a server keeps its lines and loses its styles', () => {
  expect(harmlessLines('\u001b[32mready\u001b[39m\n  at 3000\u0007\n\n')).toEqual(['ready', '  at 3000␇'])
})

test('wide characters count two columns, styles none', () => {
  expect(columnsOf('abc')).toBe(3)
  expect(columnsOf('注文')).toBe(4)
  expect(columnsOf('🚀')).toBe(2)
  expect(columnsOf('\u001b[1mbold\u001b[22m')).toBe(4)
  // Three people joined: a terminal shows two columns or six, Vitest counts eight units.
  expect(columnsOf('👨‍👩‍👧')).toBeGreaterThanOrEqual(8)
})

test.each([1, 2, 3, 5, 8, 13])('a cut at %i columns never exceeds them nor splits a character', (columns) => {
  for (const text of ['plain ascii text', '注文を読む注文を読む', '👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧', 'e\u0301e\u0301e\u0301e\u0301']) {
    const cut = fit(text, columns)
    expect(columnsOf(cut)).toBeLessThanOrEqual(columns)
    expect(cut).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/)
    if (columnsOf(text) > columns) expect(cut.endsWith('…')).toBe(true)
  }
})

test('padding goes to the side that is asked for', () => {
  expect(pad('注', 4)).toBe('注  ')
  expect(pad('7', 3, 'right')).toBe('  7')
})

test('a sparkline stands on zero', () => {
  expect(sparkline([100, 100, 100], 10)).toBe('███')
  expect(sparkline([0, 50, 100], 10)).toBe('▁▅█')
  expect(sparkline([1, 2, 3, 4], 2)).toBe('▆█')
  expect(sparkline([0, 0], 5)).toBe('▁▁')
  expect(sparkline([], 5)).toBe('')
})

test('a bar is always as long as it should be', () => {
  for (const progress of [-1, 0, 0.333, 1, 7, Number.NaN]) {
    const { done, rest } = barParts(progress, 12)
    expect(done.length + rest.length).toBe(12)
  }
  expect(barParts(0.5, 10)).toEqual({ done: '━━━━━', rest: '─────' })
})
