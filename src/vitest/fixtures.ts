import { test as base, type TestContext } from 'vitest'
import type { LoadOptions } from '../load/load-options.ts'
import type { MemoryConfig } from '../memory/memory-options.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { LoadGenerator } from '../load/generator.ts'
import { MemoryMonitor } from '../memory/monitor.ts'
import { observeLoads, observeMemory } from './measurement-observers.ts'
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
type Context = AttemptContext & Pick<TestContext, 'skip'>

function createGenerator(attempt: TestAttempt, defaults: Partial<LoadOptions>): LoadGenerator {
  return new LoadGenerator({
    lifetime: attempt,
    server: () => attempt.server,
    defaults,
    observe: observeLoads(attempt),
  })
}

/** The one generator of an attempt, which the memory monitor asks for the requests completed. */
const generators = new WeakMap<TestAttempt, LoadGenerator>()

function createMonitor(attempt: TestAttempt, defaults: Partial<MemoryConfig>): MemoryMonitor {
  return new MemoryMonitor({
    lifetime: attempt,
    server: () => attempt.server,
    defaults,
    requestsCompleted: () => generators.get(attempt)?.requestsCompleted() ?? 0,
    onCollection: (pause) => generators.get(attempt)?.noteCollection(pause),
    observe: observeMemory(attempt),
  })
}

/** `test` of Vitest with the fixtures of this package. */
export function createTest() {
  return base
    .extend<{ serverOptions: ServerOptions; loadOptions: Partial<LoadOptions>; memoryOptions: Partial<MemoryConfig> }>({
      serverOptions: [{}, { injected: true }],
      loadOptions: [{}, { injected: true }],
      memoryOptions: [{}, { injected: true }],
    })
    .extend<{ $fileServers: SharedServers; $workerServers: SharedServers }>({
      // The object pattern is Vitest's own grammar for "depends on nothing".
      // oxlint-disable-next-line no-empty-pattern
      $fileServers: [async ({}, use: Use<SharedServers>) => SharedServers.provide('file', use), { scope: 'file' }],
      // oxlint-disable-next-line no-empty-pattern
      $workerServers: [
        async ({}, use: Use<SharedServers>) => SharedServers.provide('worker', use),
        { scope: 'worker' },
      ],
    })
    .extend<Omit<PerfFixtures, 'serverOptions' | 'loadOptions' | 'memoryOptions'>>({
      server: async ({ serverOptions, $fileServers, $workerServers, task, signal, onTestFinished, annotate }, use) => {
        const attempt = attemptOf({ task, signal, onTestFinished, annotate })
        await provideServer(attempt, serverOptions, { file: $fileServers, worker: $workerServers }, use)
      },
      startServer: async ({ task, signal, onTestFinished, annotate }, use) => {
        const attempt = attemptOf({ task, signal, onTestFinished, annotate })
        await use((options) => startTestServer(attempt, options))
      },
      loadGenerator: async ({ loadOptions, task, signal, onTestFinished, annotate }, use) => {
        const attempt = attemptOf({ task, signal, onTestFinished, annotate })
        const generator = createGenerator(attempt, loadOptions)
        generators.set(attempt, generator)
        attempt.onClose(async () => generator.close())
        await use(generator)
      },
      memoryMonitor: async ({ memoryOptions, task, signal, onTestFinished, annotate }, use) => {
        const attempt = attemptOf({ task, signal, onTestFinished, annotate })
        const monitor = createMonitor(attempt, memoryOptions)
        attempt.onClose(async () => monitor.close())
        await use(monitor)
      },
    })
}

/** `test` with the fixtures of this package, as `PerfFixtures` names them. */
export let test: ReturnType<typeof createTest> = createTest()

/**
 * A new `test` for a new file. Where files share a worker (`isolate: false`) they share this module too, and
 * `test.override` of one file must not reach the next.
 */
export function renewTest(): ReturnType<typeof createTest> {
  test = createTest()
  return test
}

export type { Context }
