import { relative, sep } from 'node:path'
import type { TestCase, TestModule } from 'vitest/node'
import type { TestRecord } from './summary.ts'

/** What Vitest knows of its tests, in the report's own words. */
export function collectTestRecords(modules: readonly TestModule[], root: string): TestRecord[] {
  return modules.flatMap((module) => {
    const file = relative(root, module.moduleId).split(sep).join('/')
    return Array.from(module.children.allTests(), (test) => recordOf(test, file))
  })
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
    errors: (result.errors ?? []).map((error) => ({ name: error.name ?? 'Error', message: error.message ?? '' })),
    artifacts: test.artifacts(),
  }
}
