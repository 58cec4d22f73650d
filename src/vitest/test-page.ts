import { relative, sep } from 'node:path'
import process from 'node:process'
import { inject, type TestContext } from 'vitest'
import { readWallClock } from '../lifecycle/real-timers.ts'

/** How a test ended, as far as it is known when its attempt ends. */
export interface TestEnd {
  /** Milliseconds since the attempt began. */
  duration: number
  /** Errors of ours that Vitest will hear of only after this. */
  errors: readonly unknown[]
}

/**
 * The report's page of one test, for Vitest's UI, its HTML report and editors, which show what is attached to a test. It is rendered in the
 * worker, since an annotation is written there. `undefined` where nobody would see it: see `showsAttachments`.
 */
export async function testPage(task: TestContext['task'], end: TestEnd): Promise<string | undefined> {
  const viewed = inject('perfPages')
  if (!viewed) return undefined
  // What renders reports is loaded by those who look at pages.
  const { renderTestPage } = await import('../report/test-page.ts')
  const path = [task.name]
  for (let { suite } = task; suite; suite = suite.suite) path.unshift(suite.name)
  const errors = [...(task.result?.errors ?? []), ...end.errors].map(reportedError)
  const record = {
    project: task.file.projectName ?? '',
    file: relative(viewed.root, task.file.filepath).split(sep).join('/'),
    path,
    ...(task.location && { location: task.location }),
    state: hasFailed(task, end) ? ('failed' as const) : ('passed' as const),
    duration: end.duration,
    retries: task.result?.retryCount ?? 0,
    ...(task.fails && { expectedToFail: true as const }),
    errors,
    artifacts: task.artifacts,
  }
  return renderTestPage(record, { ...viewed, reportedAt: readWallClock(), env: process.env })
}

/** Vitest turns the state of a `test.fails` round only after the attempt has ended. */
function hasFailed({ result, fails }: TestContext['task'], { errors }: TestEnd): boolean {
  const failed = result?.state === 'fail' || errors.length > 0
  return failed !== (fails === true)
}

function reportedError(error: unknown): { name: string; message: string; code?: string } {
  const { name = 'Error', message = String(error), code } = (error ?? {}) as Partial<Error> & { code?: unknown }
  return { name, message, ...(typeof code === 'string' && code.startsWith('PERF_') ? { code } : {}) }
}
