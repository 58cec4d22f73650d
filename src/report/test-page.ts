import { renderHtmlReport } from './html-report.ts'
import { createJsonReport } from './json-report.ts'
import { readEnvironment } from './machine.ts'
import { runSummary, summarizeTest, type TestRecord } from './summary.ts'

interface PageRun {
  root: string
  vitest: string
  /** Unix time in milliseconds. */
  reportedAt: number
  env: Record<string, string | undefined>
}

/** The report's page of a single test; `undefined` for a test that measured nothing and used no server. */
export function renderTestPage(record: TestRecord, { root, vitest, reportedAt, env }: PageRun): string | undefined {
  const test = summarizeTest(record)
  if (!test) return undefined
  const run = { state: record.state === 'failed' ? 'failed' : 'passed', reportedAt: new Date(reportedAt) } as const
  return renderHtmlReport(createJsonReport(runSummary([{ record, test }], 0), run, readEnvironment(root, vitest, env)))
}
