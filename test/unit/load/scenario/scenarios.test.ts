import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { LoadGenerator } from '../../../../dist/load/spec/load-generator.js'
import type { LoadOptions } from '../../../../src/load/plan/load-options.ts'
import type { LoadResult, NameResult } from '../../../../src/results/load-result.ts'
import { GREETING, startShop, type ShopServer } from './shop-server.ts'
import { rejection } from '../../rejection.ts'

// What the contract says of scenarios, against a server that keeps a record of its own, in a real load process. When iterations begin and
// loads of users end is tested on a virtual clock in `../engine/user-work.test.ts`.

let folder: string
let made = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scenarios-'))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function writeScenario(source: string): Promise<URL> {
  made += 1
  const file = join(folder, `s${made}.scenario.ts`)
  await writeFile(file, source)
  return pathToFileURL(file)
}

async function run(shop: ShopServer, source: string, options: LoadOptions = {}): Promise<LoadResult> {
  return new LoadGenerator().generateLoad({
    url: shop.url,
    scenario: await writeScenario(source),
    virtualUsers: 1,
    amount: 1,
    ...options,
  })
}

/** Runs statements as one iteration whose `say(value)` is what the test gets. */
async function said(shop: ShopServer, statements: string, options: LoadOptions = {}): Promise<unknown[]> {
  const said: unknown[] = []
  const spy = vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(JSON.parse(line)))
  try {
    const source = `export default async function (user) { const say = (value) => console.log(JSON.stringify(value ?? null)); ${statements} }`
    const result = await run(shop, source, options)
    expect(result.errors.byKind.scenario?.message).toBeUndefined()
  } finally {
    spy.mockRestore()
  }
  return said
}

describe('virtual users and iterations', () => {
  test('`start` runs once a user, before its first iteration, and `stop` at the end; neither is in the figures', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `export async function start(user) { const { token } = (await user.post('/login', { json: { id: user.id } })).json(); user.headers.authorization = token }
       export default async function (user) { await user.get('/items') }
       export async function stop(user) { await user.post('/logout') }`,
      { virtualUsers: 3, amount: 12 },
    )
    expect(shop.count('POST /login')).toBe(3)
    expect(shop.count('POST /logout')).toBe(3)
    expect(shop.count('GET /items')).toBe(12)
    expect(shop.served.slice(0, 3).map(({ path }) => path)).toEqual(['/login', '/login', '/login'])
    expect(result.requests).toBe(12)
    expect(result.iterations).toMatchObject({ count: 12, failed: 0 })
    expect(Object.keys(result.byName)).toEqual(['GET /items'])
    expect(
      shop.served.filter(({ path }) => path === '/items').every(({ headers }) => headers.authorization === 'secret'),
    ).toBe(true)
  })

  test('each user has cookies of its own, kept as browsers do, and can set some itself', async () => {
    const shop = await startShop()
    await run(
      shop,
      `export async function start(user) {
         user.headers['x-user'] = String(user.id)
         await user.cookies.setCookie('seen=' + user.id + '; Path=/items', '${shop.url}/')
         await user.post('/login', { json: { id: user.id } })
       }
       export default async function (user) { await user.get('/items'); await user.get('/cart'); await user.get('/other') }`,
      { virtualUsers: 3, amount: 12 },
    )
    const sent = shop.served.map(({ path, headers }) => ({ path, user: headers['x-user'], cookie: headers.cookie }))
    const cookies = (path: string, user: string) =>
      new Map([
        ['/login', undefined],
        // The longest path comes first.
        ['/items', `seen=${user}; sid=${user}`],
        ['/cart', `cart=2; sid=${user}`],
        ['/other', `sid=${user}`],
      ]).get(path)
    expect(sent).toHaveLength(3 + 3 * 12)
    expect(new Set(sent.map(({ user }) => user))).toEqual(new Set(['0', '1', '2']))
    expect(sent).toEqual(sent.map(({ path, user }) => ({ path, user, cookie: cookies(path, String(user)) })))
  })

  test('`mix` weighs exports, and the same seed chooses the same', async () => {
    const source = `
      export const browse = (user) => user.get('/browse/' + user.id + '/' + user.iteration + '/' + user.integer(1, 1000) + '/' + user.random())
      export const buy = (user) => user.get('/buy/' + user.id + '/' + user.iteration + '/' + user.weighted({ a: 1, b: 1 }) + '/' + user.unique())`
    const paths = async (seed?: number) => {
      const shop = await startShop()
      await run(shop, source, {
        mix: { browse: 3, buy: 1 },
        virtualUsers: 1,
        amount: 200,
        ...(seed === undefined ? {} : { seed }),
      })
      return shop.served.map(({ path }) => path)
    }
    const first = await paths()
    expect(await paths()).toEqual(first)
    expect(await paths(2)).not.toEqual(first)
    const bought = first.filter((path) => path.startsWith('/buy')).length
    // binom.interval(0.9999, 200, 0.25): 27 to 75.
    expect(bought).toBeGreaterThanOrEqual(27)
    expect(bought).toBeLessThanOrEqual(75)
  })

  test('without `mix` the default export runs alone', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `export const browse = (user) => user.get('/browse')
       export const buy = (user) => user.get('/buy')
       export default (user) => user.get('/default')`,
      { amount: 20 },
    )
    expect(result.iterations?.count).toBe(20)
    expect(shop.served.map(({ path }) => path)).toEqual(Array.from({ length: 20 }, () => '/default'))
  })
})

