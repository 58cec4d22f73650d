import type { ServerFailure } from '../errors.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import type { SharedServers } from './shared-servers.ts'
import type { TestAttempt } from './test-attempt.ts'
import { warmLoadProcess } from '../load/load-process.ts'
import { observeServer } from './measurement-observers.ts'
import { startInstrumentedServer } from './instrumented-server.ts'

/** Starts a server that lives as long as the attempt, and fails it when the server dies by itself. */
export async function startTestServer(attempt: TestAttempt, options: ServerOptions): Promise<PerfServer> {
  const server = await startInstrumentedServer(options, { lifetime: attempt, observe: observeServer(attempt, options) })
  attempt.onClose(() => server.stop())
  return server
}

/** Starts a server that outlives the attempt that happens to be the first to ask for it. */
function startSharedServer(attempt: TestAttempt, options: ServerOptions): Promise<PerfServer> {
  return startInstrumentedServer(options, { observe: observeServer(attempt, options) })
}

/** The `server` fixture: set-up, use, and a tear-down that fails the test when the server had died under it. */
export async function provideServer(
  attempt: TestAttempt,
  options: ServerOptions,
  shared: { file: SharedServers; worker: SharedServers },
  use: (server: PerfServer) => Promise<void>,
): Promise<void> {
  const scope = options.scope ?? 'test'
  void warmLoadProcess()
  const server = await start()
  attempt.server = server
  await use(server)
  if (scope === 'test') await server.stop()
  failOnCrash(attempt, server)

  function start(): Promise<PerfServer> {
    if (scope === 'test') return startTestServer(attempt, options)
    return shared[scope].get(options, (resolved) => startSharedServer(attempt, resolved))
  }
}
