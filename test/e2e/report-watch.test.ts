import { spawnSync } from 'node:child_process'
import { afterAll, describe, expect, test } from 'vitest'
import { MAJORS, toolOf } from './harness/installed-package.ts'
import { cleanEnvironment, createProject, removeProjects } from './harness/run-vitest.ts'

afterAll(removeProjects)

// Vitest in watch mode, driven by its own API: a whole run, then one that is left in the middle as `q` does.
const DRIVER = `
import { readFileSync } from 'node:fs'
import { startVitest } from 'vitest/node'
const read = () => readFileSync('perf.json', 'utf8')
const vitest = await startVitest('test', [], { watch: true })
const whole = read()
const again = vitest.rerunFiles()
await new Promise((resolve) => setTimeout(resolve, 1_500))
await vitest.cancelCurrentRun('keyboard-input')
await again
console.log(JSON.stringify({ tests: JSON.parse(whole).tests.length, kept: read() === whole }))
await vitest.close()
process.exit()
`

describe.each(MAJORS)('on Vitest %s', (major) => {
  test('a run that is left in watch mode does not replace the report of the last whole one', async () => {
    const project = await createProject({
      major,
      perf: `{ server: { command: 'node server.js' } }`,
      test: `reporters: [['perf', { json: 'perf.json' }]]`,
      files: {
        'driver.mjs': DRIVER,
        'server.js': `import { createServer } from 'node:http'
          createServer((request, response) => response.end('ok')).listen(process.env.PORT, process.env.HOST)`,
        'a.test.ts': `import { expect, test } from 'vitest-plugin-perf'
          for (const name of ['one', 'two', 'three']) {
            test(name, async ({ server, loadGenerator }) => {
              const result = await loadGenerator.generateLoad({ url: server.url, rate: 50, duration: 1_000 })
              expect(result).toMeetThresholds({ requests: '>0' })
            })
          }`,
      },
    })
    const { node } = toolOf(major)
    const run = spawnSync(node, ['driver.mjs'], {
      cwd: project,
      env: cleanEnvironment(),
      encoding: 'utf8',
      timeout: 90_000,
    })
    expect(run.stdout.split('\n').find((line) => line.startsWith('{'))).toBe('{"tests":3,"kept":true}')
  })
})
