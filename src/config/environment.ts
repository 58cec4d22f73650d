import type { OptionIssue } from '../errors.ts'
import { optionIssue } from '../option-issues.ts'

/** The environment variables that this package reads; each wins over the option of the same meaning. */
export const ENVIRONMENT = {
  serverUrl: 'VITEST_PERF_SERVER_URL',
  healthTimeout: 'VITEST_PERF_HEALTH_TIMEOUT',
  loadDuration: 'VITEST_PERF_LOAD_DURATION',
  testTimeout: 'VITEST_PERF_TIMEOUT',
} as const

const MILLISECONDS = [ENVIRONMENT.healthTimeout, ENVIRONMENT.loadDuration, ENVIRONMENT.testTimeout]

/** A variable in milliseconds; `undefined` where it is unset or empty. */
export function readMilliseconds(name: string, environment: NodeJS.ProcessEnv): number | undefined {
  const text = environment[name]
  return text === undefined || text === '' ? undefined : Number(text)
}

/** Every mistake in our environment variables. */
export function findEnvironmentIssues(environment: NodeJS.ProcessEnv): OptionIssue[] {
  const issues: OptionIssue[] = []
  for (const name of MILLISECONDS) {
    const value = readMilliseconds(name, environment)
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) {
      issues.push(optionIssue(name, 'a positive number of milliseconds', environment[name]))
    }
  }
  const url = environment[ENVIRONMENT.serverUrl]
  if (url && !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
    issues.push(optionIssue(ENVIRONMENT.serverUrl, "an absolute http(s) URL, such as 'http://127.0.0.1:3000'", url))
  }
  return issues
}
