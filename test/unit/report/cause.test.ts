import { describe, expect, test } from 'vitest'
import { explainFailure } from '../../../src/report/failure.ts'
import { groupFailures } from '../../../src/report/failure-groups.ts'
import { faultLine, withoutNoise } from '../../../src/results/fault-line.ts'
import { connectionsNeeded, redirectText } from '../../../src/report/load-text.ts'
import { summarizeRun, summarizeTest } from '../../../src/report/summary.ts'
import { PerfOptionsError } from '../../../src/errors.ts'
import { firstCause } from '../../../src/report/cause.ts'
import { PROFILE_KIND } from '../../../src/report/profile-kind.ts'
import { loadName } from '../../../src/results/load-plan-summary.ts'
import {
  loadArtifact,
  loadResult,
  memoryArtifact,
  memoryResult,
  serverArtifact,
  testRecord,
  thresholdArtifact,
} from './samples.ts'

function storyOf(...args: Parameters<typeof testRecord>) {
  const summary = summarizeTest(testRecord({ state: 'failed', ...args[0] }))
  const story = summary && explainFailure(summary)
  if (!story) throw new Error('no story')
  return story
}
const causeOf = (...args: Parameters<typeof testRecord>) => storyOf(...args).cause
const firstLoad = (...args: Parameters<typeof loadArtifact>) => {
  const [load] = summarizeTest(testRecord({ artifacts: [loadArtifact(...args)] }))?.loads ?? []
  if (!load) throw new Error('no load')
  return load
}

