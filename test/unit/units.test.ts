import { expect, test } from 'vitest'
import { formatBytes, formatCount, formatDuration, formatRate, formatRatio } from '../../src/units.ts'

test.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_536, '1.50 KB'],
  [-3 * 1_048_576, '-3.00 MB'],
  [Number.NaN, '–'],
  [null, '–'],
])('formatBytes(%s)', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

test.each([
  [0.4213, '0.42 ms'],
  [0.00123, '0.0012 ms'],
  [0, '0.00 ms'],
  [12.34, '12.3 ms'],
  [999, '999 ms'],
  [1_500, '1.50 s'],
  [125_000, '2m 05s'],
  [undefined, '–'],
])('formatDuration(%s)', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text))

test.each([
  [12_345, '12,345'],
  [1_234.5, '1,235'],
  [48.23, '48.2'],
  [1_000_000, '1,000,000'],
])('formatCount(%s)', (count, text) => expect(formatCount(count)).toBe(text))

test('rates and ratios', () => {
  expect(formatRate(12_345.6)).toBe('12,346/s')
  expect(formatRatio(0)).toBe('0%')
  expect(formatRatio(0.0123)).toBe('1.23%')
  expect(formatRatio(Number.NaN)).toBe('–')
})
