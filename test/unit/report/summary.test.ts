import { describe, expect, test } from 'vitest'
import { explainFailure } from '../../../src/report/failure.ts'
import { summarizeRun, summarizeTest, type TestRecord } from '../../../src/report/summary.ts'
import { testTables } from '../../../src/report/test-tables.ts'
import { nothingAsserted, verdictOf } from '../../../src/report/verdict.ts'
import {
  exampleRecords,
  loadArtifact,
  loadResult,
  memoryArtifact,
  memoryResult,
  progressArtifact,
  serverArtifact,
  testRecord,
  thresholdArtifact,
} from './samples.ts'

function summaryOf(...args: Parameters<typeof testRecord>) {
  const summary = summarizeTest(testRecord(...args))
  if (!summary) throw new Error('no summary')
  return summary
}

const causeOf = (...args: Parameters<typeof testRecord>) => explainFailure(summaryOf(...args))?.cause

describe('the fold', () => {
  test('says the same of live artifacts and of those that came through JSON', () => {
    const empty = loadResult({ requests: 0, errorRate: Number.NaN, requestsPerSecond: Number.NaN })
    empty.latency = { ...empty.latency, p50: Number.NaN, p99: Number.NaN }
    const records = [
      ...exampleRecords(),
      testRecord({
        file: 'empty.perf.ts',
        state: 'failed',
        artifacts: [
          loadArtifact({}, empty),
          thresholdArtifact([{ metric: 'latency.p99', expression: '<50', value: null, passed: false }]),
        ],
      }),
    ]
    const live = summarizeRun(records)
    const merged = summarizeRun(JSON.parse(JSON.stringify(records)) as typeof records)
    expect(merged).toEqual(live)
    expect(live.tests.find(({ file }) => file === 'empty.perf.ts')?.loads[0]?.result.latency.p99).toBeNull()
    expect(live.tests.flatMap(testTables)).toEqual(merged.tests.flatMap(testTables))
  })

  test('orders tests by file, whatever the order they came in', () => {
    const records = exampleRecords()
    const shuffled = [records[3], records[2], records[0], records[1]].filter((record) => record !== undefined)
    expect(summarizeRun(shuffled).tests).toEqual(summarizeRun(records).tests)
  })

  test('counts every test and keeps only those that measured', () => {
    const summary = summarizeRun([
      testRecord({ artifacts: [{ type: 'other:artifact' }] }),
      testRecord({ state: 'skipped' }),
      testRecord({ artifacts: [progressArtifact()] }),
      testRecord({ artifacts: [loadArtifact()] }),
    ])
    expect(summary.counts).toEqual({ total: 4, passed: 3, failed: 0, skipped: 1, pending: 0 })
    expect(summary.tests).toHaveLength(1)
  })

  test('folds the events of a server into its life', () => {
    const { servers } = summaryOf({
      artifacts: [
        serverArtifact(),
        serverArtifact({ event: 'exited', exitCode: null, exitSignal: 'SIGKILL', output: 'bye' }),
        serverArtifact({ readyAfter: 99 }),
        serverArtifact({ event: 'exited', exitCode: 1 }),
        serverArtifact({ event: 'stopped' }),
        serverArtifact({ id: 'server-2', source: 'other', event: 'failed', error: 'no such command' }),
      ],
    })
    expect(servers).toHaveLength(2)
    expect(servers[0]).toMatchObject({ crashes: 2, state: 'exited', readyAfter: 99, exitCode: 1, output: 'bye' })
    expect(servers[1]).toMatchObject({ crashes: 0, state: 'failed', readyAfter: null })
  })

  test('calls a load without a title by its request, the only one of its test too', () => {
    const untitled = (id: string, url: string) => {
      const { title: _, ...result } = loadResult({ url })
      return loadArtifact({ id }, result)
    }
    const titles = (artifacts: object[]) => summaryOf({ artifacts }).loads.map(({ title }) => title)
    expect(
      titles([untitled('1', 'http://h:1/a?b=1'), untitled('2', 'http://h:1/c'), loadArtifact({ id: '3' })]),
    ).toEqual(['GET /a?b=1', 'GET /c', 'GET /orders'])
    expect(titles([untitled('1', 'http://h:1/a')])).toEqual(['GET /a'])
  })

  test('names a threshold once that the load and the spec both hold', () => {
    const outcome = { metric: 'latency.p99', expression: '<50', value: 12, passed: true }
    const { thresholds } = summaryOf({
      artifacts: [
        loadArtifact({ thresholds: [outcome] }),
        thresholdArtifact([outcome, { ...outcome, expression: '<20' }]),
      ],
    })
    expect(thresholds.map(({ expression }) => expression)).toEqual(['<50', '<20'])
    expect(thresholds[1]?.title).toBe('GET /orders')
  })
})