describe('requests', () => {
  test('query, json, form, bodies and headers are sent as asked for', async () => {
    const shop = await startShop()
    const echoes = (await said(
      shop,
      `user.headers['X-User'] = 'u'
       const form = new FormData(); form.set('a', '1'); form.set('file', new Blob(['text'], { type: 'text/plain' }), 'f.txt')
       say((await user.get('/echo', { query: { a: [1, 2], b: 'x y', none: undefined } })).json())
       say((await user.post('/echo', { json: { a: 1 }, headers: { 'x-user': 'over' } })).json())
       say((await user.put('/echo', { form: { a: 'x y', b: 2 } })).json())
       say((await user.patch('/echo', { body: form })).json())
       say((await user.delete('/echo', { body: new Blob(['blob'], { type: 'image/x' }) })).json())
       say((await user.post('/echo', { body: new Uint8Array([0, 255]) })).json())
       say((await user.request('OPTIONS', '/echo', { headers: { 'X-Load': undefined } })).json())
       const head = await user.head('/items'); say([head.status, head.text(), head.headers['content-type']])`,
      { headers: { 'X-Load': 'l' } },
    )) as { method: string; path: string; headers: Record<string, string>; body: string }[]
    expect(echoes[0]).toMatchObject({ path: '/echo?a=1&a=2&b=x+y', headers: { 'x-load': 'l', 'x-user': 'u' } })
    expect(echoes[1]).toMatchObject({
      body: '{"a":1}',
      headers: { 'content-type': 'application/json', 'x-user': 'over' },
    })
    expect(echoes[2]).toMatchObject({ method: 'PUT', body: 'a=x+y&b=2' })
    expect(echoes[2]?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/)
    expect(echoes[3]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(echoes[3]?.body).toContain('filename="f.txt"')
    expect(echoes[4]).toMatchObject({ method: 'DELETE', body: 'blob', headers: { 'content-type': 'image/x' } })
    expect(echoes[5]).toMatchObject({ body: '\u0000ÿ', headers: { 'content-length': '2' } })
    expect(echoes[6]?.headers['x-load']).toBeUndefined()
    expect(echoes[7]).toEqual([200, '', 'application/json'])
  })

  test('answers: gzip, br and deflate are undone; chunks are joined; a body that is no JSON is told', async () => {
    const shop = await startShop()
    const answers = await said(
      shop,
      `for (const as of ['gzip', 'br', 'deflate', 'raw']) say((await user.get('/encoded', { query: { as } })).json())
       say((await user.get('/chunked')).json())
       const answer = await user.get('/text'); try { answer.json() } catch (error) { say(error.message) }
       try { (await user.get('/empty')).json() } catch (error) { say(error.message) }
       say([answer.status, answer.url, answer.latency > 0, answer.bytes().length])`,
    )
    expect(answers.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => ({ ok: true })))
    expect(answers[4]).toEqual({ a: 1 })
    expect(answers[5]).toMatch(
      /^GET http.*\/text answered 200 with a body that is no JSON \(.*\): <html>no JSON<\/html>$/,
    )
    expect(answers[6]).toMatch(/answered 200 with an empty body$/)
    expect(answers[7]).toEqual([200, `${shop.url}/text`, true, 20])
  })

  test('redirects: each hop is a request of its own under the name of the first; methods change as in browsers', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `export default async (user) => {
         const answer = await user.post('/redirect', { query: { to: '/redirect?code=307&to=/echo' }, json: {}, name: 'old' })
         user.check('was a GET', answer.json().method === 'GET' && answer.url.endsWith('/echo'))
         const kept = await user.post('/redirect', { query: { code: 308, to: '/echo' }, json: { a: 1 } })
         user.check('was a POST', kept.json().method === 'POST' && kept.json().body === '{"a":1}')
         const manual = await user.get('/redirect', { redirect: 'manual' })
         user.check('manual', manual.status === 302 && manual.headers.location === '/items')
       }`,
    )
    expect(result.byName['old']?.requests).toBe(3)
    expect(result.byName['POST /redirect']?.requests).toBe(2)
    expect(result.byName['GET /redirect']?.requests).toBe(1)
    expect(result.requests).toBe(shop.served.length)
    expect(Object.entries(result.checks).map(([name, { rate }]) => [name, rate])).toEqual([
      ['was a GET', 1],
      ['was a POST', 1],
      ['manual', 1],
    ])
  })

  test('a loop of relative redirects ends after ten', async () => {
    const shop = await startShop()
    const result = await run(shop, `export default (user) => user.get('/loop')`)
    expect(shop.served.length).toBe(11)
    expect(result.requests).toBe(11)
    expect(result.iterations?.failed).toBe(1)
    expect(result.errors.byKind.scenario?.message).toMatch(
      /GET \/loop was redirected more than 10 times, at last from .*\/loop to loop/,
    )
  })

  test('several at once use up to six connections', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `export default (user) => Promise.all(Array.from({ length: 20 }, () => user.get('/slow')))`,
    )
    expect(result.requests).toBe(20)
    expect(shop.connections()).toBe(6)
    // Waiting for a connection is part of the latency: 20 requests of 120 ms on 6.
    expect(result.latency.max).toBeGreaterThan(4 * 120 - 20)
  })

  test('connections that close are replaced, and nothing is counted twice or lost', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `export default async (user) => {
         await user.get('/close'); await user.get('/items'); await user.get('/once'); await user.get('/items'); await user.get('/once'); await user.think('20ms'); await user.get('/items')
       }`,
      { amount: 5 },
    )
    expect(result.errors.total).toBe(0)
    expect(result.requests).toBe(30)
    expect(shop.served.length).toBe(30)
    expect(result.unanswered).toBe(0)
  })

  test('no answer in time, and a connection that fails, reject; the iteration fails unless it catches', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `export const start = (user) => user.think(1)
       export const hang = async (user) => { await user.get('/items'); await user.get('/hang', { timeout: 100 }) }
       export const lost = (user) => user.post('/destroy', { json: {} })
       export async function caught(user) { await user.get('/hang', { timeout: '50ms' }).catch((error) => user.check(error.message, true)) }`,
      { mix: { hang: 1, lost: 1, caught: 1 }, amount: 12 },
    )
    const { timeout, reset, scenario } = result.errors.byKind
    expect(scenario).toBeUndefined()
    expect(timeout?.count).toBe(shop.count('GET /hang'))
    expect(timeout?.message).toMatch(/^no answer within (100|50) ms$/)
    expect(reset?.count).toBe(shop.count('POST /destroy'))
    expect(result.iterations?.count).toBe(12)
    const [message, { passed } = { passed: 0 }] = Object.entries(result.checks)[0] ?? []
    expect(message).toBe(`GET ${shop.url}/hang failed: no answer within 50 ms`)
    expect(result.iterations?.failed).toBe(12 - passed)
    expect(result.byName['GET /hang']?.errors.timeouts).toBe(timeout?.count)
  })

  test("`expectStatus` and `check` count under the request's name; the request resolves all the same", async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `export default async (user) => {
         await user.get('/status?code=404', { name: 'gone', expectStatus: 404 })
         await user.get('/status?code=404', { name: 'missing' })
         await user.get('/items', { expectStatus: [300, 399] })
         await user.get('/items/1', { name: 'item', check: { body: { json: { price: 3 } } } })
         await user.get('/items/2', { name: 'item', check: { body: { json: { price: 4 } } } })
         user.check('never', 0)
       }`,
    )
    expect(result.byName['gone']?.errors.total).toBe(0)
    expect(result.byName['missing']?.errors.byKind.status?.count).toBe(1)
    expect(result.byName['GET /items']?.errors.byKind.mismatch?.message).toBe('status 200, expected 300 to 399')
    expect(result.checks['item']).toMatchObject({ passed: 1, failed: 1, rate: 0.5 })
    expect(result.checks['never']).toMatchObject({ passed: 0, failed: 1, rate: 0 })
    expect(result.checks['never']?.firstFailure).toMatch(/s\d+\.scenario\.ts:7:\d+/)
    expect(result.errors.byKind.check?.count).toBe(2)
    expect(result.iterations?.failed).toBe(0)
  })

  test("the load's own path, and URLs of other servers", async () => {
    const [shop, other] = [await startShop(), await startShop()]
    await run(
      shop,
      `export default async (user) => { await user.get('/items?a=1'); await user.get('${other.url}/items') }`,
      {
        url: `${shop.url}/api/`,
      },
    )
    expect(shop.served.map(({ path }) => path)).toEqual(['/api/items?a=1'])
    expect(other.count('GET /items')).toBe(1)
  })
})

