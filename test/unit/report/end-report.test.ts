import { describe, expect, test } from 'vitest'
import { renderEndReport, wrap } from '../../../src/report/end-report.ts'
import { createPaint, wantsColors } from '../../../src/report/paint.ts'
import { columnsOf } from '../../../src/report/screen-text.ts'
import { summarizeRun, type TestRecord } from '../../../src/report/summary.ts'
import { exampleRecords, loadArtifact, loadResult, serverArtifact, testRecord, thresholdArtifact } from './samples.ts'

const plain = createPaint(false)

describe('the tables at the end', () => {
  test.each([40, 80, 120])('look as agreed at %i columns', async (width) => {
    const lines = renderEndReport(summarizeRun(exampleRecords()), width, plain)
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`golden/end-report-${width}.txt`)
  })

  test.each([40, 47, 56, 64, 79, 100, 150])('never exceed %i columns', (width) => {
    const long = 'a title that goes on and on 注文を読む '.repeat(4)
    const records = [
      ...exampleRecords(),
      testRecord({
        path: [long],
        file: `specs/${'deep/'.repeat(20)}file.perf.ts`,
        state: 'failed',
        errors: [{ name: 'E', message: 'x'.repeat(300) }],
        artifacts: [
          loadArtifact({}, loadResult({ title: long })),
          loadArtifact(
            { id: 'load-2', attempt: 1, outcome: 'failed', error: long },
            loadResult({ title: '\u001b[2J\nboo' }),
          ),
          serverArtifact({ source: long, output: 'y'.repeat(500) }),
        ],
      }),
    ]
    for (const colors of [false, true]) {
      for (const line of renderEndReport(summarizeRun(records), width, createPaint(colors))) {
        expect(columnsOf(line), line).toBeLessThanOrEqual(width)
        expect(line.replace(/\u001b\[\d+m/g, '')).not.toMatch(/[\u0000-\u001f]/)
      }
    }
  })

  test('name the attempt where there was a retry', () => {
    const artifacts = [
      loadArtifact(),
      loadArtifact({ attempt: 1 }),
      thresholdArtifact([{ metric: 'latency.p99', expression: '<50', value: 12, passed: true }], { attempt: 1 }),
    ]
    const text = renderEndReport(summarizeRun([testRecord({ artifacts, retries: 1 })]), 100, plain).join('\n')
    expect(text).toContain('GET /orders (attempt 1)')
    expect(text).toContain('GET /orders (attempt 2)')
  })

  test('end with a tick only where every test has passed', () => {
    const verdict = (...states: TestRecord['state'][]) => {
      const records = states.map((state) => testRecord({ state, artifacts: [loadArtifact()] }))
      return renderEndReport(summarizeRun(records), 100, plain).findLast((line) => /perf tests? hold/.test(line))
    }
    expect(verdict('passed', 'passed')).toMatch(/✓ 2 of 2/)
    expect(verdict('skipped')).toMatch(/○ 0 of 1/)
    expect(verdict('passed', 'pending')).toMatch(/○ 1 of 2/)
  })

  test('are nothing without a perf test', () => {
    expect(renderEndReport(summarizeRun([testRecord()]), 80, plain)).toEqual([])
  })
})

test('wrapping keeps every word and the indent', () => {
  expect(wrap('  one two three', 9)).toEqual(['  one two', '  three'])
  expect(wrap('unbreakable', 5)).toEqual(['unbr…'])
})

test('colours follow NO_COLOR, then FORCE_COLOR, then the terminal', () => {
  expect(wantsColors({}, true)).toBe(true)
  expect(wantsColors({}, false)).toBe(false)
  expect(wantsColors({ CI: 'true' }, false)).toBe(true)
  expect(wantsColors({ NO_COLOR: '1', FORCE_COLOR: '1' }, true)).toBe(false)
  expect(wantsColors({ FORCE_COLOR: '1' }, false)).toBe(true)
  expect(wantsColors({ TERM: 'dumb' }, true)).toBe(false)
})
