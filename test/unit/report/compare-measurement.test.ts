import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { CAPACITY_MEASUREMENT } from '../../../src/report/capacity-measurement.ts'
import { COMPARE_MEASUREMENT } from '../../../src/report/compare-measurement.ts'
import type { Comparison } from '../../../src/results/comparison.ts'
import { capacityOf, comparisonOf, SLOWER } from './compare-samples.ts'

const Ajv = createRequire(import.meta.url)('ajv') as typeof import('ajv').default
const schema = JSON.parse(readFileSync('schema/report-v2.schema.json', 'utf8')) as { $defs: object }

function validate(part: string, entry: unknown) {
  const check = new Ajv({ strict: false, allErrors: true }).compile({ $ref: `#/$defs/${part}`, $defs: schema.$defs })
  check(entry)
  return check.errors ?? []
}

const entryOf = (of: Comparison) =>
  COMPARE_MEASUREMENT.entry(
    { type: 'perf:compare', id: 'a', attempt: 0, outcome: 'completed', title: of.title ?? '', comparison: of },
    'test',
  )

describe('a comparison in reports', () => {
  test('reads like a review comment', () => {
    const entry = entryOf(comparisonOf(SLOWER))
    expect(COMPARE_MEASUREMENT.row(entry).map(({ text }) => text)).toEqual([
      'orders',
      'slower',
      '+6.8 %',
      '0 %',
      '0 %',
      '6',
    ])
    const [sentence, sides] = COMPARE_MEASUREMENT.notes?.(entry) ?? []
    expect(sentence).toMatch(
      /^head needs 6\.8 % more CPU per request \(\d(\.\d)? % to \d+(\.\d)? %\); the tolerance of 5 % is not kept\.$/,
    )
    expect(sides).toBe('base: origin/main (1f2e3d4c); head: node server.js (9a8b7c6d, uncommitted changes); 24.0 s')
    expect(COMPARE_MEASUREMENT.cause?.(entry, 'Expected head not to be slower than base; it is:')).toBe(sentence)
    expect(COMPARE_MEASUREMENT.cause?.(entry, 'expected 1 to be 2')).toBeUndefined()
  })

  test('draws every metric with its interval, tolerance and blocks, and nothing of a name is HTML', () => {
    const html = COMPARE_MEASUREMENT.page?.(entryOf(comparisonOf(SLOWER, '<b>orders'))) ?? ''
    expect(html).toContain('&lt;b&gt;orders')
    expect(html.match(/class="block"/g)).toHaveLength(5 * 6)
    expect(html.match(/class="tolerance"/g)).toHaveLength(2)
    expect(html).toContain('interval slower')
    expect(html).not.toContain('NaN')
  })

  test('is what the schema says, also before the first pair', () => {
    expect(validate('compare', entryOf(comparisonOf(SLOWER)))).toEqual([])
    expect(validate('compare', entryOf(comparisonOf([])))).toEqual([])
    expect(COMPARE_MEASUREMENT.page?.(entryOf(comparisonOf([])))).toBe('')
  })
})

test('a capacity is what the schema says, and marks the knee', () => {
  const entry = CAPACITY_MEASUREMENT.entry(
    { type: 'perf:capacity', id: 'a', attempt: 0, outcome: 'completed', title: 'orders', capacity: capacityOf() },
    'test',
  )
  expect(validate('capacity', entry)).toEqual([])
  expect(CAPACITY_MEASUREMENT.row(entry).map(({ text }) => text)).toEqual([
    'orders',
    '400/s',
    '800/s',
    'a threshold',
    '3',
  ])
  const html = CAPACITY_MEASUREMENT.page?.(entry) ?? ''
  expect(html).toContain('class="knee"')
  expect(html.match(/<circle class="held"/g)).toHaveLength(2)
  expect(html).toContain('2.00%')
})
