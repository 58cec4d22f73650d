import { resolve } from 'node:path'
import { DefaultReporter, type SerializedError, type TestCase, type TestModule, type TestRunEndReason, type TestSpecification, type Vitest } from 'vitest/node'
import type { PerfArtifact } from '../vitest/artifacts.ts'
import { renderEndReport } from './end-report.ts'
import { readEnvironment } from './environment.ts'
import { createJsonReport, type JsonReport } from './json-report.ts'
import { LiveState } from './live-state.ts'
import { loadEndLine, memoryEndLine, runningLine, startLine } from './live-lines.ts'
import { LiveWindow } from './live-window.ts'
import { createPaint, wantsColors, type Paint } from './paint.ts'
import { pluginReportOptions } from './plugin-options.ts'
import { checkReportOptions, resolveReportOptions, type ReportOptions, type ResolvedReportOptions } from './report-options.ts'
import { dropStoredProgress } from './stored-artifacts.ts'
import { summarizeRun, type RunSummary } from './summary.ts'
import { collectTestRecords } from './test-records.ts'
import { writeWhole } from './write-file.ts'

const WIDTH_OFF_TERMINAL = 100

/** Vitest's default reporter with load and memory figures: live, at the end, and in files. */
export class PerfReporter extends DefaultReporter {
  readonly #own: ReportOptions
  readonly #live = new LiveState()
  readonly #lastLine = new Map<string, number>()
  #report!: ResolvedReportOptions
  #paint: Paint = createPaint(false)
  #window: LiveWindow | undefined

  constructor(options: ReportOptions = {}) {
    super()
    this.#own = checkReportOptions(options)
  }

  override onInit(vitest: Vitest): void {
    super.onInit(vitest)
    this.#report = resolveReportOptions(this.#own, pluginReportOptions(vitest), process.env)
    this.#paint = createPaint(wantsColors(process.env, this.isTTY))
    this.#window = LiveWindow.attach(this, vitest, this.#live, this.#paint)
  }

  override onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#live.clear()
    this.#lastLine.clear()
    super.onTestRunStart(specifications)
  }

  onTestCaseArtifactRecord(testCase: TestCase, artifact: { type: string }): void {
    if (!artifact.type.startsWith('perf:')) return
    const perf = artifact as PerfArtifact
    if (perf.type === 'perf:progress') {
      dropStoredProgress(testCase, perf)
      const started = this.#live.progress(testCase.id, perf, Date.now())
      if (this.#window) this.#window.update()
      else this.#printProgress(testCase, perf, started)
    } else if (perf.type === 'perf:load' || perf.type === 'perf:memory') {
      this.#live.end(testCase.id, perf.id)
      this.#lastLine.delete(`${testCase.id}\n${perf.id}`)
      if (this.#window) this.#window.update()
      else if (perf.type === 'perf:load') this.log(loadEndLine(perf, testCase.name, this.#paint))
      else this.log(memoryEndLine(perf, testCase.name, this.#paint))
    }
  }

  override onTestCaseResult(test: TestCase): void {
    this.#live.end(test.id)
    super.onTestCaseResult(test)
  }

  override onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    this.#live.clear()
    super.onTestRunEnd(modules, errors, reason)
    const summary = summarizeRun(collectTestRecords(modules, this.ctx.config.root))
    this.#printEnd(summary)
    this.#writeFiles(summary, reason)
  }

  #printProgress(testCase: TestCase, artifact: Extract<PerfArtifact, { type: 'perf:progress' }>, started: boolean): void {
    const key = `${testCase.id}\n${artifact.id}`
    const now = Date.now()
    if (started) this.log(startLine(artifact, testCase.name, this.#paint))
    else if (now - (this.#lastLine.get(key) ?? 0) < this.#report.interval) return
    else this.log(runningLine(artifact, testCase.name, this.#paint))
    this.#lastLine.set(key, now)
  }

  #printEnd(summary: RunSummary): void {
    const width = this.isTTY ? this.ctx.logger.getColumns() : WIDTH_OFF_TERMINAL
    const lines = renderEndReport(summary, width, this.#paint)
    if (lines.length > 0) this.log(lines.join('\n'))
  }

  #writeFiles(summary: RunSummary, reason: TestRunEndReason): void {
    const { json } = this.#report
    if (json === undefined) return
    const report = this.#createReport(summary, reason)
    this.#write('JSON', json, () => `${JSON.stringify(report, null, 2)}\n`)
  }

  #createReport(summary: RunSummary, state: JsonReport['run']['state']): JsonReport {
    const environment = readEnvironment(this.ctx.config.root, this.ctx.version, process.env)
    return createJsonReport(summary, { state, reportedAt: new Date() }, environment)
  }

  /** A file that cannot be written is an error that names it; the other files and the tables stay. */
  #write(what: string, path: string, content: () => string): void {
    const target = resolve(this.ctx.config.root, path)
    try {
      writeWhole(target, content())
      this.log(this.#paint.dim(` ${what} report written to `) + target)
    } catch (error) {
      process.exitCode = 1
      this.error(this.#paint.red(` perf: ${error instanceof Error ? error.message : String(error)}`))
    }
  }
}