describe('the cause is whole', () => {
  test('of mistakes in options: every one of them', () => {
    const issue = (message: string) => ({ option: 'x', expected: 'y', received: 1, message })
    const { message } = new PerfOptionsError('load options', [
      issue('Expected `rate` to be positive, got `0` (number)'),
      issue('Unknown option `conections` (`10` (number)); did you mean `connections`?'),
    ])
    expect(message.split('\n')).toEqual([
      'Invalid load options: Expected `rate` to be positive, got `0` (number) (and 1 more)',
      '  - Unknown option `conections` (`10` (number)); did you mean `connections`?',
    ])
    const errors = [{ name: 'PerfOptionsError', message, code: 'PERF_INVALID_OPTIONS' }]
    expect(causeOf({ errors })).toBe(
      'Invalid load options: Expected `rate` to be positive, got `0` (number); Unknown option `conections` (`10` (number)); did you mean `connections`?',
    )
  })

  test("of a start that failed: the probe's answer", () => {
    const error =
      'The server was not ready within 3.00 s. Set `health.path` to what answers.\n  command: node s.js\n  last health check: GET http://127.0.0.1:4100/healthz answered 404\n  output: none'
    const cause =
      'the server `node s.js` did not start: The server was not ready within 3.00 s. Set `health.path` to what answers. Last health check: GET http://127.0.0.1:4100/healthz answered 404.'
    const artifacts = [serverArtifact({ event: 'failed', source: 'node s.js', error, output: '' })]
    expect(
      causeOf({ errors: [{ name: 'ServerStartError', message: error, code: 'PERF_SERVER_START' }], artifacts }),
    ).toBe(cause)
    const { lastAttempt, ...parts } = {
      lastAttempt: { asked: 'GET /healthz', answered: 'answered 404' },
      error: 'The server was not ready.',
    }
    expect(
      causeOf({
        artifacts: [serverArtifact({ event: 'failed', source: 'node s.js', lastAttempt, ...parts, output: '' })],
      }),
    ).toContain('Last health check: GET /healthz answered 404.')
  })

  test("of a crash: the server's own exception line", () => {
    const output = [
      'listening on 4100',
      '/app/server.js:12',
      "    throw new Error('out of handles')",
      '    ^',
      '',
      'Error: out of handles',
      '    at serve (/app/server.js:12:11)',
      '    at Server.emit (node:events:524:28)',
      '',
      'Node.js v20.20.0',
      'npm ERR! Lifecycle script `start` failed with error:',
      'npm ERR! code 1',
    ].join('\n')
    const { cause, output: shown } = storyOf({
      artifacts: [serverArtifact({ event: 'exited', exitCode: 1, source: 'npm start', output })],
    })
    expect(cause).toBe('the server `npm start` died during the test with code 1: Error: out of handles')
    expect(shown.join('\n')).not.toMatch(/npm ERR|Node\.js v/)
    expect(shown).toContain('Error: out of handles')
  })

  test('of a missed threshold on failures: what failed most, with its status', () => {
    const errors = {
      total: 100,
      timeouts: 0,
      non2xx: 100,
      byKind: { status: { count: 100, message: 'status 404', firstAt: 0, lastAt: 900 } },
    }
    const result = loadResult({ title: 'orders', errors, errorRate: 1, statusCodes: { 404: 100 }, requests: 100 })
    const missed = thresholdArtifact([{ metric: 'errorRate', expression: '<0.01', value: 1, passed: false }])
    expect(causeOf({ artifacts: [loadArtifact({}, result), missed] })).toBe(
      'errorRate of "orders" was 100%, expected < 1% (100x the bound): status 404 × 100 from GET /orders',
    )
    const refused = loadResult({
      title: 'orders',
      errors: {
        total: 12,
        timeouts: 0,
        non2xx: 0,
        byKind: { refused: { count: 12, message: 'connect ECONNREFUSED 127.0.0.1:1', firstAt: 0, lastAt: 9 } },
      },
    })
    expect(causeOf({ artifacts: [loadArtifact({}, refused), missed] })).toContain(
      'refused × 12 (connect ECONNREFUSED 127.0.0.1:1)',
    )
  })

  test('of a leak: who keeps it', () => {
    expect(causeOf({ artifacts: [memoryArtifact({}, memoryResult('leak'))] })).toMatch(
      /^memory of server leaks: .*; kept by remember \(src\/cart\.ts:12\), /,
    )
  })

  test('of a saturated machine: that the figures are not judged, before any figure', () => {
    const generator = { eventLoopUtilization: 1, cpuPerRequest: 1, reason: 'its event loop was busy' }
    const result = loadResult({ title: 'x', saturated: true, generator })
    const missed = thresholdArtifact([{ metric: 'latency.p99', expression: '<50', value: 84.7, passed: false }])
    expect(causeOf({ artifacts: [loadArtifact({}, result), missed] })).toMatch(
      /^not judged: the machine was the limit \(its event loop was busy\); latency\.p99 of "x" was 84\.7 ms/,
    )
  })

  test('of wrong answers on a saturated machine: the answers, which the machine did not make wrong', () => {
    const generator = { eventLoopUtilization: 1, cpuPerRequest: 1, reason: 'its event loop was busy' }
    const missed = thresholdArtifact([{ metric: 'errorRate', expression: '<0.01', value: 1, passed: false }])
    const failed = (kind: 'status' | 'timeout') =>
      loadResult({
        title: 'x',
        saturated: true,
        generator,
        errors: {
          total: 100,
          timeouts: kind === 'timeout' ? 100 : 0,
          non2xx: 0,
          byKind: { [kind]: { count: 100, message: 'status 404', firstAt: 0, lastAt: 900 } },
        },
      })
    expect(causeOf({ artifacts: [loadArtifact({}, failed('status')), missed] })).toMatch(/^errorRate of "x" was 100%/)
    expect(causeOf({ artifacts: [loadArtifact({}, failed('timeout')), missed] })).toMatch(/^not judged: the machine/)
  })

  test("of the spec's own error: all of its lines", () => {
    const message = 'expected rows to be equal\n  first  12\n  second 13'
    expect(causeOf({ errors: [{ name: 'Error', message }], artifacts: [loadArtifact()] })).toBe(
      'expected rows to be equal first  12 second 13',
    )
  })
})

describe('the line that names the fault', () => {
  test.each([
    [
      ['Traceback (most recent call last):', '  File "a.py", line 1', "KeyError: 'DATABASE_URL'"],
      "KeyError: 'DATABASE_URL'",
    ],
    [
      ['panic: runtime error: index out of range [5]', '', 'goroutine 1 [running]:'],
      'panic: runtime error: index out of range [5]',
    ],
    [
      ['Exception in thread "main" java.lang.IllegalStateException: no port', '\tat App.main(App.java:3)'],
      'Exception in thread "main" java.lang.IllegalStateException: no port',
    ],
    [['sh: 1: nodee: not found'], 'sh: 1: nodee: not found'],
    [["app.rb:3:in `run': boom (RuntimeError)"], "app.rb:3:in `run': boom (RuntimeError)"],
    [["thread 'main' panicked at src/main.rs:2:5:", 'boom'], "thread 'main' panicked at src/main.rs:2:5: boom"],
    [
      ['Error [ERR_MODULE_NOT_FOUND]: Cannot find module', '    at x (node:internal)'],
      'Error [ERR_MODULE_NOT_FOUND]: Cannot find module',
    ],
    [['GET /orders 200', 'ready'], undefined],
  ])('%j', (lines, line) => {
    expect(faultLine(lines.join('\n'))).toBe(line)
  })

  test('is not one of npm', () => {
    expect(
      withoutNoise([
        '> shop@1.0.0 start',
        '> node server.js',
        '',
        'ready',
        'npm error code ELIFECYCLE',
        'npm ERR! errno 1',
      ]),
    ).toEqual(['ready'])
  })
})

