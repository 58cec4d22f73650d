import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { MAJORS } from './harness/installed-package.ts'
import { HEALTHY_SERVER } from './harness/programs.ts'
import { removeProjects, runVitest } from './harness/run-vitest.ts'

afterAll(removeProjects)

const SPEC = `import { test, expect } from 'vitest-plugin-perf'
test('is served from its own folder', async ({ server }) => {
  expect(await (await fetch(server.url + '/')).text()).toBe('ok')
})`

describe.each(MAJORS)('several projects on Vitest %i', (major) => {
  test('options are per project, and paths are relative to the root of each', async () => {
    const run = await runVitest({
      major,
      reporter: 'perf',
      files: {
        'vitest.config.ts': `import { defineConfig } from 'vitest/config'
          import perf from 'vitest-plugin-perf/plugin'
          export default defineConfig({
            define: { __SHOP__: JSON.stringify('root'), __CITY__: JSON.stringify('Ulm') },
            plugins: [perf({ server: { command: 'node root.js' } })],
            test: { projects: [
              {
                extends: true,
                define: { __SHOP__: JSON.stringify('shared') },
                resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
                plugins: [{ name: 'words', resolveId: (id) => (id === 'virtual:word' ? '\\0word' : undefined), load: (id) => (id === '\\0word' ? 'export default "own"' : undefined) }],
                test: { name: 'shares', include: ['shares.test.ts'] },
              },
              { extends: true, define: { __SHOP__: JSON.stringify('plain') }, test: { name: 'plain', include: ['plain.test.ts'] } },
              { root: './orders', plugins: [perf({ server: { module: './app.js' } })], test: { name: 'own', include: ['*.test.ts'] } },
            ] },
          })`,
        'root.js': HEALTHY_SERVER,
        'src/paths.ts': `export const path: string = '/'`,
        'own.scenario.ts': `import { path } from '@/paths'
          import word from 'virtual:word'
          export default (user) => user.get(path, { name: [word, __SHOP__, __CITY__].join(' ') })`,
        'shares.test.ts': `${SPEC}
          test("the scenario has its project's own alias, plugin and constants", async ({ loadGenerator }) => {
            const { byName } = await loadGenerator.generateLoad({ scenario: './own.scenario.ts', virtualUsers: 1, amount: 3 })
            expect(byName).toMatchObject({ 'own shared Ulm': { requests: 3 } })
          })`,
        'plain.scenario.ts': `export default (user) => user.get('/', { name: [__SHOP__, __CITY__].join(' ') })`,
        'plain.test.ts': `import { test, expect } from 'vitest-plugin-perf'
          test('the scenario has the constants of a project without plugins', async ({ loadGenerator }) => {
            const { byName } = await loadGenerator.generateLoad({ url: '/', scenario: './plain.scenario.ts', virtualUsers: 1, amount: 3 })
            expect(byName).toMatchObject({ 'plain Ulm': { requests: 3 } })
          })`,
        'orders/app.js': `export default (request, response) => response.end('ok')`,
        'orders/own.test.ts': SPEC,
      },
    })
    expect(run.output).toContain('4 passed')
    expect(run.exitCode).toBe(0)
    expect(await run.leftovers()).toEqual([])
  })

  test('a project in the root config that has no plugins of its own is set up by those of the root', async () => {
    const limits = `import { expect, test } from 'vitest'
      test('limits and matchers', ({ task }) => {
        console.log('limit ' + process.env.WHO, task.timeout)
        expect({ a: 1 }).toMeetThresholds({ a: '==1' })
      })`
    const globals = `test('global', async ({ server }) => { expect(await (await fetch(server.url + '/')).text()).toBe('ok') })`
    const project = (name: string, extra: string) =>
      `{ extends: true, test: { name: '${name}', include: ['${name}.test.ts'], env: { WHO: '${name}' }, ${extra} } }`
    const options = {
      major,
      files: {
        'vitest.config.ts': `import { defineConfig } from 'vitest/config'
          import perf from 'vitest-plugin-perf/plugin'
          export default defineConfig({
            plugins: [perf({ server: { command: 'node root.js' } })],
            test: { globals: true, projects: [${project('one', '')}, ${project('two', 'testTimeout: 5_000')}, ${project('three', '')}] },
          })`,
        'root.js': HEALTHY_SERVER,
        'one.test.ts': limits,
        'two.test.ts': limits,
        'three.test.ts': globals,
      },
    }
    const [run, limited] = await Promise.all([
      runVitest(options),
      runVitest({ ...options, env: { VITEST_PERF_TIMEOUT: '9000' }, args: ['--project=one', '--testTimeout=7000'] }),
    ])
    expect(run.output).toContain('3 passed')
    expect(run.output).toContain('limit one 60000')
    expect(run.output).toContain('limit two 5000')
    // The environment wins, also over the command line.
    expect(limited.output).toContain('limit one 9000')
    expect(await run.leftovers()).toEqual([])
  })

  test('a test that extends ours keeps the fixtures, and tears its own down before the server', async () => {
    const run = await runVitest({
      major,
      perf: `{ server: { command: 'node server.js' } }`,
      files: {
        'server.js': HEALTHY_SERVER,
        'orders.ts': `import { test as base } from 'vitest-plugin-perf'
          export const test = base.extend<{ client: { get(path: string): Promise<string> } }>({
            client: async ({ server }, use) => {
              await use({ get: async (path) => (await fetch(server.url + path)).text() })
              console.log('torn down while the server says ' + (await (await fetch(server.url + '/')).text()))
            },
          })`,
        'a.test.ts': `import { expect } from 'vitest-plugin-perf'
          import { test } from './orders.ts'
          test('uses both', async ({ client, server }) => { expect(await client.get('/slow')).toBe('slow') })
          test.each([1, 2])('in a table', async () => {})
          test.for([[1, 'a']])('for %s', async ([n], { server }) => { expect(server.port).toBeGreaterThan(n) })`,
      },
    })
    expect(run.output).toContain('4 passed')
    expect(run.output).toContain('torn down while the server says ok')
    expect(await run.leftovers()).toEqual([])
  })

  test.each(['perf', 'vitest-plugin-perf/reporter'])(
    'a plugin in a project makes --reporter=%s work',
    async (reporter) => {
      const run = await runVitest({
        major,
        reporter,
        files: {
          'vitest.config.ts': `import { defineConfig } from 'vitest/config'
          import perf from 'vitest-plugin-perf/plugin'
          export default defineConfig({
            test: { projects: [
              { plugins: [perf({ server: { command: 'node root.js' }, report: { json: 'out/perf.json' } })], test: { name: 'own', include: ['*.test.ts'] } },
            ] },
          })`,
          'root.js': HEALTHY_SERVER,
          'own.test.ts': SPEC,
        },
      })
      expect(run.output).toContain('1 of 1 perf test holds')
      expect(run.exitCode).toBe(0)
      expect(existsSync(join(run.project, 'out/perf.json'))).toBe(true)
    },
  )
})
