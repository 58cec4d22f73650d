import { TestRunner } from 'vitest'
import { optionIssue, rejectIssues } from '../option-issues.ts'
import { resolveServerUrl as resolve } from '../server/url.ts'
import { isSameServer } from '../server-url.ts'
import { readSettings } from '../settings.ts'
import type { TlsOptions } from '../tls.ts'
import { attemptsOverlap, runningAttempt } from './test-attempt.ts'

/** The URL of the `server` of the running test. If several tests run at once, it is not known which one asks. */
function currentServerUrl(): string | undefined {
  if (attemptsOverlap()) {
    const expected = 'given where tests run concurrently: `server.url` of the test that asks'
    rejectIssues('server URL', [optionIssue('url', expected, undefined)])
  }
  return runningAttempt(TestRunner.getCurrentTest())?.server?.url
}

/** How the certificate of a URL is checked, where it is that of a server of the test that runs. */
export function currentTls(url: string): TlsOptions | undefined {
  const servers = runningAttempt(TestRunner.getCurrentTest())?.servers ?? []
  return servers.find((server) => isSameServer(server.url, url))?.tls
}

/**
 * The one place that decides a URL: the argument, `VITEST_PERF_SERVER_URL`, the `server` of the test that runs, then
 * `http://127.0.0.1:3000`. No trailing slash, IPv6 in brackets.
 *
 * @throws {PerfOptionsError} for a malformed URL, and without a URL if tests run concurrently.
 */
export function resolveServerUrl(url?: string): string {
  const known = url !== undefined || readSettings().serverUrl !== undefined
  return resolve(url, known ? {} : { server: currentServerUrl() })
}
