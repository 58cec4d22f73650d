import { optionIssue, rejectIssues } from '../option-issues.ts'
import { chooseBaseUrl, findBaseUrlProblem } from '../server-url.ts'
import { readSettings } from '../settings.ts'

/** Where `resolveServerUrl` looks after its argument. */
export interface ServerUrlContext {
  /** URL of the test's `server`. */
  server?: string | undefined
  env?: NodeJS.ProcessEnv
}

/**
 * Decides a URL: the argument, `VITEST_PERF_SERVER_URL`, the test's `server`, then `http://127.0.0.1:3000`. No trailing
 * slash, no query.
 *
 * @throws {PerfOptionsError} for a malformed URL.
 */
export function resolveServerUrl(url?: string, context: ServerUrlContext = {}): string {
  const expected = url === undefined ? undefined : findBaseUrlProblem(url)
  if (expected !== undefined) rejectIssues('server URL', [optionIssue('url', expected, url)])
  const { serverUrl: setting } = url === undefined ? readSettings(context.env) : {}
  return chooseBaseUrl({ url, setting, server: context.server })
}
