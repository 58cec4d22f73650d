import { afterAll, describe, expect, test } from 'vitest'
import pinned from '../package/exports.json' with { type: 'json' }
import { casesOn } from './harness/cases.ts'
import { MAJORS } from './harness/installed-package.ts'
import { HEALTHY_SERVER } from './harness/programs.ts'
import { removeProjects, runVitest } from './harness/run-vitest.ts'

afterAll(removeProjects)

const TRIVIAL = `import { test, expect } from 'vitest'\ntest('runs', () => { console.log('a test ran'); expect(1).toBe(1) })`

describe.each(MAJORS)('the plugin on Vitest %i', (major) => {
  const testCase = casesOn(major)

  test('every mistake in its options and environment is reported at once, and no test runs', async () => {
    const run = await runVitest({
      major,
      files: { 'a.test.ts': TRIVIAL },
      perf: `{ server: { comand: 'node server.js', port: 70000 }, load: { connections: 0, signal: AbortSignal.abort(), stages: [{ duration: 5, conections: 1 }] }, memory: { intervalMs: 0 }, report: { jsonn: 'x' }, sever: {} }`,
      env: { VITEST_PERF_LOAD_DURATION: 'soon', VITEST_PERF_SERVER_URL: 'localhost:3000' },
    })
    expect(run.exitCode).not.toBe(0)
    expect(run.output).not.toContain('a test ran')
    for (const part of [
      'did you mean `command`',
      'server.port',
      'load.connections',
      'load.signal',
      'did you mean `connections`',
      'memory.intervalMs',
      'report.jsonn',
      'did you mean `server`',
      'VITEST_PERF_LOAD_DURATION',
      'VITEST_PERF_SERVER_URL',
    ]) {
      expect(run.output).toContain(part)
    }
  })

  test('raises the time-outs that the config leaves alone, and no others', async () => {
    const spec = `import { test, expect } from 'vitest'
      test('limits', ({ task }) => console.log('limit', task.timeout))`
    const files = { 'a.test.ts': spec }
    const [raised, own, environment, cli] = await Promise.all([
      runVitest({ major, files }),
      runVitest({ major, files, test: 'testTimeout: 1234' }),
      runVitest({ major, files, env: { VITEST_PERF_TIMEOUT: '4321' } }),
      runVitest({ major, files, args: ['--testTimeout=2345'] }),
    ])
    expect(raised.output).toContain('limit 60000')
    expect(own.output).toContain('limit 1234')
    expect(environment.output).toContain('limit 4321')
    expect(cli.output).toContain('limit 2345')
  })

  testCase(
    'hands its options to the fixtures; a file and a describe replace them; a file that shares the worker is not touched',
    {
      perf: `{ server: { command: 'node server.js' }, load: { connections: 3 }, memory: { intervalMs: 77 } }`,
      test: 'isolate: false, fileParallelism: false, sequence: { shuffle: false, groupOrder: 1 },',
      files: {
        'a.test.ts': `import { test, expect, describe } from 'vitest-plugin-perf'
          test.override('serverOptions', { command: 'file' })
          test('file', ({ serverOptions, loadOptions, memoryOptions }) => {
            expect(serverOptions.command).toBe('file')
            expect(loadOptions).toEqual({ connections: 3 })
            expect(memoryOptions).toEqual({ intervalMs: 77 })
          })
          describe('inner', () => {
            test.override('serverOptions', { command: 'inner' })
            test('inner', ({ serverOptions }) => { expect(serverOptions.command).toBe('inner') })
          })`,
        'b.test.ts': `import { test, expect } from 'vitest-plugin-perf'
          test('next file', ({ serverOptions }) => { expect(serverOptions.command).toBe('node server.js') })`,
      },
    },
    (run) => {
      expect(run.output).toContain('3 passed')
      expect(run.exitCode).toBe(0)
    },
  )

  testCase(
    'an override is a value of the options, also one with a scope, and of what is extended; and is checked',
    {
      perf: `{ server: { command: 'node server.js' } }`,
      files: {
        'server.js': HEALTHY_SERVER,
        'a.test.ts': `import { test as base, expect } from 'vitest-plugin-perf'
          const test = base.extend('own', 5)
          test.override('serverOptions', { command: 'node server.js', scope: 'file' })
          let port
          test('one', ({ server, serverOptions, own }) => { expect([serverOptions.scope, own]).toEqual(['file', 5]); port = server.port })
          test('two', ({ server }) => { expect(server.port).toBe(port) })`,
        'b.test.ts': `import { test, expect } from 'vitest-plugin-perf'
          test.override('memoryOptions', { interval: 20, sampleCount: -1 })
          test('mistakes', async ({ memoryMonitor }) => {
            await expect(memoryMonitor.monitor(100)).rejects.toThrow(/sampleCount[^]*did you mean .intervalMs/)
          })`,
      },
    },
    async (run) => {
      expect(run.output).toContain('3 passed')
      expect(run.exitCode).toBe(0)
      expect(await run.leftovers()).toEqual([])
    },
  )

  testCase(
    'registers the matchers, and the globals when Vitest has them',
    {
      perf: `{ server: { command: 'node server.js' } }`,
      test: 'globals: true',
      files: {
        'server.js': HEALTHY_SERVER,
        'a.test.ts': `test('global test has the fixtures', async ({ server }) => {
            await expect(server).toBeHealthy()
            expect({ a: { b: 3 } }).toMeetThresholds({ 'a.b': ['>1', '<50'] })
          })
          it('and so has it', ({ server }) => { expect(server.url).toMatch(/^http:/) })`,
        'b.test.ts': `import { expect as own, test as plain } from 'vitest'
          plain('matchers work on Vitest\\'s own expect', () => {
            own({ a: 1 }).toMeetThresholds({ a: '==1' })
            own(() => own({ a: 1 }).toMeetThresholds({ a: '<1', b: '<5' })).toThrow(/a <1 .*got 1[^]*b <5 .*no data/)
            own(() => own({ a: 1 }).toMeetThresholds({ a: 'below 5' })).toThrow(/Malformed threshold of \`a\`/)
            own({ a: 1 }).not.toMeetThresholds({ a: '>1' })
            own(() => own({ a: 1 }).not.toMeetThresholds({ a: '>1', b: '<5' })).toThrow(/not to meet[^]*b <5 .*no data/)
            own(() => own(undefined).toMeetThresholds({ a: '<1' })).toThrow(/a result of a load or a memory watch, got .undefined/)
          })`,
      },
    },
    async (run) => {
      expect(run.output).toContain('3 passed')
      expect(run.exitCode).toBe(0)
      expect(await run.leftovers()).toEqual([])
    },
  )

  test('the reporter is known by its name, and leaves a package called perf to the modules that import it', async () => {
    const run = await runVitest({
      major,
      reporter: 'perf',
      files: {
        'node_modules/perf/package.json': '{ "name": "perf", "type": "module", "exports": "./index.js" }',
        'node_modules/perf/index.js': 'export const who = "the package of that name"',
        'a.test.ts': `import { who } from 'perf'
          import { test, expect } from 'vitest-plugin-perf'
          test('imports it', async ({ memoryMonitor }) => {
            expect(who).toBe('the package of that name')
            await memoryMonitor.monitor(300)
          })`,
      },
    })
    expect(run.exitCode).toBe(0)
    // The table of the perf reporter.
    expect(run.output).toMatch(/memory/i)
    expect(run.output).toContain('1 passed')
  })

  const exported = `import { test } from 'vitest'
      test('exports', async () => console.log('exports ' + JSON.stringify(Object.keys(await import('vitest-plugin-perf')).toSorted())))`
  testCase('a spec can import exactly what the contract names', { files: { 'a.test.ts': exported } }, (run) => {
    expect(JSON.parse(/exports (\[.*\])/.exec(run.output)?.[1] ?? 'null')).toEqual(pinned.index)
  })

  const light = `import { test, expect } from 'vitest-plugin-perf'
      import { createRequire } from 'node:module'
      test('is light', () => {
        const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => /autocannon|wait-on|axios|rxjs/.test(file))
        expect(loaded).toEqual([])
        expect(process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap')).toEqual([])
      })`
  testCase(
    'a spec that uses no fixture loads neither autocannon nor wait-on',
    { files: { 'a.test.ts': light } },
    (run) => {
      expect(run.output).toContain('1 passed')
      expect(run.exitCode).toBe(0)
    },
  )
})
