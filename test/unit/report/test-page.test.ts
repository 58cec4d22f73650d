import { expect, test } from 'vitest'
import { renderTestPage } from '../../../src/report/test-page.ts'
import { explainFailure } from '../../../src/report/failure.ts'
import { summarizeTest } from '../../../src/report/summary.ts'
import { exampleRecords, testRecord } from './samples.ts'

const run = { root: process.cwd(), vitest: '4.1.12', reportedAt: Date.UTC(2026, 0, 5), env: {} }

test('the page of a failed test says why it failed', () => {
  const failed = exampleRecords().find(({ state }) => state === 'failed')!
  const page = renderTestPage(failed, run)!
  const { cause } = explainFailure(summarizeTest(failed)!)!
  expect(page).toContain(`<b>Failed first:</b> ${cause.replaceAll('"', '&quot;').replaceAll('<', '&lt;')}`)
  expect(page).toContain('2026-01-05 00:00 UTC')
})

test('a test without anything of ours has no page', () => {
  expect(renderTestPage(testRecord({ artifacts: [] }), run)).toBeUndefined()
})
