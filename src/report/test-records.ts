import { relative, sep } from 'node:path'
import type { TestCase, TestModule } from 'vitest/node'
import type { ReportedError, TestRecord } from './summary.ts'

/** What Vitest knows of its tests, in the report's own words, each beside the test that it was read off. */
export function collectTestRecords(
  modules: readonly TestModule[],
  root: string,
): { test: TestCase; record: TestRecord }[] {
  return modules.flatMap((module) => {
    const file = relative(root, module.moduleId).split(sep).join('/')
    return Array.from(module.children.allTests(), (test) => ({ test, record: recordOf(test, file) }))
  })
}

/** Failures that belong to no test: errors of files and suites, and errors that nobody caught. */
export function countFailuresOutside(modules: readonly TestModule[], uncaught: readonly unknown[]): number {
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()])
  return suites.reduce((sum, suite) => sum + suite.errors().length, 0) + uncaught.length
}

function recordOf(test: TestCase, file: string): TestRecord {
  const result = test.result()
  const diagnostic = test.diagnostic()
  const path = [test.name]
  for (let parent = test.parent; parent.type === 'suite'; parent = parent.parent) path.unshift(parent.name)
  return {
    project: test.project.name,
    file,
    path,
    ...(test.location ? { location: { line: test.location.line, column: test.location.column } } : {}),
    state: result.state,
    duration: diagnostic?.duration ?? 0,
    retries: diagnostic?.retryCount ?? 0,
    ...(test.options.fails ? { expectedToFail: true as const } : {}),
    errors: (result.errors ?? []).map(reportedError),
    artifacts: test.artifacts(),
  }
}

function reportedError(error: { name?: string; message?: string }): ReportedError {
  const { code } = error as { code?: unknown }
  const ours = typeof code === 'string' && code.startsWith('PERF_')
  return { name: error.name ?? 'Error', message: error.message ?? '', ...(ours ? { code } : {}) }
}
