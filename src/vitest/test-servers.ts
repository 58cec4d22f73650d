import { inLifetime, type Lifetime } from '../lifecycle/attempt.ts'
import { atLocation } from '../lifecycle/call-site.ts'
import { readClock } from '../lifecycle/real-timers.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import type { StartMemory } from '../server/start-memory.ts'
import { StartedServer } from '../server/started-server.ts'
import { followCalls, stopOf } from './followed-server.ts'
import { failedFixture, mayRunAgain } from './failed-fixture.ts'
import { startInstrumentedServer } from './instrumented-server.ts'
import { observeServer } from './measurement-observers.ts'
import { SharedUse } from './shared-use.ts'
import type { SharedServers } from './shared-servers.ts'
import { unsharedServer } from './suite-hooks.ts'
import { TestAttempt } from './test-attempt.ts'

interface ScopedServers {
  file: SharedServers
  worker: SharedServers
}

/** Starts a server that lives as long as the attempt. One that has died under the test fails it. */
export async function startTestServer(
  attempt: TestAttempt,
  options: ServerOptions,
  memory?: StartMemory,
): Promise<PerfServer> {
  const context = { lifetime: attempt, observe: observeServer(attempt), memory }
  const server = await startInstrumentedServer(options, context)
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
  { memory }: SharedServers,
  use: (start: (options: ServerOptions) => Promise<PerfServer>) => Promise<void>,
): Promise<void> {
  const started: PerfServer[] = []
  const start = async (options: ServerOptions) => {
    const server = await startTestServer(attempt, options, memory)
    started.push(server)
    return server
  }
  await use((options) => inLifetime(attempt, { name: 'startServer()' }, start(options)))
  if (started.every((server) => !server.failure)) await attempt.profiler?.explainFailures()
}

const uses = new WeakMap<PerfServer, SharedUse>()

async function startScopedServer(
  attempt: TestAttempt,
  options: ServerOptions,
  shared: ScopedServers,
): Promise<PerfServer> {
  const { scope = 'test' } = options
  if (scope === 'test') return startTestServer(attempt, options, shared.file.memory)
  const server = await shared[scope].get(options, (own, end) =>
    startSharedServer(own, { end, user: attempt, memory: shared.file.memory }),
  )
  uses.get(server)?.begin(attempt)
  attempt.servers.push(server)
  attempt.onClose(async () => {
    if (server instanceof StartedServer) await server.notice()
    if (server.failure) throwOnce(attempt, server.failure)
  })
  followCalls(attempt, server)
  return server
}

/** A shared server in a hook of the suite, before there is a test to speak of. */
export async function serverOfSuite(
  options: ServerOptions,
  shared: ScopedServers,
  timeout: number,
): Promise<PerfServer> {
  const { scope } = options
  if (scope !== 'file' && scope !== 'worker') throw unsharedServer(scope)
  const user = { deadline: readClock() + timeout, timeout }
  return shared[scope].get(options, (own, end) => startSharedServer(own, { end, user, memory: shared.file.memory }))
}

interface SharedStart {
  readonly end: AbortSignal
  /** Who asked first: only the start keeps to that one's time. */
  readonly user: TestAttempt | { readonly deadline: number; readonly timeout: number }
  readonly memory: StartMemory
}

/** It outlives the test that asks first. */
async function startSharedServer(options: ServerOptions, { end, user, memory }: SharedStart): Promise<PerfServer> {
  let starting = true
  const lifetime: Lifetime = {
    signal: end,
    timeout: user.timeout,
    get deadline() {
      return starting ? user.deadline : Infinity
    },
  }
  const use = new SharedUse()
  if (user instanceof TestAttempt) use.begin(user)
  try {
    const server = await startInstrumentedServer(options, { lifetime, observe: (event) => use.tell(event), memory })
    uses.set(server, use)
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
    if (!mayRunAgain(attempt.task)) throw error
    attempt.setServer({ kind: 'failed', error, isStandIn: true })
    // Not from the tear-down of the fixture: Vitest 4 then keeps this attempt's fixtures for the retry.
    attempt.onClose(async () => throwOnce(attempt, error))
    return use(failedFixture<PerfServer>(error))
  }
  attempt.setServer({ kind: 'started', server })
  await use(server)
  if (!server.failure) await attempt.profiler?.explainFailures()
}

/**
 * Starts the server of a test that does not name it; does nothing where none is configured. What stands on a server that could not be
 * started gets the error of that start.
 */
export async function startOwnServer(
  attempt: TestAttempt,
  options: ServerOptions,
  shared: ScopedServers,
): Promise<void> {
  const isConfigured = [options.command, options.module, options.url].some((source) => source !== undefined)
  if (!isConfigured) return
  try {
    attempt.setServer({ kind: 'started', server: await startScopedServer(attempt, options, shared) })
  } catch (error) {
    attempt.setServer({ kind: 'failed', error, isStandIn: false })
    throw error
  }
}

/** Fails the test, unless its body has failed with that error already, or with one that tells it (a load's). */
function throwOnce(attempt: TestAttempt, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  if (attempt.task.result?.errors?.some((known) => known.message.includes(message))) return
  atLocation(error, attempt.task.file.filepath, attempt.task.location)
  throw error
}
