import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { PerfOptionsError } from '../../../../src/errors.ts'
import { findLoadOptionIssues } from '../../../../src/load/plan/load-option-issues.ts'
import { mergeLoadOptions, resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'

const url = 'http://127.0.0.1:3000/orders'

describe('findLoadOptionIssues', () => {
  it.for([
    [{ url: 'localhost:3000' }, 'url', /a path such as \/orders, or a URL with http/],
    [{ url: 'ftp://host/' }, 'url', /http:\/\/ or https:\/\//],
    [{ url: '//host/path' }, 'url', /http/],
    [{ url: 7 }, 'url', /a string, got `7` \(number\)/],
    [{ connections: 0 }, 'connections', /a positive integer, got `0` \(number\)/],
    [{ connections: 1e6 }, 'connections', /an integer from 1 to 65535/],
    [{ duration: 0 }, 'duration', /a positive number of milliseconds/],
    [{ duration: Infinity }, 'duration', /a positive number of milliseconds/],
    [{ duration: '10 s' }, 'duration', /such as '10s' \(ms, s, m, h\), got `"10 s"` \(string\)/],
    [{ duration: '10' }, 'duration', /such as '10s'/],
    [{ timeout: '0ms' }, 'timeout', /a positive number of milliseconds/],
    [{ progressInterval: '10ms' }, 'progressInterval', /from 20 to/],
    [{ duration: 1e12 }, 'duration', /up to 2147483647/],
    [{ amount: 1.5 }, 'amount', /a positive integer/],
    [{ rate: -1 }, 'rate', /a positive number/],
    [{ pipelining: 0 }, 'pipelining', /a positive integer/],
    [{ timeout: Number.NaN }, 'timeout', /milliseconds/],
    [{ stages: [] }, 'stages', /a list of 1 to 100 stages/],
    [{ stages: 'x' }, 'stages', /a list of 1 to 100 stages/],
    [{ stages: [null] }, 'stages[0]', /an object \{ duration/],
    [{ stages: Array.from({ length: 101 }, () => ({ duration: 1 })) }, 'stages', /a list of 1 to 100 stages/],
    [{ stages: [{ duration: 2e9 }, { duration: 2e9 }] }, 'stages', /at most 2147483647 ms together/],
    [{ stages: [{ rate: 5 }] }, 'stages[0].duration', /milliseconds/],
    [{ stages: [{ duration: 5, rate: -5 }] }, 'stages[0].rate', /0 or more/],
    [{ stages: [{ duration: 5, conections: 5 }] }, 'stages[0].conections', /Unknown option/],
    [{ stages: [{ duration: 5, rate: 0 }] }, 'stages', /at least one has a `rate` above 0/],
    [{ warmup: 5 }, 'warmup', /\{ duration, connections\? \}/],
    [{ warmup: { duration: -1 } }, 'warmup.duration', /milliseconds/],
    [{ method: 'GE T' }, 'method', /an HTTP method/],
    [{ method: 'connect' }, 'method', /other than CONNECT/],
    [{ headers: { 'x y': '1' } }, 'headers.x y', /a header name/],
    [{ headers: { x: 'a\r\nb: c' } }, 'headers.x', /without line breaks/],
    [{ headers: { x: ['ok', 'a\nb'] } }, 'headers.x', /without line breaks/],
    [{ headers: { x: 'π' } }, 'headers.x', /Latin-1/],
    [{ headers: { x: undefined } }, 'headers.x', /a string/],
    [{ headers: { 'Content-Length': '5' } }, 'headers.Content-Length', /computed from `body`/],
    [{ headers: 'x: y' }, 'headers', /a plain object of header names/],
    [{ headers: new Headers({ a: '1' }) }, 'headers', /a plain object of header names/],
    [{ headers: { x: [] } }, 'headers.x', /a list of at least one/],
    [{ headers: { x: Number.NaN } }, 'headers.x', /a string/],
    [{ body: 'x' }, 'body', /left out where the method is GET/],
    [{ body: 'x', method: 'head' }, 'body', /left out where the method is HEAD/],
    [{ body: 5, method: 'POST' }, 'body', /a string, bytes \(Uint8Array\), or a value/],
    [{ body: new URLSearchParams('a=1'), method: 'POST' }, 'body', /a plain object, an array/],
    [{ body: new FormData(), method: 'POST' }, 'body', /a plain object, an array/],
    [{ body: new Map([[1, 2]]), method: 'POST' }, 'body', /a plain object, an array/],
    [{ body: new ArrayBuffer(2), method: 'POST' }, 'body', /a plain object, an array/],
    [{ body: new Blob(['x']), method: 'POST' }, 'body', /a plain object, an array/],
    [{ body: Readable.from(['x']), method: 'POST' }, 'body', /a plain object, an array/],
    [{ body: { n: 1n }, method: 'POST' }, 'body', /a value that JSON can hold/],
    [{ requests: [] }, 'requests', /at least one request/],
    [{ requests: [{ name: '' }] }, 'requests[0].name', /a non-empty string/],
    [{ requests: [{ check: {} }] }, 'requests[0].check', /\{ body\?, headers\? \} with at least one of them/],
    [{ requests: [{ check: { body: {} } }] }, 'requests[0].check.body', /with at least one of them/],
    [{ requests: [{ check: { bdy: {} } }] }, 'requests[0].check.bdy', /did you mean `body`/],
    [{ requests: [{ check: { body: { match: 'x' } } }] }, 'requests[0].check.body.match', /did you mean `matches`/],
    [{ requests: [{ check: { body: { matches: '(' } } }] }, 'requests[0].check.body.matches', /a regular expression/],
    [{ requests: [{ check: { body: { contains: [] } } }] }, 'requests[0].check.body.contains', /a non-empty string/],
    [{ requests: [{ check: { body: { json: [1] } } }] }, 'requests[0].check.body.json', /an object of paths/],
    [
      { requests: [{ check: { body: { json: { 'a..b': 1 } } } }] },
      'requests[0].check.body.json["a..b"]',
      /a name is missing:\n {2}a\.\.b\n {4}\^/,
    ],
    [{ requests: [{ check: { body: { json: { a: 1n } } } }] }, 'requests[0].check.body.json["a"]', /JSON can hold/],
    [{ requests: [{ check: { headers: { x: true } } }] }, 'requests[0].check.headers.x', /a string, a number/],
    [
      { requests: [{ check: { body: { contains: 'x' } } }], method: 'HEAD' },
      'requests[0].check.body',
      /the answer has no body/,
    ],
    [{ requests: [{}, { path: 'b' }] }, 'requests[1].path', /begins with one \//],
    [{ requests: [{ path: '/a\ud800' }] }, 'requests[0].path', /begins with one \//],
    [{ requests: [{ body: 'x' }] }, 'requests[0].body', /method is GET/],
    [{ requests: [{ headers: { x: '\n' } }] }, 'requests[0].headers.x', /line breaks/],
    [{ requests: [{ url: '/a' }] }, 'requests[0].url', /Unknown option/],
    [{ expectStatus: 20 }, 'expectStatus', /a status of 100 to 599/],
    [{ expectStatus: [400, 200] }, 'expectStatus', /from <= to|a status of 100/],
    [{ thresholds: { 'latency.p99': '50' } }, 'thresholds.latency.p99', /Malformed threshold[^]*\^/],
    [{ thresholds: { errorRate: [] } }, 'thresholds.errorRate', /at least one condition/],
    [{ thresholds: ['<5'] }, 'thresholds', /an object/],
    [
      { thresholds: { 'latency.p98': '<5' } },
      'thresholds.latency.p98',
      /did you mean `latency\.p99`\?\n {2}latency\.p98\n {10}\^/,
    ],
    [{ thresholds: { 'iterations.failed': '==0' } }, 'thresholds.iterations.failed', /where there is no `scenario`/],
    [{ thresholds: { rps: '>5' } }, 'thresholds.rps', /did you mean `requestsPerSecond`/],
    [{ thresholds: { 'growth.bytes': '<5' } }, 'thresholds.growth.bytes', /it is one of a memory watch/],
    [
      { url: '/orders', thresholds: { 'byName["GET /order"].requests': '>1' } },
      'thresholds.byName["GET /order"].requests',
      /did you mean "GET \/orders"\?/,
    ],
    [
      {
        requests: [{ name: 'a', check: { body: { contains: 'x' } } }, { name: 'b' }],
        thresholds: { 'checks["b"].rate': '==1' },
      },
      'thresholds.checks["b"].rate',
      /Unknown name "b"[^]*known: "a"|did you mean "a"/,
    ],
    [{ abortOnFail: true }, 'abortOnFail', /no `thresholds`/],
    [{ progressInterval: 5 }, 'progressInterval', /from 20 to 2147483647/],
    [{ progressInterval: 1e12 }, 'progressInterval', /from 20 to 2147483647/],
    [{ tls: { ca: 'garbage' } }, 'tls.ca', /certificates in PEM/],
    [{ tls: { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' } }, 'tls.ca', /certificates in PEM/],
    [{ url: 'http://127.0.0.1/a\nb' }, 'url', /without control characters/],
    [{ url: 'http://a%zz:b@127.0.0.1/' }, 'url', /can be decoded/],
    [{ signal: {} }, 'signal', /an AbortSignal/],
    [{ rate: 10, pipelining: 4 }, 'pipelining', /left out where `rate` is set/],
    [{ stages: [{ duration: 10, rate: 5 }], pipelining: 4 }, 'pipelining', /stages have a `rate`/],
    [{ amount: 10, stages: [{ duration: 10 }] }, 'amount', /left out where `stages` are set/],
    [{ duration: 10, stages: [{ duration: 10 }] }, 'duration', /left out where `stages` are set/],
    [{ conections: 5 }, 'conections', /did you mean `connections`/],
  ] as const)('%o', ([options, option, message]) => {
    const issues = findLoadOptionIssues(options)
    expect(issues.map((issue) => issue.option)).toEqual([option])
    expect(issues[0]?.message).toMatch(message)
  })

  it.for([
    {},
    { url: '/orders?page=2' },
    { url: 'https://example.org', rate: 0.5, pipelining: 1, connections: 100, tls: { rejectUnauthorized: false } },
    { method: 'POST', body: { a: 1 }, headers: { x: ['1', '2'], y: 5, z: 'é\t' } },
    { method: 'POST', requests: [{ body: new Uint8Array(3) }, { method: 'GET', path: '/' }] },
    { stages: [{ duration: 10, connections: 5 }, { duration: 5 }], warmup: { duration: 5, connections: 1 } },
    { amount: 5, duration: 100, thresholds: { requests: '==5' }, abortOnFail: true, expectStatus: [200, 299] },
    { signal: new AbortController().signal, title: 'x', progressInterval: 20 },
  ])('takes %o', (options) => expect(findLoadOptionIssues(options)).toEqual([]))

  it('reports all mistakes at once, under a prefix, and each once', () => {
    const issues = findLoadOptionIssues({ url: '', rate: 0, pipelining: 'x', body: 1, stages: 5 }, 'load')
    expect(issues.map(({ option }) => option).toSorted()).toEqual([
      'load.body',
      'load.pipelining',
      'load.rate',
      'load.stages',
      'load.url',
    ])
    expect(findLoadOptionIssues(5, 'load')[0]?.message).toContain('`load`')
  })

  it('judges defaults by themselves, and a URL by whether there is a server', () => {
    expect(findLoadOptionIssues({ abortOnFail: true }, 'load', { defaults: true })).toEqual([])
    expect(findLoadOptionIssues({ url: '/x' }, '', { absoluteUrl: true })).toHaveLength(1)
  })
})

describe('thresholds of defaults', () => {
  const find = (thresholds: object) => findLoadOptionIssues({ thresholds }, 'load', { defaults: true })

  it('hold figures that can exist, and may name requests of a call', () => {
    expect(
      find({ 'byName["GET /a"].latency.p95': '<5', 'statusCodes.503': '==0', 'latency.p99': ['>1', '<5'] }),
    ).toEqual([])
    expect(find({ rps: '<5', 'latency.p99': '5' }).map(({ option }) => option)).toEqual([
      'load.thresholds.rps',
      'load.thresholds.latency.p99',
    ])
  })
})

describe('resolveLoadOptions', () => {
  const resolve = (options: object, context: object = {}) =>
    resolveLoadOptions({ url, ...options }, { env: {}, ...context })

  it('has the defaults of the contract', () => {
    expect(resolve({})).toMatchObject({
      duration: 10_000,
      connections: [{ duration: 10_000, from: 10, to: 10 }],
      pipelining: 1,
      timeout: 10_000,
      progressInterval: 500,
      requests: [{ method: 'GET', path: '/orders' }],
    })
    expect(resolve({ amount: 5 })).not.toHaveProperty('duration')
    expect(resolve({ amount: 5, duration: 50 })).toMatchObject({ amount: 5, duration: 50 })
  })

  it('takes durations as text', () => {
    const stages = [{ duration: '1m', rate: 5 }, { duration: '250ms' }] as const
    const plan = resolve({ stages, warmup: { duration: '0.3s' }, timeout: '2s', progressInterval: '50ms' })
    expect(plan).toMatchObject({
      duration: 60_250,
      rate: [{ duration: 60_000 }, { duration: 250 }],
      warmup: { duration: 300 },
      timeout: 2_000,
      progressInterval: 50,
    })
    expect(resolve({ duration: '1.5h' }).duration).toBe(5_400_000)
  })

  it.for([
    [{ duration: 60_000 }, 1_000],
    [{ duration: '3s' }, 150],
    [{ duration: 500 }, 100],
    [{ stages: [{ duration: 1_000 }, { duration: 3_000 }] }, 200],
    [{ amount: 5 }, 1_000],
    [{ duration: 500, progressInterval: 30 }, 30],
  ] as const)('has rows enough of %j: one each %s ms', ([options, interval]) => {
    expect(resolve(options).progressInterval).toBe(interval)
  })

  it('lets the call win over a default that contradicts it', () => {
    const defaults = { duration: 5_000, pipelining: 4, method: 'POST', body: 'x', connections: 3 }
    expect(mergeLoadOptions({ stages: [{ duration: 1, rate: 5 }] }, defaults)).not.toHaveProperty('duration')
    expect(resolve({ rate: 5 }, { defaults })).toMatchObject({ pipelining: 1, duration: 5_000 })
    expect(resolve({ amount: 5 }, { defaults })).not.toHaveProperty('duration')
    expect(resolve({ method: 'GET' }, { defaults }).requests[0]).not.toHaveProperty('body')
    expect(resolve({ duration: 7 }, { defaults: { stages: [{ duration: 1_000 }] } })).toMatchObject({ duration: 7 })
  })

  it('takes VITEST_PERF_LOAD_DURATION over `duration`, as a cap of `amount` and for stages as a whole', () => {
    const env = { VITEST_PERF_LOAD_DURATION: '500' }
    expect(resolve({ duration: 9_000 }, { env })).toMatchObject({ duration: 500 })
    expect(resolve({ amount: 9 }, { env })).toMatchObject({ amount: 9, duration: 500 })
    expect(resolve({ stages: [{ duration: 3_000, rate: 9 }, { duration: 1_000 }] }, { env })).toMatchObject({
      duration: 500,
      stages: [{ duration: 375, rate: 9 }, { duration: 125 }],
    })
    for (const VITEST_PERF_LOAD_DURATION of ['soon', '0', '-5', '3000000000', '1e12']) {
      expect(() => resolve({}, { env: { VITEST_PERF_LOAD_DURATION } })).toThrow(
        /VITEST_PERF_LOAD_DURATION.*up to 2147483647/,
      )
    }
  })

  it('reports that there is no time for the load with all other mistakes, unless the time itself is one', () => {
    const lifetime = { signal: new AbortController().signal, deadline: performance.now() + 2_000, timeout: 2_500 }
    const options = (given: object, context: object = {}) => {
      try {
        resolve(given, { lifetime, ...context })
        return []
      } catch (error) {
        return (error as PerfOptionsError).issues.map(({ option }) => option)
      }
    }
    expect(options({ duration: 5_000, timeout: -1 })).toEqual(['timeout', 'duration'])
    expect(options({ rate: 10, amount: 100, conections: 1 })).toEqual(['conections', 'amount'])
    expect(options({ duration: '5 s', timeout: -1 })).toEqual(['duration', 'timeout'])
    expect(options({ duration: '5s' })).toEqual(['duration'])
    expect(options({ duration: '1s', warmup: { duration: '900ms' } })).toEqual(['duration'])
    expect(options({ duration: 1_000, warmup: { duration: 900 } })).toEqual(['duration'])
    expect(options({ duration: 1_000 })).toEqual([])
    const elsewhere = { option: 'onProgress', expected: 'a function', received: 5, message: 'Expected `onProgress`' }
    expect(options({ duration: 5_000, connections: 2 }, { issues: [elsewhere] })).toEqual(['onProgress', 'duration'])
    // What an open model may take for its first connections and last answers stands in the timeout to set.
    expect(() => resolve({ duration: 2_000, rate: 5 }, { lifetime })).toThrow(/timeout of at least 5000 ms/)
    expect(() => resolve({ duration: 2_000 }, { lifetime })).toThrow(/timeout of at least 3000 ms/)
  })

  it('sends the path of a request as it was written', () => {
    const paths = ['/a/%2e%2e/b', '/a/../b', '/ä?x=1 2&y=%41', '/a\\b|"c"', '/a#part']
    const plan = resolve({ requests: paths.map((path) => ({ path })) })
    expect(plan.requests.map(({ path }) => path)).toEqual([
      '/a/%2e%2e/b',
      '/a/../b',
      '/%C3%A4?x=1%202&y=%41',
      '/a%5Cb%7C%22c%22',
      '/a',
    ])
  })

  it('puts paths on the server, and the environment over it', () => {
    expect(resolve({ url: '/a' }, { baseUrl: 'http://h:1/api/' }).url).toBe('http://h:1/api/a')
    expect(resolve({ url: undefined }, { baseUrl: 'http://h:1' }).url).toBe('http://h:1/')
    expect(resolve({ url: '/a' }, { baseUrl: 'http://h:1', env: { VITEST_PERF_SERVER_URL: 'http://x:2' } }).url).toBe(
      'http://x:2/a',
    )
    expect(resolve({}, { baseUrl: 'http://h:1' }).url).toBe(url)
    expect(() => resolve({ url: '/a' })).toThrow(/a URL with http/)
    expect(() => resolve({ url: undefined })).toThrow(/Expected `url`/)
    expect(() => resolve({ url: '/a' }, { resolveUrl: () => 'nonsense' })).toThrow(/Expected `url`/)
  })

  it('plans headers: host, JSON, credentials, lists', () => {
    const plan = resolve({
      url: 'http://me:p%40ss@[::1]:8080/ä b?q=1 2',
      method: 'post',
      body: { a: 1 },
      headers: { Accept: ['a', 'b'] },
    })
    expect(plan.url).toBe('http://[::1]:8080/%C3%A4%20b?q=1%202')
    expect(plan.requests[0]).toMatchObject({ method: 'POST', path: '/%C3%A4%20b?q=1%202' })
    expect(plan.requests[0]?.headers).toEqual([
      ['Host', '[::1]:8080'],
      ['Connection', 'keep-alive'],
      ['Content-Type', 'application/json'],
      ['Authorization', `Basic ${Buffer.from('me:p@ss').toString('base64')}`],
      ['Accept', 'a'],
      ['Accept', 'b'],
    ])
    expect(resolve({ headers: { HOST: 'other' } }).requests[0]?.headers).toEqual([
      ['Connection', 'keep-alive'],
      ['HOST', 'other'],
    ])
  })

  it('lets a header replace one of the same name in another case', () => {
    const plan = resolve(
      { url: 'http://host/', headers: { 'X-A': '1' }, requests: [{ headers: { 'x-a': '2' } }, {}] },
      { defaults: { headers: { 'x-A': '0', b: '0' } } },
    )
    const custom = plan.requests.map(({ headers }) => headers.filter(([name]) => !/^(host|connection)$/i.test(name)))
    expect(custom.map((headers) => headers.toSorted())).toEqual([
      [
        ['b', '0'],
        ['x-a', '2'],
      ],
      [
        ['X-A', '1'],
        ['b', '0'],
      ],
    ])
  })

  it('starts stages from what the load says, else from one connection and from rate 0', () => {
    const stages = [{ duration: 10, connections: 5 }, { duration: 10 }, { duration: 10, connections: 1 }]
    expect(resolve({ stages }).connections.map(({ from, to }) => [from, to])).toEqual([
      [1, 5],
      [5, 5],
      [5, 1],
    ])
    expect(resolve({ stages, connections: 3 }).connections[0]).toMatchObject({ from: 3 })
    const open = resolve({ stages: [{ duration: 10, rate: 50 }], rate: 20 })
    expect(open.rate).toEqual([{ duration: 10, from: 20, to: 50 }])
    expect(open.connections).toEqual([{ duration: 10, from: 10, to: 10 }])
  })
})
