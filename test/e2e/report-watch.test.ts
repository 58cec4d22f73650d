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
const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()])
const [page] = tests[0].annotations().filter(({ type }) => type === 'perf.page')
const again = vitest.rerunFiles()
await new Promise((resolve) => setTimeout(resolve, 1_500))
await vitest.cancelCurrentRun('keyboard-input')
await again
console.log(JSON.stringify({ tests: JSON.parse(whole).tests.length, kept: read() === whole, page }))
await vitest.close()
process.exit()
`

describe.each(MAJORS)('on Vitest %s', (major) => {
  test('whoever looks at attachments sees the page of each test, and a run that is left in mid-watch does not replace the report', async () => {
    const project = await createProject({
      major,
      perf: `{ server: { command: 'node server.js' } }`,
      // An object is a reporter as editors bring one: it may show what is attached to a test.
      test: `reporters: [['perf', { json: 'perf.json' }], {}]`,
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
    const told = JSON.parse(run.stdout.split('\n').find((line) => line.startsWith('{')) ?? '{}') as {
      page: { message: string; attachment: { contentType: string; body: string } }
    }
    expect(told).toMatchObject({ tests: 3, kept: true, page: { message: 'Report of one' } })
    const { contentType, body } = told.page.attachment
    expect(contentType).toBe('text/html')
    const page = Buffer.from(body, 'base64').toString('utf8')
    expect(page).toMatch(/^<!doctype html>/)
    expect(page).toContain('<title>1 of 1 perf test holds</title>')
    expect(page).toMatch(/<small>a\.test\.ts:\d+ · [\d.,]+ m?s<\/small>/)
    // The load, its threshold and its server.
    expect(page.match(/<th scope="col"[^>]*>(load|threshold|server)<\/th>/g)).toHaveLength(3)
  })
})
