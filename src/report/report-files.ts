import { renderBencher, renderBenchmark } from './dashboard-reports.ts'
import { readEnvironment } from './machine.ts'
import { renderHtmlReport } from './html-report.ts'
import { createJsonReport, type JsonReport } from './json-report.ts'
import { renderPrometheus } from './prometheus-report.ts'
import type { ReportOptions } from './report-options.ts'
import type { RunSummary } from './summary.ts'

/** A file that was asked for; `content` may throw. */
export interface ReportFile {
  name: string
  path: string
  content: () => string
}

/** The files that `options` ask for. */
export function reportFiles(
  { json, html, prometheus, benchmark, bencher }: ReportOptions,
  summary: RunSummary,
  run: { state: JsonReport['run']['state']; root: string; vitest: string },
): ReportFile[] {
  const environment = readEnvironment(run.root, run.vitest, process.env)
  const report = createJsonReport(summary, { state: run.state, reportedAt: new Date() }, environment)
  const files = [
    { name: 'JSON report', path: json, content: () => jsonText(report) },
    { name: 'HTML report', path: html, content: () => renderHtmlReport(report) },
    { name: 'benchmark file', path: benchmark, content: () => jsonText(renderBenchmark(summary)) },
    { name: 'Bencher file', path: bencher, content: () => jsonText(renderBencher(summary)) },
    { name: 'Prometheus figures', path: prometheus, content: () => renderPrometheus(summary) },
  ]
  return files.flatMap(({ path, ...file }) => (path === undefined ? [] : [{ ...file, path }]))
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
