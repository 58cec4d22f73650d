import { test as base, type TestAPI } from 'vitest'
import type { CompareOptions } from '../compare/compare-options.ts'
import type { LoadOptions } from '../load/plan/load-options.ts'
import type { Comparison } from '../results/comparison.ts'
import type { MemoryConfig } from '../memory/memory-options.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import type { LoadGenerator } from '../load/spec/load-generator.ts'
import type { MemoryMonitor } from '../memory/monitor.ts'
import { takingValues } from './option-fixtures.ts'
import { SharedServers } from './shared-servers.ts'
import { attemptOf, type AttemptContext } from './test-attempt.ts'

/** What a spec's tests can ask for by naming it. All are lazy: a test that does not name one pays nothing. */
export interface PerfFixtures {
  /** Options of `server`, from `perf({ server })`; replace them with `test.override('serverOptions', …)`. */
  serverOptions: ServerOptions
  /** Defaults of `generateLoad`, from `perf({ load })`. */
  loadOptions: Partial<LoadOptions>
  /** Defaults of memory watches, from `perf({ memory })`. */
  memoryOptions: Partial<MemoryConfig>
  /** Defaults of `compareServers`, from `perf({ compare })`. */
  compareOptions: Partial<CompareOptions>
  /** A real server: started, healthy, and gone with the test. */
  server: PerfServer
  /** Starts further servers; all are stopped with the test. */
  startServer: (options: ServerOptions) => Promise<PerfServer>
  /** Drives a server and measures it; ends with the test. */
  loadGenerator: LoadGenerator
  /** Watches the memory of the test's server (or of this process); ends with the test. */
  memoryMonitor: MemoryMonitor
  /**
   * Compares a base with a head, such as the main branch with the working tree: fresh pairs of both, asked in short turns,
   * until it is clear whether head is slower. See `toRegress`.
   */
  compareServers: (options?: CompareOptions) => Promise<Comparison>
}

type Use<Value> = (value: Value) => Promise<void>
/** What a fixture of ours can ask for; Vitest reads the destructuring of each to know what it depends on. */
type Context = PerfFixtures & AttemptContext & { $fileServers: SharedServers; $workerServers: SharedServers }

// Imported when a test names a fixture: a spec that uses none must not pay for them.
const servers = () => import('./test-servers.ts')
const measurements = () => import('./measurement-fixtures.ts')

const FIXTURES = {
  serverOptions: [{}, { injected: true }],
  loadOptions: [{}, { injected: true }],
  memoryOptions: [{}, { injected: true }],
  compareOptions: [{}, { injected: true }],
  // The empty pattern is Vitest's own grammar for "depends on nothing".
  // oxlint-disable-next-line no-empty-pattern
  $fileServers: [({}, use: Use<SharedServers>) => SharedServers.provide('file', use), { scope: 'file' }],
  // oxlint-disable-next-line no-empty-pattern
  $workerServers: [({}, use: Use<SharedServers>) => SharedServers.provide('worker', use), { scope: 'worker' }],
  // Before `server`: Vitest sets fixtures up in this order, and the load process starts for free while a server boots.
  async loadGenerator(
    { loadOptions, serverOptions, $fileServers, $workerServers, task, signal, onTestFinished, annotate }: Context,
    use: Use<LoadGenerator>,
  ) {
    const attempt = attemptOf({ task, signal, onTestFinished, annotate })
    const shared = { file: $fileServers, worker: $workerServers }
    let starting: Promise<void> | undefined
    attempt.startOwnServer = () =>
      (starting ??= servers().then(({ startOwnServer }) => startOwnServer(attempt, serverOptions, shared)))
    await use((await measurements()).createGenerator(attempt, loadOptions))
  },
  async server(
    { serverOptions, $fileServers, $workerServers, task, signal, onTestFinished, annotate }: Context,
    use: Use<PerfServer>,
  ) {
    const attempt = attemptOf({ task, signal, onTestFinished, annotate })
    const { provideServer } = await servers()
    await provideServer(attempt, serverOptions, { file: $fileServers, worker: $workerServers }, use)
  },
  async startServer(
    { $fileServers, task, signal, onTestFinished, annotate }: Context,
    use: Use<PerfFixtures['startServer']>,
  ) {
    const attempt = attemptOf({ task, signal, onTestFinished, annotate })
    await (await servers()).provideStartServer(attempt, $fileServers, use)
  },
  async memoryMonitor({ memoryOptions, task, signal, onTestFinished, annotate }: Context, use: Use<MemoryMonitor>) {
    const attempt = attemptOf({ task, signal, onTestFinished, annotate })
    await use((await measurements()).createMonitor(attempt, memoryOptions))
  },
  async compareServers(
    { serverOptions, loadOptions, compareOptions, task, signal, onTestFinished, annotate }: Context,
    use: Use<PerfFixtures['compareServers']>,
  ) {
    const attempt = attemptOf({ task, signal, onTestFinished, annotate })
    const { createCompareServers } = await import('./compare-fixture.ts')
    await use(createCompareServers(attempt, { server: serverOptions, load: loadOptions, compare: compareOptions }))
  },
}

/** `test` of Vitest with the fixtures of this package. */
function createTest(): TestAPI<PerfFixtures> {
  // Vitest infers the types of fixtures from one literal; ours are stated in `PerfFixtures`, the same for both majors.
  return takingValues(base.extend(FIXTURES as object) as unknown as TestAPI<PerfFixtures>)
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