describe('what made a test fail first', () => {
  const missed = thresholdArtifact([{ metric: 'latency.p99', expression: '<50', value: 84, passed: false }])

  test('is a server that died, before all that followed from it', () => {
    expect(
      causeOf({ state: 'failed', artifacts: [missed, serverArtifact({ event: 'exited', exitSignal: 'SIGSEGV' })] }),
    ).toBe('the server `node server.js` died during the test by SIGSEGV')
  })

  test('is a server that was killed without a word, and who may have killed it', () => {
    expect(
      causeOf({ state: 'failed', artifacts: [serverArtifact({ event: 'exited', exitSignal: 'SIGKILL', output: '' })] }),
    ).toBe(
      'the server `node server.js` died during the test by SIGKILL. Something killed it: perhaps the system, because memory ran out.',
    )
  })

  test('is a server that never started, with its reason', () => {
    expect(
      causeOf({ state: 'failed', artifacts: [serverArtifact({ event: 'failed', error: 'spawn nope ENOENT\nat x' })] }),
    ).toBe('the server `node server.js` did not start: spawn nope ENOENT')
  })

  test('is the time-out, with how far the load had come', () => {
    const errors = [{ name: 'Error', message: 'Test timed out in 5000ms.\nIf this is …' }]
    const partial = loadResult({ title: 'GET /', duration: 4_200, requests: 5_000, aborted: true })
    expect(causeOf({ state: 'failed', errors, artifacts: [loadArtifact({ outcome: 'aborted' }, partial)] })).toBe(
      'the test timed out after 5.00 s; "GET /" had run 4.20 s of 10.0 s with 5,000 requests. Raise its `timeout` if it needs longer.',
    )
  })

  test.each([
    ['latency.p99', '<50', 84, 'latency.p99 of "GET /orders" was 84.0 ms, expected < 50 ms (68% over)'],
    ['requestsPerSecond', '>1000', 900, 'requestsPerSecond of "GET /orders" was 900/s, expected > 1,000/s (10% under)'],
    ['errorRate', '<=0', 0.02, 'errorRate of "GET /orders" was 2.00%, expected <= 0% (2.00% over)'],
    ['latency.p99', '<50', null, 'latency.p99 of "GET /orders" has no data, expected < 50 ms'],
    ['growth.bytes', '<1048576', 3145728, 'growth.bytes of "GET /orders" was 3.00 MB, expected < 1 MB (3x the bound)'],
    ['latency.p99', '<50', 5000, 'latency.p99 of "GET /orders" was 5.00 s, expected < 50 ms (100x the bound)'],
    ['latency.p99', '<50', 213, 'latency.p99 of "GET /orders" was 213 ms, expected < 50 ms (4.3x the bound)'],
    ['latency.p99', '<50', 50, 'latency.p99 of "GET /orders" was 50.0 ms, expected < 50 ms (not below 50 ms)'],
  ])('is a threshold: %s %s with %s', (metric, expression, value, cause) => {
    const outcomes = [{ metric, expression, value, passed: false }]
    expect(causeOf({ state: 'failed', artifacts: [loadArtifact(), thresholdArtifact(outcomes)] })).toBe(cause)
  })

  test('is a leak', () => {
    expect(causeOf({ state: 'failed', artifacts: [memoryArtifact({}, memoryResult('leak'))] })).toContain(
      'memory of server leaks: memory left',
    )
  })

  test('is the whole of its own error, where nothing of ours failed', () => {
    const errors = [{ name: 'AssertionError', message: 'expected 1 to be 2\n\u001b[31mdiff' }]
    expect(causeOf({ state: 'failed', errors, artifacts: [loadArtifact()] })).toBe('expected 1 to be 2 diff')
  })

  test('is that error also where a threshold was missed or memory leaked as the spec expected', () => {
    const errors = [{ name: 'AssertionError', message: 'expected 1 to be 2' }]
    const artifacts = [loadArtifact(), missed, memoryArtifact({}, memoryResult('leak'))]
    expect(causeOf({ state: 'failed', errors, artifacts })).toBe('expected 1 to be 2')
  })

  test('is that error also where the spec caught a failure of ours, and the failure where it did not', () => {
    const errors = [{ name: 'AssertionError', message: 'expected 1 to be 2' }]
    const load = loadArtifact({ outcome: 'failed', error: 'every connection was refused\nSee' })
    const start = serverArtifact({ event: 'failed', error: 'The port is in use\nby' })
    expect(causeOf({ state: 'failed', errors, artifacts: [load, start] })).toBe('expected 1 to be 2')
    const refused = [{ name: 'LoadError', message: 'every connection was refused\nSee' }]
    expect(causeOf({ state: 'failed', errors: refused, artifacts: [load, start] })).toContain('every connection')
    const inUse = [{ name: 'PortInUseError', message: 'The port is in use\nby' }]
    expect(causeOf({ state: 'failed', errors: inUse, artifacts: [load, start] })).toContain('did not start: The port')
  })

  test('is looked for in the last attempt', () => {
    const artifacts = [
      missed,
      loadArtifact({ attempt: 1 }),
      thresholdArtifact([{ metric: 'errorRate', expression: '<0.1', value: 0.5, passed: false }], { attempt: 1 }),
    ]
    expect(causeOf({ state: 'failed', artifacts })).toContain('errorRate')
  })

  test('is nothing for a test that passed', () => {
    expect(explainFailure(summaryOf({ artifacts: [missed] }))).toBeUndefined()
  })
})

