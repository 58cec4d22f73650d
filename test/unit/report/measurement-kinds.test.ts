import { afterEach, beforeEach, expect, test } from 'vitest'
import { renderEndReport } from '../../../src/report/end-report.ts'
import { explainFailure } from '../../../src/report/failure.ts'
import { renderJobSummary } from '../../../src/report/github-summary.ts'
import { escapeHtml } from '../../../src/report/html-text.ts'
import { renderHtmlReport } from '../../../src/report/html-report.ts'
import { createJsonReport } from '../../../src/report/json-report.ts'
import { readEnvironment } from '../../../src/report/machine.ts'
import { MEASUREMENT_KINDS } from '../../../src/report/measurement-kinds.ts'
import type { AnyMeasurementKind, MeasurementEntry, MeasurementKind } from '../../../src/report/measurement-kind.ts'
import { createPaint } from '../../../src/report/paint.ts'
import { renderPrometheus } from '../../../src/report/prometheus-report.ts'
import { summarizeRun } from '../../../src/report/summary.ts'
import { testRecord } from './samples.ts'

// A kind of measurement that no other module knows: what it takes to add one is what stands here.

interface DiskArtifact {
  type: 'perf:disk'
  id: string
  attempt: number
  writes: number
}
interface DiskEntry extends MeasurementEntry {
  writes: number
}
const DISK: MeasurementKind<DiskArtifact, DiskEntry> = {
  name: 'disk',
  type: 'perf:disk',
  entry: ({ id, attempt, writes }, test) => ({ id, attempt, title: `disk of ${test}`, writes }),
  columns: [{ title: 'disk' }, { title: 'writes/s', align: 'right' }],
  row: ({ title, writes }) => [{ text: title }, { text: String(writes), tone: 'strong' }],
  notes: ({ writes }) => (writes > 100 ? ['more writes than requests'] : []),
  cause: ({ writes }, message) => (message?.includes('disk') ? `the disk took ${writes} writes a second` : undefined),
  details: () => ['most of them in journal.ts'],
  page: ({ title }) => `<p class="disk">${escapeHtml(title)}</p>`,
  figures: ({ writes }) => [{ name: 'disk_writes_per_second', help: 'Writes.', value: writes }],
}

beforeEach(() => void MEASUREMENT_KINDS.push(DISK as unknown as AnyMeasurementKind))
afterEach(() => void MEASUREMENT_KINDS.pop())

const summary = () =>
  summarizeRun([
    testRecord({
      path: ['writes <little>'],
      state: 'failed',
      errors: [{ name: 'AssertionError', message: 'too much disk' }],
      artifacts: [{ type: 'perf:disk', id: 'disk-1', attempt: 0, writes: 412 }],
    }),
  ])

test('a further kind of measurement is in every report', () => {
  const terminal = renderEndReport(summary(), 100, createPaint(false)).join('\n')
  expect(terminal).toMatch(/disk of writes <little> +412/)
  expect(terminal).toContain('the disk took 412 writes a second')
  expect(terminal).toContain('most of them in journal.ts')

  const json = createJsonReport(
    summary(),
    { state: 'failed', reportedAt: new Date(0) },
    readEnvironment('/', '4.1.12', {}),
  )
  expect(json.tests[0]?.measurements).toEqual({
    disk: [{ id: 'disk-1', attempt: 0, title: 'disk of writes <little>', writes: 412 }],
  })
  expect(json.tests[0]?.failure?.cause).toBe('the disk took 412 writes a second')
  const page = renderHtmlReport(json)
  expect(page).toContain('<p class="disk">disk of writes &lt;little&gt;</p>')
  expect(page).toContain('the disk took 412 writes a second')

  const markdown = renderJobSummary(summary())
  expect(markdown).toContain('| disk of writes &lt;little&gt; | **412** |')
  expect(renderPrometheus(summary())).toMatch(/^vitest_perf_disk_writes_per_second\{.*disk="disk of .*\} 412$/m)
})

test('of an unknown kind nothing is shown, and nothing breaks', () => {
  MEASUREMENT_KINDS.pop()
  const [only] = summary().tests
  expect(only?.measurements).toEqual({})
  expect(only && explainFailure(only)?.cause).toBe('too much disk')
  MEASUREMENT_KINDS.push(DISK as unknown as AnyMeasurementKind)
})
