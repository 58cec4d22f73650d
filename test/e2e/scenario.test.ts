import { afterAll, describe, expect } from 'vitest'
import { casesOn, type Case } from './harness/cases.ts'
import { MAJORS, type Major } from './harness/installed-package.ts'
import { removeProjects, type Pool } from './harness/run-vitest.ts'

afterAll(removeProjects)

/** Each pool on one major; the first finds a capacity too. */
const POOLS: Record<Major, readonly Pool[]> = { 4: ['forks', 'vmThreads'], 5: ['threads', 'vmForks'] }

const SERVER = `
import { createServer } from 'node:http'
const served = {}
createServer((request, response) => {
  if (request.url === '/health') return response.end('ok')
  if (request.url === '/served') return response.end(JSON.stringify(served))
  served[request.url] = (served[request.url] ?? 0) + 1
  if (request.url === '/login') response.setHeader('set-cookie', 'sid=1; Path=/')
  response.end(JSON.stringify({ cookie: request.headers.cookie ?? '', price: 3 }))
}).listen(process.env.PORT, process.env.HOST)
`
// TypeScript, an alias, JSON, a virtual module of a plugin, Node's own modules and a package of the project.
const SCENARIO = `
import { createHash } from 'node:crypto'
import type { VirtualUser } from 'vitest-plugin-perf'
import { pathOf, Kind } from '@/paths'
import settings from './settings.json'
import word from 'virtual:word'
import { twice } from 'tiny-package'

interface Data { accounts: { name: string }[] }

export async function start(user: VirtualUser<Data>): Promise<void> {
  await user.post('/login', { json: user.take('accounts'), expectStatus: 200 })
}
export async function browse(user: VirtualUser<Data>): Promise<void> {
  if (user.id === 0 && user.iteration === 0) console.log('printed by the scenario', word, twice(settings.factor))
  const answer = await user.get(pathOf(Kind.Item, 'a'), { name: 'GET /items/:id', headers: { 'x-hash': createHash('md5').digest('hex') } })
  user.check('keeps its cookie', answer.json<{ cookie: string }>().cookie === 'sid=1')
  await user.think(1, 5)
}
export async function buy(user: VirtualUser<Data>): Promise<void> {
  await user.get('/cart')
  if (user.iteration >= 0) throw new Error('sold out')
}
`
const FILES = {
  'server.js': SERVER,
  'shop.scenario.ts': SCENARIO,
  'src/paths.ts': `export enum Kind { Item = 'items' }\nexport const pathOf = (kind: Kind, id: string): string => \`/\${kind}/\${id}\``,
  'settings.json': '{ "factor": 21 }',
  'accounts.csv': 'name\nann\nbob\ncid\n',
  'node_modules/tiny-package/package.json': '{ "name": "tiny-package", "main": "main.js" }',
  'node_modules/tiny-package/main.js': 'exports.twice = (value) => 2 * value',
}
const SPEC = `
import { expect, readData, test } from 'vitest-plugin-perf'

test('the shop', async ({ server, loadGenerator }) => {
  const accounts = await readData<{ name: string }>('accounts.csv')
  const result = await loadGenerator.generateLoad<typeof import('./shop.scenario.ts')>({
    scenario: new URL('./shop.scenario.ts', import.meta.url),
    mix: { browse: 3, buy: 1 },
    data: { accounts },
    virtualUsers: 3,
    amount: 60,
  })
  const served = await (await fetch(server.url + '/served')).json()
  expect(served).toEqual({ '/login': 3, '/items/a': result.byName['GET /items/:id'].requests, '/cart': result.byName['GET /cart'].requests })
  expect(result.requests).toBe(60)
  expect(result.iterations).toMatchObject({ count: 60, failed: result.byName['GET /cart'].requests })
  expect(result.errors.byKind.scenario.message).toMatch(/^buy: sold out \\(shop\\.scenario\\.ts:22:\\d+\\)$/)
  expect(result).toMeetThresholds({ 'checks["keeps its cookie"].rate': '==1', 'iterations.failed': '>0' })
})

test('the same again, from a path, on the server that nobody has named', async ({ loadGenerator }) => {
  const data = { accounts: [{ name: 'ann' }] }
  const load = (options) => loadGenerator.generateLoad({ scenario: './shop.scenario.ts', virtualUsers: 1, amount: 5, data, ...options })
  expect((await load({ mix: { browse: 1 } })).iterations).toMatchObject({ count: 5, failed: 0 })
  await expect(load({ mix: { browze: 1 } })).rejects.toThrow(/shop\\.scenario\\.ts exports nothing of that name; did you mean \`browse\`\\?/)
})

test.runIf(CAPACITY)('its capacity', async ({ loadGenerator }) => {
  const capacity = await loadGenerator.findCapacity({
    scenario: './shop.scenario.ts',
    mix: { browse: 1 },
    data: { accounts: Array.from({ length: 500 }, (_, id) => ({ name: 'user ' + id })) },
    virtualUsers: 30,
    from: 40,
    to: 50,
    thresholds: { 'checks["keeps its cookie"].rate': '==1', 'iterations.failed': '==0' },
    duration: 15_000,
  })
  expect(capacity).toMatchObject({ limitedBy: 'to', rate: 50, interval: [50, null], precise: true })
  for (const { result } of capacity.steps) expect(result.iterations.count).toBeGreaterThan(10)
  expect(capacity).toMeetThresholds({ rate: '>=50' })
})
`

const PLUGIN = `{
  name: 'words',
  resolveId: (id) => (id === 'virtual:word' ? '\\0word' : undefined),
  load: (id) => (id === '\\0word' ? 'export default "hello"' : undefined),
}`
// What the project builds is no concern of a scenario.
const CONFIG = `
  resolve: { alias: { '@': root + 'src' } },
  build: { lib: { entry: 'none.ts' }, outDir: 'out', minify: true, rollupOptions: { external: ['tiny-package'] } },`

describe.each(MAJORS)('Vitest %i', (major) => {
  const testCase = casesOn(major, { workers: 2 })

  for (const [index, pool] of POOLS[major].entries()) {
    const withCapacity = index === 0
    const given: Case = {
      pool,
      perf: `{ server: { command: 'node server.js' } }`,
      plugins: PLUGIN,
      config: CONFIG,
      files: { ...FILES, 'a.perf.ts': `const CAPACITY = ${withCapacity}${SPEC}` },
    }
    testCase(`a scenario in ${pool}`, given, async (run) => {
      expect(run.output).toContain(withCapacity ? '3 passed' : '2 passed')
      expect(run.exitCode).toBe(0)
      expect(run.output).toMatch(/stdout \| a\.perf\.ts\S* > the shop\s+printed by the scenario hello 42/)
      expect(await run.leftovers()).toEqual([])
    })
  }
})
