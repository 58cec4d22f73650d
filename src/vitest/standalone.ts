import { inLifetime } from '../lifecycle/attempt.ts'
import type { HealthCheckOptions, HealthCheckResult } from '../server/health.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { currentTls, resolveServerUrl } from './current-test.ts'
import { followStandaloneCalls } from './standalone-calls.ts'

import { inject } from 'vitest'

// What specs use without a fixture. Imported when it is called: a spec that does not must not pay for it.

followStandaloneCalls()

/**
 * Starts a server outside the fixtures, for `beforeAll` and the like: stop it with `stop()` or `await using`. It does not
 * outlive the worker either way. In a test, prefer the `startServer` fixture, whose servers end with the test.
 *
 * @throws {PerfOptionsError} for mistakes in the options, all at once, before anything is started.
 * @throws {PortInUseError} for a fixed port that somebody listens on.
 * @throws {ServerStartError} when it cannot be spawned, exits or is not healthy in time.
 */
export function startServer(options: ServerOptions): Promise<PerfServer> {
  return inLifetime(undefined, { name: 'startServer()' }, start(options))
}

async function start(options: ServerOptions): Promise<PerfServer> {
  const { startInstrumentedServer } = await import('./instrumented-server.ts')
  return startInstrumentedServer(options, {})
}

/**
 * Asks a server for its health: GET `path` (default `/health`), within `timeout` ms (default 5 000). Without a URL it
 * asks the one that `resolveServerUrl()` names. Never throws for an unhealthy server; the result says why.
 *
 * @throws {PerfOptionsError} for mistakes in the options.
 */
export function checkServerHealth(
  url?: string,
  options?: HealthCheckOptions | AbortSignal,
): Promise<HealthCheckResult> {
  return inLifetime(undefined, { name: 'checkServerHealth()' }, check(url, options))
}

async function check(url?: string, options?: HealthCheckOptions | AbortSignal): Promise<HealthCheckResult> {
  const health = await import('../server/health.ts')
  const target = resolveServerUrl(url)
  return health.checkServerHealth(target, options, currentTls(target))
}

/**
 * Reads a list of objects from a file: `.csv` (the first row names the columns; every value is text), `.json` (a list) or `.ndjson` (a value a
 * line). `path` is from Vitest's root, or a file URL.
 *
 * ```ts
 * const accounts = await readData<{ name: string; password: string }>('accounts.csv')
 * ```
 *
 * @throws {PerfError} that names file and line of what is malformed.
 */
export async function readData<Row = Record<string, string>>(path: string | URL): Promise<Row[]> {
  const { readDataFile } = await import('../load/data/read-data.ts')
  return (await readDataFile(path, inject('perfRoot') ?? process.cwd())) as Row[]
}
