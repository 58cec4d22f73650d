// What must and must not compile for a user. `npm test` compiles this file against both Vitest majors.
import perf, { perf as named } from 'vitest-plugin-perf/plugin'
import PerfReporter, { PerfReporter as NamedReporter } from 'vitest-plugin-perf/reporter'
import {
  checkServerHealth,
  describe,
  expect,
  it,
  LoadGenerator,
  MemoryMonitor,
  PerfAbortError,
  readData,
  resolveServerUrl,
  startServer,
  test,
  type HealthCheckResult,
  type LoadOptions,
  type LoadProgress,
  type LoadResult,
  type MemoryResult,
  type MemorySnapshot,
  type PerfServer,
  type ServerOptions,
} from 'vitest-plugin-perf'
import { defineConfig } from 'vitest/config'
import { expect as plainExpect } from 'vitest'

defineConfig({ plugins: [perf({ server: { command: 'node server.js' } }), named()] })
defineConfig({
  plugins: [perf({ load: { connections: 5 }, memory: { intervalMs: 50 }, report: { json: 'a.json', html: 'b.html' } })],
})
// @ts-expect-error an option that is none
perf({ server: { comand: 'node server.js' } })
perf({ server: { health: { timeout: '1m' }, shutdown: { timeout: '2s' } } })
// @ts-expect-error a signal cannot cross from the main process to a worker
perf({ load: { signal: new AbortController().signal } })

new PerfReporter()
new NamedReporter({ json: 'a.json' })

test('fixtures', async ({ server, startServer: start, loadGenerator, memoryMonitor, serverOptions, task }) => {
  const own: PerfServer = server
  const other: PerfServer = await start({ module: './app.js' })
  const generator: LoadGenerator = loadGenerator
  const monitor: MemoryMonitor = memoryMonitor
  const options: ServerOptions = serverOptions
  const result: LoadResult = await generator.generateLoad(
    { url: own.url, duration: 1_000 },
    (progress: LoadProgress) => {
      const now: number = progress.interval.latency.p99
      return void now
    },
  )
  const p99: number = result.latency.p99
  const refused: number | undefined = result.errors.byKind.refused?.count
  const p95: number | undefined = result.byName['GET /orders']?.latency.p95
  const failed: number | undefined = result.checks['GET /orders']?.failed
  await generator.generateLoad({
    url: own.url,
    stages: [{ duration: '10s', rate: 5 }],
    warmup: { duration: '1.5s' },
    timeout: '250ms',
  })
  // @ts-expect-error a duration as text has a unit
  await generator.generateLoad({ url: own.url, duration: '10' })
  await monitor.monitor('10s', { intervalMs: '50ms' })
  const watched = await monitor.during(() => generator.generateLoad({ url: '/', rate: 10 }))
  const value: LoadResult = watched.value
  const memory: MemoryResult = await monitor.monitor(1_000, { intervalMs: 100 })
  if (memory.kind === 'node') {
    const heap: number = memory.peak.heapUsed
    void heap
  }
  // @ts-expect-error a target that is not Node has rss alone, and its type says so
  void memory.peak.heapUsed
  const snapshot: MemorySnapshot = monitor.takeSnapshot()
  // @ts-expect-error there is no getCurrentUsage()
  monitor.getCurrentUsage()
  void [other, options, p99, p95, failed, refused, value, snapshot, task.timeout]
})

perf({ load: { thresholds: { 'latency.p99': '<50', 'byName["GET /"].requests': '>0' }, abortOnFail: true } })
// @ts-expect-error a figure of a memory watch
perf({ load: { thresholds: { 'peak.rss': '<50' } } })
// @ts-expect-error a figure that cannot exist
perf({ load: { thresholds: { rps: '>50' } } })
perf({
  load: {
    requests: [
      {
        name: 'a',
        check: { body: { json: { errors: undefined, 'data.id': 7 }, matches: /x/ }, headers: { etag: /^W/ } },
      },
      // @ts-expect-error a matcher that is none
      { check: { body: { equals: 'x' } } },
    ],
  },
})

test.override('serverOptions', { command: 'node other.js' })
// @ts-expect-error an option that is none
test.override('serverOptions', { comand: 'node other.js' })