test('the story of a failure says where the time went', () => {
  const slow = loadResult(
    {
      title: 'x',
      dropped: 40,
      saturated: true,
      generator: { eventLoopUtilization: 1, cpuPerRequest: 1, reason: 'its event loop was busy' },
    },
    { slowAt: 4 },
  )
  const story = explainFailure(summaryOf({ state: 'failed', artifacts: [loadArtifact({}, slow)] }))
  expect(story?.details).toEqual([
    '12 errors (0.10% of all attempts)',
    '  9 timeout, at 4.10 s to 4.95 s: no answer within 10 000 ms',
    '  3 reset, at 4.20 s to 4.90 s: read ECONNRESET',
    'slowest interval: 4.00 s to 5.00 s, p99 290 ms at 154/s (typical p99 38.1 ms)',
    "the machine was the limit (its event loop was busy): latencies are not the server's alone",
    '40 arrivals were dropped: all connections were busy; raise `connections` to about 12, or lower `rate`',
  ])
})

test('nothing is said of the latencies of a load that nobody answered', () => {
  const whole = loadResult({ saturated: true })
  const none = { ...whole, requests: 0, latency: { ...whole.latency, p50: NaN } }
  const [load] = testTables(summaryOf({ artifacts: [loadArtifact({}, none)] }))
  expect(load?.notes.join()).not.toContain('the machine was the limit')
})

test('a test that passed says what its figures are worth, too', () => {
  const result = loadResult({ saturated: true, dropped: 7, collections: { count: 12, time: 80, requestsHit: 31 } })
  const [load] = testTables(summaryOf({ artifacts: [loadArtifact({}, result)] }))
  expect(load?.notes).toEqual([
    'GET http://127.0.0.1:4001/orders, 10 connections, 10.0 s',
    "the machine was the limit: latencies are not the server's alone",
    '7 arrivals were dropped: all connections were busy; raise `connections` to about 12, or lower `rate`',
    '31 requests waited for one of 12 forced collections (80.0 ms in all) of the memory watch',
  ])
})

describe('the verdict', () => {
  const verdict = (records: TestRecord[], outside = 0) => verdictOf(summarizeRun(records, outside))
  const holds = testRecord({ artifacts: [loadArtifact()] })

  test('counts what holds', () => {
    expect(verdict(exampleRecords())).toEqual({ state: 'failed', text: '3 of 4 perf tests failed' })
    expect(verdict([holds])).toEqual({ state: 'passed', text: '1 of 1 perf test holds' })
    expect(verdict([])).toEqual({ state: 'unsure', text: 'No perf test ran' })
  })

  test('counts a test that failed before it measured', () => {
    const errors = [{ name: 'PerfOptionsError', message: 'Invalid load options: no', code: 'PERF_INVALID_OPTIONS' }]
    expect(verdict([holds, testRecord({ state: 'failed', errors })])).toEqual({
      state: 'failed',
      text: '1 of 2 perf tests failed',
    })
    const began = { type: 'perf:attempt', id: 'attempt', attempt: 0, assertions: 0 }
    const own = [{ name: 'TypeError', message: 'x is not a function' }]
    expect(verdict([holds, testRecord({ state: 'failed', errors: own, artifacts: [began] })]).state).toBe('failed')
  })

  test('is not green where something else in the run failed', () => {
    const other = testRecord({ state: 'failed', errors: [{ name: 'Error', message: 'no' }] })
    expect(verdict([holds, other])).toEqual({ state: 'unsure', text: '1 of 1 perf test holds, 1 other test failed' })
    expect(verdict([holds], 2)).toEqual({ state: 'unsure', text: '1 of 1 perf test holds, 2 failures outside tests' })
  })

  test('tells of leak verdicts that are inconclusive', () => {
    const unsure = testRecord({ artifacts: [memoryArtifact({}, memoryResult('inconclusive'))] })
    expect(verdict([holds, unsure])).toEqual({
      state: 'unsure',
      text: '2 of 2 perf tests hold, 1 leak verdict inconclusive',
    })
  })

  test('tells of tests that measured and asserted nothing', () => {
    const end = (assertions: number) => ({ type: 'perf:attempt', id: 'attempt', attempt: 0, assertions })
    const failing = loadArtifact({}, loadResult({ errorRate: 0.98 }))
    const silent = testRecord({ artifacts: [failing, end(0)] })
    expect(verdict([silent])).toEqual({ state: 'unsure', text: '1 of 1 perf test holds, 1 asserted nothing' })
    expect(nothingAsserted(summaryOf({ artifacts: [failing, end(0)] }))).toBe(
      'measured, nothing asserted; 98.0% errors',
    )
    expect(nothingAsserted(summaryOf({ artifacts: [failing, end(1)] }))).toBeUndefined()
    expect(nothingAsserted(summaryOf({ artifacts: [failing] }))).toBeUndefined()
    const own = loadArtifact({ thresholds: [{ metric: 'errorRate', expression: '<1', value: 0.98, passed: true }] })
    expect(nothingAsserted(summaryOf({ artifacts: [own, end(0)] }))).toBeUndefined()
  })
})
