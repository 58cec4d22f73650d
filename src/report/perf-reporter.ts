import { resolve } from 'node:path'
import type { TestAnnotation } from 'vitest'
import {
  DefaultReporter,
  type SerializedError,
  type TestCase,
  type TestModule,
  type TestRunEndReason,
  type TestSpecification,
  type Vitest,
} from 'vitest/node'
import { packageVersion } from '../package-version.ts'
import type { PerfArtifact } from '../vitest/artifacts.ts'
import { renderEndReport } from './end-report.ts'
import { FIGURE_PREFIX, GithubActions } from './github-actions.ts'
import { LiveState } from './live-state.ts'
import { loadEndLine, memoryEndLine, runningLine, startLine } from './live-lines.ts'
import { LiveWindow } from './live-window.ts'
import { kindOf } from './measurement-kinds.ts'
import { createPaint, wantsColors, type Paint } from './paint.ts'
import { pluginReportOptions } from './plugin-options.ts'
import { withCauses } from './presented-errors.ts'
import {
  asksForFiles,
  checkReportOptions,
  resolveReportOptions,
  type ReportOptions,
  type ResolvedReportOptions,
} from './report-options.ts'
import { dropStoredProgress } from './stored-artifacts.ts'
import { runSummary, summarizeTest, type RunSummary } from './summary.ts'
import { assumeTerminalSize, terminalColumns } from './terminal-size.ts'
import { collectTestRecords, countFailuresOutside } from './test-records.ts'
import { writeWhole } from './write-file.ts'

const WIDTH_OFF_TERMINAL = 100
/** A line is due after so much of its interval: progress comes at intervals too, and one that is a moment early must not wait for the next. */
const DUE = 0.9

/** Vitest's default reporter with load and memory figures: live, at the end, and in files. */
export class PerfReporter extends DefaultReporter {
  readonly #own: ReportOptions
  readonly #live = new LiveState()
  readonly #lastLine = new Map<string, number>()
  #report!: ResolvedReportOptions
  #paint: Paint = createPaint(false)
  #window: LiveWindow | undefined
  #github: GithubActions | undefined

  constructor(options: ReportOptions = {}) {
    super()
    this.#own = checkReportOptions(options)
  }

  override onInit(vitest: Vitest): void {
    assumeTerminalSize(vitest)
    super.onInit(vitest)
    this.#report = resolveReportOptions(this.#own, pluginReportOptions(vitest), process.env)
    this.#paint = createPaint(wantsColors(process.env, this.isTTY))
    if (this.#report.github) this.#github = new GithubActions(vitest)
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
      else if (perf.type === 'perf:load') this.log(loadEndLine(perf, this.#paint))
      else this.log(memoryEndLine(perf, this.#paint))
    } else this.#endMeasurement(testCase, artifact)
  }

  #endMeasurement(testCase: TestCase, artifact: { type: string }): void {
    const kind = kindOf(artifact.type)
    if (!kind) return
    const entry = kind.entry(artifact, testCase.name)
    this.#live.end(testCase.id, entry.id)
    this.#lastLine.delete(`${testCase.id}\n${entry.id}`)
    const line = kind.endLine?.(entry, this.#paint)
    if (this.#window) this.#window.update()
    else if (line) this.log(line)
  }

  onTestCaseAnnotate(testCase: TestCase, annotation: TestAnnotation): void {
    this.#github?.onTestCaseAnnotate(testCase, annotation)
  }

  /** Key figures that are annotations for JUnit's sake stand in the tables already. */
  protected override printAnnotations(test: TestCase, console: 'log' | 'error', padding?: number): void {
    const others = test.annotations().filter(({ type }) => !type.startsWith(FIGURE_PREFIX))
    if (others.length === 0) return
    super.printAnnotations(Object.create(test, { annotations: { value: () => others } }) as TestCase, console, padding)
  }

  override onTestCaseResult(test: TestCase): void {
    this.#live.end(test.id)
    super.onTestCaseResult(test)
  }

  override async onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): Promise<void> {
    this.#live.clear()
    const all = collectTestRecords(modules, this.ctx.config.root).map((known) => ({
      ...known,
      summary: summarizeTest(known.record),
    }))
    const perf = all.flatMap(({ test, summary }) => (summary ? [{ test, summary }] : []))
    withCauses(perf, { share: true }, () => super.onTestRunEnd(modules, errors, reason))
    withCauses(perf, { share: false }, () => this.#github?.annotate(modules, errors))
    await this.#attempt(async () => {
      const tests = all.map(({ record, summary }) => ({ record, test: summary }))
      const summary = runSummary(tests, countFailuresOutside(modules, errors))
      this.#printEnd(summary)
      // Whoever leaves watch mode in mid-run keeps the report of the last whole run.
      if (reason === 'interrupted' && this.ctx.config.watch) return
      await this.#attempt(() => this.#github?.summarize(summary, process.env['GITHUB_STEP_SUMMARY']))
      await this.#writeFiles(summary, reason)
    })
  }

  #printProgress(
    testCase: TestCase,
    artifact: Extract<PerfArtifact, { type: 'perf:progress' }>,
    started: boolean,
  ): void {
    const key = `${testCase.id}\n${artifact.id}`
    const now = Date.now()
    if (started) this.log(startLine(artifact, testCase.name, this.#paint))
    else if (now - (this.#lastLine.get(key) ?? 0) < DUE * this.#report.interval || artifact.progress >= 1) return
    else this.log(runningLine(artifact, testCase.name, this.#paint))
    this.#lastLine.set(key, now)
  }

  #printEnd(summary: RunSummary): void {
    const width = this.isTTY ? terminalColumns(this.ctx) : WIDTH_OFF_TERMINAL
    const lines = renderEndReport(summary, width, this.#paint, packageVersion())
    if (lines.length > 0) this.log(lines.join('\n'))
  }

  async #writeFiles(summary: RunSummary, state: TestRunEndReason): Promise<void> {
    if (!asksForFiles(this.#report)) return
    // What writes files is loaded by those who ask for files.
    const { reportFiles } = await import('./report-files.ts')
    const { root } = this.ctx.config
    for (const { name, path, content } of reportFiles(this.#report, summary, {
      state,
      root,
      vitest: this.ctx.version,
    })) {
      const target = resolve(root, path)
      await this.#attempt(() => {
        writeWhole(target, content())
        this.log(`${this.#paint.dim(` ${name} written to`)} ${target}`)
      })
    }
  }

  /** What cannot be done is an error that is told and fails the run; the rest of the report stays. */
  async #attempt(work: () => void | Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      process.exitCode = 1
      this.error(this.#paint.red(` perf: ${error instanceof Error ? error.message : String(error)}`))
    }
  }
}