describe('data', () => {
  test('`take` gives each element to one user, and says when all are taken', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `export const start = (user) => { user.state.account = user.take('accounts') }
       export default (user) => user.get('/items/' + user.state.account.name + '/' + user.data.extra.get('k').toISOString())`,
      {
        virtualUsers: 3,
        amount: 30,
        data: { accounts: [{ name: 'a' }, { name: 'b' }, { name: 'c' }], extra: new Map([['k', new Date(0)]]) },
      },
    )
    expect(new Set(shop.served.map(({ path }) => path.split('/')[2]))).toEqual(new Set(['a', 'b', 'c']))
    expect(result.errors.total).toBe(0)
    const error = await rejection(
      run(shop, `export const start = (user) => user.take('accounts')\nexport default (user) => user.get('/items')`, {
        virtualUsers: 2,
        data: { accounts: [1] },
      }),
    )
    expect(error.message).toMatch(
      /`start` of virtual user 1 failed: user\.take\("accounts"\): all 1 elements are taken \(.*:1:\d+\)/,
    )
  })

  test('`unique` gives other texts in a load that repeats one', async () => {
    const shop = await startShop()
    const scenario = await writeScenario(`export default (user) => user.get('/' + user.unique())`)
    const options = { url: shop.url, scenario, virtualUsers: 1, amount: 3 }
    for (const round of ['step1', 'step2', undefined]) {
      await new LoadGenerator(round === undefined ? {} : { round }).generateLoad(options)
    }
    const paths = shop.served.map(({ path }) => path)
    expect(paths.slice(0, 6).map((path) => path.split('-').at(-1))).toEqual([
      ...Array(3).fill('step1'),
      ...Array(3).fill('step2'),
    ])
    expect(new Set(paths).size).toBe(9)
  })

  test('`unique` gives a text that no other call gets', async () => {
    const shop = await startShop()
    await run(
      shop,
      `export default async (user) => { for (let n = 0; n < 5; n += 1) await user.get('/' + user.unique()) }`,
      { virtualUsers: 4, amount: 20 },
    )
    expect(new Set(shop.served.map(({ path }) => path)).size).toBe(100)
  })
})

