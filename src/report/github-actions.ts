import { appendFileSync } from 'node:fs'
import type { TestAnnotation } from 'vitest'
import { GithubActionsReporter, type SerializedError, type TestCase, type TestModule, type Vitest } from 'vitest/node'
import { packageVersion } from '../package-version.ts'
import { renderJobSummary } from './github-summary.ts'
import type { RunSummary } from './summary.ts'

/** Types of the annotations that carry a key figure for JUnit, such as `perf.p99_ms`. */
export const FIGURE_PREFIX = 'perf.'

/**
 * What Vitest's own GitHub reporter does (naming a reporter drops it), and the job summary of the perf tests. Stands aside
 * where the user has named Vitest's reporter too.
 */
export class GithubActions {
  readonly #annotations: GithubActionsReporter | undefined

  constructor(vitest: Vitest) {
    // With Vitest's own reporter named as well, everything would be said twice.
    const { reporters } = vitest.config
    if (reporters.some((reporter) => (Array.isArray(reporter) ? reporter[0] : reporter) === 'github-actions')) return
    this.#annotations = new GithubActionsReporter()
    this.#annotations.onInit(vitest)
  }

  onTestCaseAnnotate(testCase: TestCase, annotation: TestAnnotation): void {
    // Key figures are annotations for JUnit's sake; as notices they would crowd out what matters.
    if (!annotation.type.startsWith(FIGURE_PREFIX)) this.#annotations?.onTestCaseAnnotate(testCase, annotation)
  }

  /** Annotations at the failing lines. */
  annotate(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    this.#annotations?.onTestRunEnd(modules, errors)
  }

  /** Appends to the job summary, where there is one. */
  summarize(summary: RunSummary, path: string | undefined): void {
    const markdown = renderJobSummary(summary, packageVersion())
    if (path && markdown !== '') appendFileSync(path, `\n${markdown}`)
  }
}
