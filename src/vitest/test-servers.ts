import { inLifetime, type Lifetime } from '../lifecycle/attempt.ts'
import { atLocation } from '../lifecycle/call-site.ts'
import type { PerfServer, ServerEvent } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { StartedServer } from '../server/started-server.ts'
import { followCalls, stopOf } from './followed-server.ts'
import { failedFixture, retriesLeft } from './failed-fixture.ts'
import { startInstrumentedServer } from './instrumented-server.ts'
import { observeServer } from './measurement-observers.ts'
import type { SharedServers } from './shared-servers.ts'
import type { TestAttempt } from './test-attempt.ts'

interface ScopedServers {
  file: SharedServers
  worker: SharedServers
}

/** Starts a server that lives as long as the attempt. One that has died under the test fails it. */
export async function startTestServer(attempt: TestAttempt, options: ServerOptions): Promise<PerfServer> {
  const server = await startInstrumentedServer(options, { lifetime: attempt, observe: observeServer(attempt) })
  attempt.servers.push(server)
  attempt.onClose(async () => {
    await stopOf(server)
    if (server.failure) throwOnce(attempt, server.failure)
  })
  followCalls(attempt, server)
  return server
}

/** The `startServer` fixture. Its servers are there until the test's last `onTestFinished`. */
export async function provideStartServer(
  attempt: TestAttempt,
  use: (start: (options: ServerOptions) => Promise<PerfServer>) => Promise<void>,
): Promise<void> {
  const started: PerfServer[] = []
  const start = async (options: ServerOptions) => {
    const server = await startTestServer(attempt, options)
    started.push(server)
    return server
  }
  await use((options) => inLifetime(attempt, { name: 'startServer()' }, start(options)))
  if (started.every((server) => !server.failure)) await attempt.profiler?.explainFailures()
}

/** The attempt that used a shared server last: its end is a matter of that one, not of the first that asked. */
const lastUsers = new WeakMap<PerfServer, { attempt: TestAttempt }>()

async function startScopedServer(
  attempt: TestAttempt,
  options: ServerOptions,
  shared: ScopedServers,
): Promise<PerfServer> {
  const { scope = 'test' } = options
  if (scope === 'test') return startTestServer(attempt, options)
  const server = await shared[scope].get(options, (own, end) => startSharedServer(attempt, own, end))
  const user = lastUsers.get(server)
  if (user) user.attempt = attempt
  attempt.servers.push(server)
  attempt.onClose(async () => {
    if (server instanceof StartedServer) await server.notice()
    if (server.failure) throwOnce(attempt, server.failure)
  })
  followCalls(attempt, server)
  return server
}

/** It outlives the attempt that happens to be the first to ask; only its first start keeps to that one's time-out. */
async function startSharedServer(attempt: TestAttempt, options: ServerOptions, end: AbortSignal): Promise<PerfServer> {
  let starting = true
  const lifetime: Lifetime = {
    signal: end,
    timeout: attempt.timeout,
    get deadline() {
      return starting ? attempt.deadline : Infinity
    },
  }
  const user = { attempt }
  const own = observeServer(attempt)
  const observe = (event: ServerEvent) =>
    event.event === 'exited' && user.attempt !== attempt ? observeServer(user.attempt)(event) : own(event)
  try {
    const server = await startInstrumentedServer(options, { lifetime, observe })
    lastUsers.set(server, user)
    return server
  } finally {
    starting = false
  }
}

/** The `server` fixture: it ends with the attempt, after all hooks of the test. */
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
    atLocation(error, attempt.task.file.filepath, attempt.task.location)
    if (retriesLeft(attempt.task) <= 0) throw error
    await use(failedFixture<PerfServer>(error))
    return throwOnce(attempt, error)
  }
  attempt.server = server
  await use(server)
  if (!server.failure) await attempt.profiler?.explainFailures()
}

/** Fails the test, unless its body has failed with that error already, or with one that tells it (a load's). */
function throwOnce(attempt: TestAttempt, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  if (attempt.task.result?.errors?.some((known) => known.message.includes(message))) return
  atLocation(error, attempt.task.file.filepath, attempt.task.location)
  throw error
}