describe('what a load was', () => {
  test('has one name everywhere', () => {
    expect(loadName({ method: 'POST', url: 'http://h:1/orders?x=1' })).toBe('POST /orders?x=1')
    expect(loadName({ method: 'GET', url: 'http://h:1/a', requests: 12 })).toBe('GET /a and 11 more')
    expect(loadName({ scenario: './load/shop.scenario.ts', mix: { browse: 9, buy: 1 } })).toBe(
      'shop.scenario.ts (browse 9, buy 1)',
    )
    expect(loadName({ scenario: 'file:///x/shop.scenario.ts' })).toBe('shop.scenario.ts')
  })

  test('tells a login page from an answer', () => {
    const to = { location: '/login?next=%2Forders', status: 302, count: 1_200 }
    const all = firstLoad({}, loadResult({ requests: 1_200, statusCodes: { 302: 1_200 }, redirectedTo: to }))
    expect(redirectText(all)).toBe('all 1,200 answers were 302 to /login')
    const some = firstLoad({}, loadResult({ requests: 1_200, statusCodes: { 200: 700, 302: 500 }, redirectedTo: to }))
    expect(redirectText(some)).toBe('500 of 1,200 answers were redirects, the first a 302 to /login')
    expect(redirectText(firstLoad({}, loadResult({ requests: 9, statusCodes: { 304: 9 } })))).toBeUndefined()
  })

  test('has a remedy as a number for arrivals that were dropped', () => {
    // 50 connections served 100 of 300 arrivals a second: three times as many, and a tenth more.
    const load = firstLoad(
      { plan: { connections: 50, rate: 300 } },
      loadResult({ requests: 1_000, dropped: 2_000, unanswered: 0 }),
    )
    expect(connectionsNeeded(load)).toBe(170)
    expect(
      connectionsNeeded(firstLoad({ plan: { connections: 1, rate: 300 } }, loadResult({ requests: 0, dropped: 9 }))),
    ).toBe(undefined)
  })

  test('has none for a server that died', () => {
    const artifacts = [loadArtifact({}, loadResult({ dropped: 40 })), serverArtifact({ event: 'exited', exitCode: 1 })]
    expect(storyOf({ artifacts }).details.join('\n')).not.toContain('dropped')
    expect(storyOf({ artifacts: artifacts.slice(0, 1) }).details.join('\n')).toContain('raise `connections` to about')
  })
})

test('a cause that several tests share is told once, whatever its ports and times', () => {
  const start = (port: number) =>
    serverArtifact({
      event: 'failed',
      output: '',
      error: `The server exited after ${port / 100} ms: GET http://127.0.0.1:${port}/health refused`,
    })
  const records = [4_100, 38_123, 4_100].map((port, index) =>
    testRecord({ path: [`test ${index}`], state: 'failed', artifacts: [start(port)] }),
  )
  const groups = groupFailures(summarizeRun(records).tests)
  expect(groups.map(({ tests }) => tests.map(({ path }) => path[0]))).toEqual([['test 0', 'test 1', 'test 2']])
})

test('a profile says why a figure of time was missed', () => {
  const summary = ['The event loop was 98 % busy; 61 % of it in parseTokens (src/auth.ts:42).']
  const profile = { repeated: true, duration: 1, requests: 1, isolates: [], waits: [], files: [], summary }
  const entry = { id: 'profile-1', attempt: 0, title: 'orders', measurement: 'load-1', profile }
  const missed = {
    id: 't',
    attempt: 0,
    metric: 'latency.p99',
    expression: '<50',
    value: 182,
    passed: false,
    measurement: 'load-1',
  }
  const attempt = { errors: [], loads: [], memory: [], servers: [], measured: [{ kind: PROFILE_KIND, entry }] }
  const cause = (metric: string) => firstCause({ ...attempt, thresholds: [{ ...missed, metric }] } as never)
  expect(cause('latency.p99')).toMatch(
    /^latency\.p99 was 182 ms, .*\. The event loop was 98 % busy; 61 % of it in parseTokens \(src\/auth\.ts:42\)\.$/,
  )
  expect(cause('errorRate')).not.toContain('event loop')
})
