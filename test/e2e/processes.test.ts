import { afterAll, describe, expect, test } from 'vitest'
import { MAJORS } from './harness/installed-package.ts'
import { HEALTHY_SERVER } from './harness/programs.ts'
import { removeProjects, runVitest } from './harness/run-vitest.ts'

afterAll(removeProjects)

const SCENARIO = `
export default async function visit(user) {
  await user.get('/', { name: 'user ' + user.id })
  await user.get('/', { name: 'account ' + user.take('accounts').name })
  user.check('unique', user.unique().length > 0)
}
`
const SPEC = `
import { test, expect } from 'vitest-plugin-perf'
test('requests', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({ url: '/', amount: 501, connections: 6 })
  expect(result).toMeetThresholds({ requests: '==501', 'errors.total': '==0' })
  expect(result.byName['GET /'].requests).toBe(501)
  expect(result.samples.reduce((sum, row) => sum + row.requests, 0)).toBe(501)
})
test('a scenario', async ({ server, loadGenerator }) => {
  const accounts = Array.from({ length: 20 }, (_, index) => ({ name: 'n' + index }))
  const options = { scenario: './visit.ts', data: { accounts }, virtualUsers: 5, amount: 20, processes: 2 }
  const result = await loadGenerator.generateLoad(options)
  expect(result).toMeetThresholds({ 'iterations.count': '==20', 'iterations.failed': '==0', requests: '==40', 'checks.unique.passed': '==20' })
  for (const { name } of accounts) expect(result.byName['account ' + name].requests).toBe(1)
  const users = Object.keys(result.byName).filter((name) => name.startsWith('user ')).toSorted()
  expect(users).toEqual(['user 0', 'user 1', 'user 2', 'user 3', 'user 4'])
})
test('runs out of time', async ({ server, loadGenerator }) => {
  await loadGenerator.generateLoad({ url: '/', amount: 1e9, processes: 3 })
}, 6_000)
test('the next one', async ({ server, loadGenerator }) => {
  // A busy machine drops some.
  const { requests, dropped } = await loadGenerator.generateLoad({ url: '/', rate: 100, duration: 500 })
  expect(requests + dropped).toBe(50)
})
`

describe.each(MAJORS)('several load processes on Vitest %i', (major) => {
  test('run one load with one result, and end with its test', async () => {
    const run = await runVitest({
      major,
      perf: `{ server: { command: 'node server.js' }, load: { processes: 2 } }`,
      files: { 'server.js': HEALTHY_SERVER, 'visit.ts': SCENARIO, 'a.test.ts': SPEC },
      timeout: 100_000,
    })
    expect(run.output).toContain('1 failed | 3 passed')
    expect(run.output).toMatch(/Test timed out in 6000ms/)
    expect(await run.leftovers()).toEqual([])
  })
})