describe('what a scenario does wrong', () => {
  test('one that throws fails that iteration, with file and line, and the user goes on', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `interface Item { id: string }\n\nexport default async (user: { get(path: string): Promise<unknown>; iteration: number; fail(message: string): never }) => {
  await user.get('/items')
  if (user.iteration % 2 === 0) user.fail('sold out')
}`,
      { amount: 6 },
    )
    expect(result.iterations).toMatchObject({ count: 6, failed: 3 })
    expect(result.errors.byKind.scenario).toMatchObject({ count: 3 })
    expect(result.errors.byKind.scenario?.message).toMatch(/^default: sold out \(.*s\d+\.scenario\.ts:5:\d+\)$/)
    expect(result.requests).toBe(6)
  })

  test('`start` that throws ends the load, also on a status that is none of success', async () => {
    const shop = await startShop()
    const error = await rejection(
      run(
        shop,
        `export const start = (user) => user.post('/status?code=401')\nexport default (user) => user.get('/items')`,
      ),
    )
    expect(error).toMatchObject({ code: 'PERF_LOAD' })
    expect(error.message).toMatch(/`start` of virtual user 0 failed: POST .*\/status\?code=401 answered 401/)
    expect(shop.count('GET /items')).toBe(0)
  })

  test('a check of a promise, and options that are none, fail the iteration and say what to do', async () => {
    const shop = await startShop()
    const mistakes = [
      [`user.check('sold', Promise.resolve(false))`, 'user.check("sold", …) got a promise: await its condition'],
      [`user.check('sold', Promise.reject(new Error('x')))`, 'got a promise'],
      [`await user.post('/items', { jsn: 1 })`, 'Unknown option `jsn`'],
      [`await user.get('/items', { expectStatus: [299, 200] })`, 'Expected `expectStatus` to be a status'],
      [`await user.events('/feed', { jsn: 1 })`, 'Unknown option `jsn`'],
    ] as const
    for (const [statement, message] of mistakes) {
      const { iterations, errors, checks } = await run(
        shop,
        `export default async (user) => { await user.get('/items'); ${statement} }`,
      )
      expect(iterations?.failed).toBe(1)
      expect(errors.byKind.scenario?.message).toContain(message)
      expect(checks).toEqual({})
    }
    expect(shop.served.map(({ path }) => path)).toEqual(mistakes.map(() => '/items'))
  })

  test('an iteration that awaits none of its requests fails and says so, and the load process stays up', async () => {
    const shop = await startShop()
    const left = (statement: string) =>
      run(shop, `export default async function browse(user) { ${statement} }`, { amount: 1_000, duration: 400 })
    for (const statement of [`user.get('/items')`, `[1, 2].forEach(async () => { await user.get('/items') })`]) {
      const { iterations, errors, requests } = await left(statement)
      // 10, 20, 40, 80 ms and more between them: it does not send as fast as it can.
      expect(iterations?.count).toBeGreaterThanOrEqual(3)
      expect(iterations?.count).toBeLessThan(40)
      expect(iterations?.failed).toBe(iterations?.count)
      expect(requests).toBeGreaterThan(0)
      expect(errors.byKind.scenario?.message).toMatch(
        /^default ended before any of its requests was answered: await them/,
      )
    }
    const beside = await left(`user.get('/items?beacon'); await user.get('/items')`)
    expect(beside).toMatchObject({ iterations: { failed: 0 }, errors: { total: 0 } })
  })

  test('a promise that nobody awaits is counted, and ends no process', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `export default async (user) => { Promise.reject(new Error('lost')); await user.get('/items'); setTimeout(() => { throw new Error('late') }, 1); await user.think(20) }`,
    )
    expect(result.errors.byKind.scenario?.count).toBe(2)
    expect(result.errors.byKind.scenario?.message).toMatch(/^outside of what is awaited: lost \(/)
  })

  test.for([
    [
      'a syntax error',
      `export default async (user) => { await user.get('/') `,
      /could not be bundled: [^]*s\d+\.scenario\.ts/,
    ],
    [
      'an import that does not exist',
      `import './none.ts'\nexport default () => {}`,
      /could not be bundled: [^]*none\.ts/,
    ],
    [
      'a module that throws',
      `throw new Error('boom')\nexport default () => {}`,
      /could not be loaded: boom \(.*scenario\.ts:1:/,
    ],
    [
      'an export that is no function',
      `export default 3`,
      /`default` of .* is no function \(number\): it exports no function at all/,
    ],
    ['no export', `export {}`, /mix.*has no default export; it exports no function to iterate/],
    [
      'no default export',
      `export const browse = () => {}`,
      /mix.* given, such as \{ browse: 1 \}: .* has no default export; it exports browse/,
    ],
  ] as const)('%s is told before the first request', async ([, source, message]) => {
    const shop = await startShop()
    const error = await rejection(run(shop, source))
    expect(error.message).toMatch(message)
    expect(shop.served).toEqual([])
  })

  test('CommonJS: its functions by name, its hooks, and one that it does not have', async () => {
    const shop = await startShop()
    const file = join(folder, 'common.scenario.cjs')
    await writeFile(
      file,
      `const { basename } = require('node:path')
       exports.start = (user) => user.get('/start')
       exports.browse = (user) => user.get('/' + basename('/a/items'))`,
    )
    const load = (mix?: Record<string, number>) =>
      new LoadGenerator().generateLoad({
        url: shop.url,
        scenario: pathToFileURL(file),
        virtualUsers: 1,
        amount: 2,
        ...(mix ? { mix } : {}),
      })
    expect((await load({ browse: 1 })).requests).toBe(2)
    expect(shop.served.map(({ path }) => path)).toEqual(['/start', '/items', '/items'])
    await expect(load()).rejects.toThrow(
      /common\.scenario\.cjs could not be loaded: `default` of .* is no function \(undefined\): its functions are start, browse/,
    )
  })

  test('options that cannot be', async () => {
    const shop = await startShop()
    const generator = new LoadGenerator()
    const scenario = await writeScenario(`export const browse = () => {}\nexport const start = () => {}`)
    const issues = async (options: LoadOptions) =>
      (await rejection(generator.generateLoad({ url: shop.url, scenario, ...options }))).message
    expect(await issues({ mix: { browze: 1 } })).toMatch(
      /`mix\.browze`: .* exports nothing of that name; did you mean `browse`\? it exports browse/,
    )
    expect(await issues({ mix: { start: 1 } })).toContain(
      '`start` is run once for each virtual user, and is no iteration',
    )
    expect(await issues({ mix: { browse: -1 } })).toContain('a weight of 0 or more')
    expect(await issues({ data: { list: [{ call: () => {} }] } })).toContain(
      'Expected `data.list[0].call` to be data that can be copied',
    )
    expect(await issues({ connections: 5, pipelining: 2, requests: [{}], order: 'shared' })).toMatch(
      /requests[^]*connections[^]*pipelining[^]*order/,
    )
    expect(await issues({ scenario: './none.scenario.ts' })).toContain('there is no file')
    expect(await issues({ scenario: undefined as never, virtualUsers: 5 })).toContain(
      '`virtualUsers` to be left out where there is no `scenario`',
    )
  })
})

