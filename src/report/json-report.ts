import type { ReportEnvironment } from './machine.ts'
import { explainFailure, type FailureStory } from './failure.ts'
import type { RunSummary, TestSummary } from './summary.ts'

/** The version of the JSON report's format. Version 2 adds fields to version 1 and changes none. */
const REPORT_VERSION = 2

export interface JsonReportTest extends TestSummary {
  /** Why it failed; `null` for a test that did not. */
  failure: FailureStory | null
}

/** The JSON report: `schema/report-v2.schema.json` describes it. */
export interface JsonReport {
  version: typeof REPORT_VERSION
  run: {
    state: 'passed' | 'failed' | 'interrupted'
    /** When the run was reported, ISO 8601. */
    reportedAt: string
    counts: RunSummary['counts']
    /** Failures that belong to no test: of files, of suites, and errors that nobody caught. */
    failuresOutside: number
  }
  environment: ReportEnvironment
  tests: JsonReportTest[]
}

/** Everything that was measured, and where. */
export function createJsonReport(
  summary: RunSummary,
  run: { state: JsonReport['run']['state']; reportedAt: Date },
  environment: ReportEnvironment,
): JsonReport {
  return {
    version: REPORT_VERSION,
    run: {
      state: run.state,
      reportedAt: run.reportedAt.toISOString(),
      counts: summary.counts,
      failuresOutside: summary.failuresOutside,
    },
    environment,
    tests: summary.tests.map((test) => ({ ...test, failure: explainFailure(test) ?? null })),
  }
}
