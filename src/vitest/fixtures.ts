import { test as base, type TestAPI } from 'vitest'
import type { LoadOptions } from '../load/load-options.ts'
import type { MemoryConfig } from '../memory/memory-options.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { LoadGenerator } from '../load/generator.ts'
import { MemoryMonitor } from '../memory/monitor.ts'
import { observeLoads, observeMemory } from './measurement-observers.ts'
import { memoryTargetOf } from './instrumented-server.ts'
import { SharedServers } from './shared-servers.ts'
import { provideServer, startTestServer } from './test-servers.ts'
import { attemptOf, type AttemptContext, type TestAttempt } from './test-attempt.ts'

/** What a spec's tests can ask for by naming it. All are lazy: a test that does not name one pays nothing. */
export interface PerfFixtures {
  /** Options of `server`, from `perf({ server })`; replace them with `test.override('serverOptions', …)`. */
  serverOptions: ServerOptions
  /** Defaults of `generateLoad`, from `perf({ load })`. */
  loadOptions: Partial<LoadOptions>
  /** Defaults of memory watches, from `perf({ memory })`. */
  memoryOptions: Partial<MemoryConfig>
  /** A real server: started, healthy, and gone with the test. */
  server: PerfServer
  /** Starts further servers; all are stopped with the test. */
  startServer: (options: ServerOptions) => Promise<PerfServer>
  /** Drives a server and measures it; ends with the test. */
  loadGenerator: LoadGenerator
  /** Watches the memory of the test's server (or of this process); ends with the test. */
  memoryMonitor: MemoryMonitor
}

type Use<Value> = (value: Value) => Promise<void>
/** What a fixture of ours can ask for; Vitest reads the destructuring of each to know what it depends on. */
type Context = PerfFixtures & AttemptContext & { $fileServers: SharedServers; $workerServers: SharedServers }

/** The generator of an attempt, which its memory monitor asks for the requests completed. */
const generators = new WeakMap<TestAttempt, LoadGenerator>()

function createGenerator(attempt: TestAttempt, defaults: Partial<LoadOptions>): LoadGenerator {
  const generator = new LoadGenerator({
    lifetime: attempt,
    server: () => attempt.server,
    defaults,
    observe: observeLoads(attempt),
  })
  generators.set(attempt, generator)
  return generator
}

function createMonitor(attempt: TestAttempt, defaults: Partial<MemoryConfig>): MemoryMonitor {
  return new MemoryMonitor({
    lifetime: attempt,
    server: () => attempt.server && memoryTargetOf(attempt.server),
    targetOf: (server) => memoryTargetOf(server as PerfServer),
    defaults,
    requestsCompleted: () => generators.get(attempt)?.requestsCompleted() ?? 0,
    onCollection: (pause) => generators.get(attempt)?.noteCollection(pause),
    observe: observeMemory(attempt),
  })
}

const FIXTURES = {
  serverOptions: [{}, { injected: true }],
  loadOptions: [{}, { injected: true }],
  memoryOptions: [{}, { injected: true }],
  // The empty pattern is Vitest's own grammar for "depends on nothing".
  // oxlint-disable-next-line no-empty-pattern
  $fileServers: [({}, use: Use<SharedServers>) => SharedServers.provide('file', use), { scope: 'file' }],
  // oxlint-disable-next-line no-empty-pattern
  $workerServers: [({}, use: Use<SharedServers>) => SharedServers.provide('worker', use), { scope: 'worker' }],
  async server(
    { serverOptions, $fileServers, $workerServers, task, signal, onTestFinished, annotate }: Context,
    use: Use<PerfServer>,
  ) {
    const attempt = attemptOf({ task, signal, onTestFinished, annotate })
    await provideServer(attempt, serverOptions, { file: $fileServers, worker: $workerServers }, use)
  },
  async startServer({ task, signal, onTestFinished, annotate }: Context, use: Use<PerfFixtures['startServer']>) {
    const attempt = attemptOf({ task, signal, onTestFinished, annotate })
    await use((options) => startTestServer(attempt, options))
  },
  async loadGenerator({ loadOptions, task, signal, onTestFinished, annotate }: Context, use: Use<LoadGenerator>) {
    await use(createGenerator(attemptOf({ task, signal, onTestFinished, annotate }), loadOptions))
  },
  async memoryMonitor({ memoryOptions, task, signal, onTestFinished, annotate }: Context, use: Use<MemoryMonitor>) {
    await use(createMonitor(attemptOf({ task, signal, onTestFinished, annotate }), memoryOptions))
  },
}

/** `test` of Vitest with the fixtures of this package. */
export function createTest(): TestAPI<PerfFixtures> {
  // Vitest infers the types of fixtures from one literal; ours are stated in `PerfFixtures`, the same for both majors.
  return base.extend(FIXTURES as object) as unknown as TestAPI<PerfFixtures>
}

/** `test` with the fixtures of this package, as `PerfFixtures` names them. */
export let test: TestAPI<PerfFixtures> = createTest()

/**
 * A new `test` for a new file. Where files share a worker (`isolate: false`) they share this module too, and
 * `test.override` of one file must not reach the next.
 */
export function renewTest(): TestAPI<PerfFixtures> {
  test = createTest()
  return test
}
