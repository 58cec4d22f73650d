import { TestRunner } from 'vitest'
import { resolveServerUrl as resolve } from '../server/url.ts'
import { runningAttempt } from './test-attempt.ts'

/** The URL of the `server` of the test that runs now; concurrent tests should name their `server.url` instead. */
function currentServerUrl(): string | undefined {
  return runningAttempt(TestRunner.getCurrentTest())?.server?.url
}

/**
 * The one place that decides a URL: the argument, `VITEST_PERF_SERVER_URL`, the `server` of the test that runs, then
 * `http://127.0.0.1:3000`. No trailing slash, IPv6 in brackets.
 *
 * @throws {PerfOptionsError} for a URL that is none.
 */
export function resolveServerUrl(url?: string): string {
  return resolve(url, { server: currentServerUrl() })
}