describe('matchers', () => {
  it('are typed on both expects', async ({ server }) => {
    expect({}).toMeetThresholds({ 'latency.p99': ['>1', '<50'], errorRate: '<0.001' })
    plainExpect({}).not.toLeakMemory()
    await expect(server).toBeHealthy()
    expect({}).toMeetThresholds({
      'byName["GET /items/:id"].latency.p95': '<80',
      'byName["GET /items/:id"].errors.byKind.timeout.count': '==0',
      'byName["a"].statusCodes.503': '==0',
      'checks["has a price"].rate': '>=0.99',
      'iterations.failed': '==0',
      'iterations.duration.p95': '<= 1e3',
      'statusCodes.503': '==0',
      'errors.byKind.check.count': '<1',
      'samples[3].latency.max': '<50',
      'waits["GET inventory/:id"].perRequest': ['>=1', '<2'],
      'profile.waits["SELECT 1"].p99': '<5',
      'profile.isolates[0].cpu.gc': '<0.1',
      'peak.heapUsed': `<${512 * 1024 * 1024}`,
      'growth.interval[1]': '<1000',
      'gc.count': '>=0',
    })
    expect({}).toMeetThresholds({ rate: '>=500', 'interval[0]': '>400' })
    // @ts-expect-error a bound is written with its operator
    expect({}).toMeetThresholds({ 'latency.p99': 50 })
    // @ts-expect-error and as text it has one, too
    expect({}).toMeetThresholds({ 'latency.p99': '50' })
    // @ts-expect-error also in a list
    expect({}).toMeetThresholds({ 'latency.p99': ['>1', '50'] })
    // @ts-expect-error a bound has no unit
    expect({}).toMeetThresholds({ 'latency.p99': '<50ms' })
    // @ts-expect-error a figure that cannot exist
    expect({}).toMeetThresholds({ 'latency.p98': '<50' })
    // @ts-expect-error a figure that cannot exist
    expect({}).toMeetThresholds({ rps: '<50' })
    // @ts-expect-error a figure of a name that cannot exist
    expect({}).toMeetThresholds({ 'byName["a"].latency.p98': '<50' })
    // @ts-expect-error a name stands between brackets, in quotes
    expect({}).toMeetThresholds({ 'byName[a].latency.p95': '<50' })
    // @ts-expect-error what is not a number
    expect({}).toMeetThresholds({ title: '<50' })
    // @ts-expect-error what is not a number
    expect({}).toMeetThresholds({ latency: '<50' })
  })
})

export async function standalone(): Promise<HealthCheckResult> {
  await using server = await startServer({ command: 'node server.js' })
  const options: LoadOptions = { url: resolveServerUrl(server.url), amount: 10 }
  try {
    await new LoadGenerator().generateLoad(options)
  } catch (error) {
    if (error instanceof PerfAbortError) void error.partial
  }
  new MemoryMonitor().takeSnapshot()
  return checkServerHealth(server.url, { timeout: 1_000, path: '/health' })
}

test('scenarios', async ({ loadGenerator }) => {
  type Shop = typeof import('./shop.scenario.ts')
  const accounts = await readData<{ name: string; password: string }>('accounts.csv')
  const rows: Record<string, string>[] = await readData('rows.csv')
  const data = { accounts, currency: 'EUR' }
  await loadGenerator.generateLoad<Shop>({ scenario: './shop.scenario.ts', mix: { browse: 9, plain: 1 }, data })
  await loadGenerator.generateLoad<Shop>({ scenario: new URL('file:///shop.scenario.ts'), data, virtualUsers: 50 })
  await loadGenerator.generateLoad({ scenario: './shop.scenario.ts', mix: { anything: 1 }, data: rows, seed: 7 })
  await loadGenerator.generateLoad({ scenario: './shop.scenario.ts', stages: [{ duration: 1_000, virtualUsers: 5 }] })
  // @ts-expect-error no such export
  await loadGenerator.generateLoad<Shop>({ scenario: './shop.scenario.ts', mix: { browze: 9 }, data })
  // @ts-expect-error `start` is no iteration
  await loadGenerator.generateLoad<Shop>({ scenario: './shop.scenario.ts', mix: { start: 9 }, data })
  // @ts-expect-error a constant is no iteration
  await loadGenerator.generateLoad<Shop>({ scenario: './shop.scenario.ts', mix: { version: 1 }, data })
  // @ts-expect-error data that the scenario does not take
  await loadGenerator.generateLoad<Shop>({ scenario: './shop.scenario.ts', data: { accounts: [{ name: 'ann' }] } })
  // @ts-expect-error the scenario needs its data
  await loadGenerator.generateLoad<Shop>({ scenario: './shop.scenario.ts' })
})