describe('the end', () => {
  test('an abort ends thinks, requests and streams within 250 ms, and the next load finds nothing of it', async () => {
    const shop = await startShop()
    const controller = new AbortController()
    const generator = new LoadGenerator()
    const scenario = await writeScenario(
      `export default async (user) => {
         await user.get('/in/' + process.pid)
         if (user.id === 0) await user.think(60_000)
         if (user.id === 1) await user.get('/hang')
         if (user.id === 2) for await (const event of await user.events('/endless-events')) void event
         if (user.id === 3) for await (const message of await user.webSocket('/chat')) void message
       }
       export const next = (user) => user.get('/in/' + process.pid)`,
    )
    let begun!: () => void
    const running = new Promise<void>((resolve) => (begun = resolve))
    const load = generator.generateLoad(
      { url: shop.url, scenario, virtualUsers: 4, duration: 30_000, progressInterval: 100, signal: controller.signal },
      // Each user's first request, and the opening of two streams.
      ({ requests }) => requests >= 6 && begun(),
    )
    await running
    // The moments in which this process did not run are the machine's.
    let stoodStill = 0
    let last = performance.now()
    const watch = setInterval(() => {
      const now = performance.now()
      stoodStill += Math.max(0, now - last - 5)
      last = now
    }, 1)
    const abortedAt = performance.now()
    controller.abort(new Error('enough'))
    const error = await rejection(load)
    clearInterval(watch)
    expect(performance.now() - abortedAt - stoodStill).toBeLessThan(250)
    expect(error).toMatchObject({ name: 'AbortError', code: 'PERF_ABORTED' })
    expect(error.partial?.requests).toBe(6)
    await expect.poll(() => shop.openConnections()).toBe(0)
    const served = shop.served.length
    const next = await generator.generateLoad({
      url: shop.url,
      scenario,
      mix: { next: 1 },
      virtualUsers: 2,
      amount: 10,
    })
    expect(next.requests).toBe(10)
    expect(shop.served.length - served).toBe(10)
    // In the same process: nothing was left that only its end would have ended.
    expect(
      new Set(shop.served.map(({ path }) => path).filter((path) => path !== '/hang' && path !== '/endless-events'))
        .size,
    ).toBe(1)
  })

  test('a scenario that swallows the abort and loops on is ended with its process', async () => {
    const shop = await startShop()
    const generator = new LoadGenerator()
    const scenario = await writeScenario(
      `export default async (user) => { for (;;) { try { await user.get('/items'); await user.think(1) } catch {} await new Promise((resolve) => setTimeout(resolve, 1)) } }`,
    )
    const first = await generator.generateLoad({ url: shop.url, scenario, virtualUsers: 2, duration: 300 })
    expect(first.requests).toBeGreaterThan(0)
    const served = shop.served.length
    // A load in a process of its own: the one before cannot send anything any more.
    const next = await run(shop, `export default (user) => user.get('/next')`, { amount: 10 })
    expect(next.requests).toBe(10)
    expect(shop.served.length - served).toBe(10)
  })

  test('`stop()` resolves with what was measured and runs `stop` of the users', async () => {
    const shop = await startShop()
    const generator = new LoadGenerator()
    const scenario = await writeScenario(
      `export default async (user) => { await user.get('/items'); await user.think(60_000) }\nexport const stop = (user) => user.get('/bye')`,
    )
    let begun!: () => void
    const running = new Promise<void>((resolve) => (begun = resolve))
    const load = generator.generateLoad(
      { url: shop.url, scenario, virtualUsers: 2, duration: 60_000, progressInterval: 100 },
      ({ requests }) => requests >= 2 && begun(),
    )
    await running
    await generator.stop()
    const result = await load
    expect(result).toMatchObject({ requests: 2, aborted: true })
    expect(shop.count('GET /bye')).toBe(2)
  })

  test('one that keeps its process busy makes the load saturated, and names the line', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `function burn(milliseconds: number) {
  const until = performance.now() + milliseconds
  let sum = 0
  while (performance.now() < until) sum += Math.sqrt(sum + 1)
  return sum
}
export default async (user) => { await user.get('/items'); burn(60); await user.think(20) }`,
      { amount: undefined as never, duration: 1_500 },
    )
    expect(result.saturated).toBe(true)
    expect(result.generator.reason).toMatch(
      /^the scenario kept the load process busy: \d+ % of its busy time was spent in burn \(.*s\d+\.scenario\.ts:[1-4]\); the load process (was busy|stood still) [^:]*$/,
    )
  })
})

