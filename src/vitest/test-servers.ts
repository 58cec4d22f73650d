import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { failedFixture, retriesLeft } from './failed-fixture.ts'
import { startInstrumentedServer } from './instrumented-server.ts'
import { observeServer } from './measurement-observers.ts'
import type { SharedServers } from './shared-servers.ts'
import type { TestAttempt } from './test-attempt.ts'

interface ScopedServers {
  file: SharedServers
  worker: SharedServers
}

/** Starts a server that lives as long as the attempt. */
export async function startTestServer(attempt: TestAttempt, options: ServerOptions): Promise<PerfServer> {
  const server = await startInstrumentedServer(options, { lifetime: attempt, observe: observeServer(attempt) })
  attempt.onClose(() => server.stop())
  return server
}

function startScopedServer(attempt: TestAttempt, options: ServerOptions, shared: ScopedServers): Promise<PerfServer> {
  const { scope = 'test' } = options
  if (scope === 'test') return startTestServer(attempt, options)
  // It outlives the attempt that happens to be the first to ask.
  return shared[scope].get(options, (own) => startInstrumentedServer(own, { observe: observeServer(attempt) }))
}

/** The `server` fixture: set-up, use, and a tear-down that fails the test when the server has died under it. */
export async function provideServer(
  attempt: TestAttempt,
  options: ServerOptions,
  shared: ScopedServers,
  use: (server: PerfServer) => Promise<void>,
): Promise<void> {
  let server: PerfServer
  try {
    server = await startScopedServer(attempt, options, shared)
  } catch (error) {
    if (retriesLeft(attempt.task) <= 0) throw error
    await use(failedFixture<PerfServer>(error))
    return throwOnce(attempt, error)
  }
  attempt.server = server
  await use(server)
  if ((options.scope ?? 'test') === 'test') await server.stop()
  if (server.failure) throwOnce(attempt, server.failure)
}

/** Fails the test, unless its body has failed with that error already, or with one that tells it (a load's). */
function throwOnce(attempt: TestAttempt, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  if (attempt.task.result?.errors?.some((known) => known.message.includes(message))) return
  throw error
}
