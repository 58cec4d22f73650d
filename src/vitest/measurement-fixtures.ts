import { LoadGenerator } from '../load/spec/load-generator.ts'
import type { LoadOptions } from '../load/plan/load-options.ts'
import { warmLoadProcess } from '../load/spec/shared-load-processes.ts'
import type { MemoryConfig } from '../memory/memory-options.ts'
import { knownTarget } from '../memory/memory-target.ts'
import { MemoryMonitor } from '../memory/monitor.ts'
import { LoadProfiler } from './load-profiler.ts'
import { observeLoads, observeMemory } from './measurement-observers.ts'
import { watchRunner } from './runner-records.ts'
import type { TestAttempt } from './test-attempt.ts'

/** The generator of an attempt, which its memory monitor asks for the requests completed. */
const generators = new WeakMap<TestAttempt, LoadGenerator>()

/** The `loadGenerator` fixture. The load process starts at once, which costs nothing while a server boots. */
export function createGenerator(attempt: TestAttempt, defaults: Partial<LoadOptions>): LoadGenerator {
  warmLoadProcess()
  const profiler = new LoadProfiler(attempt, defaults, () => generator.requestsCompleted())
  attempt.profiler = profiler
  const generator: LoadGenerator = new LoadGenerator({
    lifetime: attempt,
    server: () => attempt.server,
    startServer: () => attempt.startOwnServer?.(),
    servers: () => attempt.servers,
    defaults,
    observe: observeLoads(attempt),
    around: (options, run) => profiler.around(options, run),
  })
  generators.set(attempt, generator)
  return generator
}

/** The `memoryMonitor` fixture. */
export function createMonitor(attempt: TestAttempt, defaults: Partial<MemoryConfig>): MemoryMonitor {
  return new MemoryMonitor({
    lifetime: attempt,
    server: () => attempt.server && knownTarget(attempt.server),
    defaults,
    requestsCompleted: () => generators.get(attempt)?.requestsCompleted() ?? 0,
    onCollection: (pause) => generators.get(attempt)?.noteCollection(pause),
    observe: observeMemory(attempt),
    watchRecords: watchRunner(attempt.task),
  })
}