describe('output', () => {
  test('`console` appears, limited in lines', async () => {
    const shop = await startShop()
    const lines: string[] = []
    const spy = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    await run(
      shop,
      `export default async (user) => { console.error('oh'); for (let n = 0; n < 150; n += 1) console.log('line', { n }); await user.get('/items') }`,
    )
    spy.mockRestore()
    expect(errors.mock.calls).toEqual([['oh']])
    errors.mockRestore()
    expect(lines[0]).toBe('line { n: 0 }')
    expect(lines.length).toBe(100)
    expect(lines.at(-1)).toBe('… and 51 more lines of this scenario')
  })
})

describe('streams', () => {
  /** Histograms keep three digits. */
  const ROUNDED = 1.01

  /** A stream is open before its first message, which the shop sends `GREETING` ms later; the scenario itself saw it after `until` ms. */
  function expectFirstMessage(open: NameResult | undefined, first: NameResult | undefined, until: number): void {
    expect(first?.requests).toBe(1)
    expect(open?.latency.max).toBeGreaterThan(0)
    expect(open?.latency.max).toBeLessThan(first?.latency.min ?? 0)
    expect(first?.latency.min).toBeGreaterThanOrEqual(GREETING / ROUNDED)
    expect(first?.latency.max).toBeLessThan(until * ROUNDED)
  }

  test('Server-sent events: an async iterable, with a row of its own', async () => {
    const shop = await startShop()
    const source = `export default async (user) => {
      const asked = performance.now()
      let until
      for await (const event of await user.events('/events')) {
        until ??= performance.now() - asked
        console.log(JSON.stringify(event))
      }
      console.log(JSON.stringify({ until }))
      let seen = 0
      for await (const { data } of await user.events('/endless-events', { name: 'feed' })) { seen += 1; if (seen === 3) break }
      user.check('three', seen === 3)
    }`
    const lines: unknown[] = []
    const spy = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(JSON.parse(line)))
    const result = await run(shop, source)
    spy.mockRestore()
    expect(lines).toEqual([
      { event: 'price', data: '3', id: '1' },
      { event: 'message', data: 'a\nb', id: '1' },
      { until: expect.any(Number) },
    ])
    const { until } = lines[2] as { until: number }
    expect(result.errors.byKind.scenario?.message).toBeUndefined()
    const { 'GET /events': open, 'GET /events (first message)': first } = result.byName
    expect(open).toMatchObject({ requests: 1, messages: 2 })
    expect(open?.messagesPerSecond).toBeCloseTo(2_000 / result.duration, 6)
    expect(first).toMatchObject({ requests: 1, errors: { total: 0 } })
    expect(first).not.toHaveProperty('messages')
    expectFirstMessage(open, first, until)
    expect(result.byName['feed']?.messages).toBeGreaterThanOrEqual(3)
    expect(result.requests).toBe(2)
  })

  test('a stream that is answered with an error says so once', async () => {
    const shop = await startShop()
    const [message] = await said(shop, `await user.events('/status?code=503').catch((error) => say(error.message))`)
    expect(message).toBe(`GET ${shop.url}/status?code=503 failed: answered 503`)
  })

  test('WebSockets: send, receive, iterate, close; round trips in a row of their own', async () => {
    const shop = await startShop()
    const lines: string[] = []
    const spy = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
    const result = await run(
      shop,
      `export default async (user) => {
         await user.post('/login')
         const asked = performance.now()
         const socket = await user.webSocket('/chat')
         user.check('greeted with its cookie', (await socket.receive()) === 'hello sid=1')
         const until = performance.now() - asked
         await user.think(50)
         const sent = performance.now()
         socket.send('ping')
         for await (const message of socket) { user.check('echo', message === 'ping'); break }
         console.log(JSON.stringify({ until, roundTrip: performance.now() - sent }))
         const other = await user.webSocket('/chat', { name: 'chat' })
         await other.receive()
         other.send(new Uint8Array([1, 2]))
         user.check('bytes', (await other.receive())[1] === 2)
         other.close()
         user.check('the end', (await other.receive()) === undefined)
         await user.webSocket('/nowhere').catch((error) => user.check('refused', /answered (400|200)/.test(error.message)))
       }`,
    )
    spy.mockRestore()
    expect(result.errors.byKind.scenario?.message).toBeUndefined()
    expect(Object.fromEntries(Object.entries(result.checks).map(([name, { rate }]) => [name, rate]))).toEqual({
      'greeted with its cookie': 1,
      echo: 1,
      bytes: 1,
      'the end': 1,
      refused: 1,
    })
    const { until, roundTrip } = JSON.parse(lines[0] ?? '') as { until: number; roundTrip: number }
    const { 'WS /chat': open, 'WS /chat (first message)': first, 'WS /chat (round trip)': returned } = result.byName
    expect(open).toMatchObject({ requests: 1, messages: 2, statusCodes: { 101: 1 } })
    expect(open?.messagesPerSecond).toBeCloseTo(2_000 / result.duration, 6)
    expectFirstMessage(open, first, until)
    expect(returned?.requests).toBe(1)
    // From `send`, not from the opening.
    expect(returned?.latency.max).toBeLessThan(roundTrip + 1)
    expect(result.byName['chat (round trip)']?.requests).toBe(1)
  })

  test('the end of a load ends streams, and is no error of theirs', async () => {
    const shop = await startShop()
    const result = await run(
      shop,
      `export default async (user) => { for await (const event of await user.events('/endless-events')) void event }`,
      { amount: undefined as never, duration: 400 },
    )
    expect(result.byName['GET /endless-events']?.messages).toBeGreaterThan(2)
    expect(result.errors.total).toBe(0)
  })
})
