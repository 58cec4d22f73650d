import { describe, expect, it } from 'vitest'
import { failureKind } from '../../../src/load/failure-kind.ts'
import { InFlightHistory } from '../../../src/load/in-flight-history.ts'
import { saturationReason } from '../../../src/load/saturation.ts'
import { failedForGood } from '../../../src/load/threshold-watch.ts'
import { emptyProgress } from '../../../src/load/empty-progress.ts'
import { resolveLoadOptions } from '../../../src/load/load-plan.ts'
import { LatencyHistogram } from '../../../src/metrics/latency-histogram.ts'
import { parseThresholds } from '../../../src/metrics/threshold.ts'

describe('failureKind', () => {
  it.for([
    ['ECONNREFUSED', 'refused'],
    ['ECONNRESET', 'reset'],
    ['EPIPE', 'reset'],
    ['ENOTFOUND', 'dns'],
    ['EAI_AGAIN', 'dns'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['EPROTO', 'tls'],
    ['ETIMEDOUT', 'timeout'],
    ['EMFILE', 'other'],
  ] as const)('%s is %s', ([code, kind]) => {
    expect(failureKind(Object.assign(new Error('why'), { code }))).toEqual({ kind, message: 'why' })
  })

  it('looks into an error of several addresses, and takes anything', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:3000'), { code: 'ECONNREFUSED' })
    expect(failureKind(new AggregateError([refused, refused]))).toEqual({ kind: 'refused', message: refused.message })
    expect(failureKind(new Error('of OpenSSL:\n')).message).toBe('of OpenSSL:')
    expect(failureKind('odd')).toEqual({ kind: 'other', message: 'odd' })
  })
})

describe('saturationReason', () => {
  function lateness(...groups: readonly [count: number, milliseconds: number][]): LatencyHistogram {
    const histogram = new LatencyHistogram()
    for (const [count, milliseconds] of groups) {
      for (let index = 0; index < count; index += 1) histogram.record(milliseconds)
    }
    return histogram
  }

  it.for([
    ['idle', { eventLoopUtilization: 0.9, duration: 5_000 }, undefined],
    ['busy', { eventLoopUtilization: 0.99, duration: 5_000 }, /busy 99 %/],
    ['busy with its first connections only', { eventLoopUtilization: 1, duration: 60 }, undefined],
    ['in time', { lateness: lateness([1_000, 3]) }, undefined],
    ['one in a hundred late', { lateness: lateness([990, 1], [11, 25]) }, /^1 % .* 25 ms or more after they were due/],
    ['one in two hundred late', { lateness: lateness([995, 1], [5, 25]) }, undefined],
    ['two of a few late', { lateness: lateness([5, 1], [2, 90]) }, undefined],
    ['three of a few late', { lateness: lateness([5, 1], [3, 90]) }, /^3 of 8 requests left 90 ms/],
    ['one request', { lateness: lateness([1, 90]) }, undefined],
  ] as const)('%s', ([, state, reason]) => {
    const found = saturationReason({ eventLoopUtilization: 0.1, duration: 1_000, lateness: undefined, ...state })
    if (reason) expect(found).toMatch(reason)
    else expect(found).toBeUndefined()
  })
})

describe('InFlightHistory', () => {
  it('counts what was sent before the end of a pause and not completed by its start', () => {
    const history = new InFlightHistory()
    expect(history.underwayDuring(0, 10)).toBe(0)
    // 100 sent a second, each taking 50 ms: five under way at any time.
    for (let time = 0; time <= 5_000; time += 10) {
      history.sent = time / 10
      history.completed = Math.max(0, time - 50) / 10
      history.note(time)
    }
    expect(history.underwayDuring(1_000, 1_000)).toBe(5)
    expect(history.underwayDuring(1_000, 1_100)).toBe(15)
    expect(history.underwayDuring(1_003, 1_008)).toBe(6)
    // What has left the history counts as its oldest, and what is to come as its newest.
    expect(history.underwayDuring(4_990, 9_000)).toBe(6)
  })

  it('keeps the last seconds only', () => {
    const history = new InFlightHistory()
    for (let time = 0; time <= 100_000; time += 10) {
      history.sent = history.completed = time
      history.note(time)
    }
    expect(history.underwayDuring(99_000, 99_010)).toBe(10)
    expect(history.underwayDuring(0, 10)).toBe(0)
  })
})

describe('failedForGood', () => {
  const { progress: _, interval: __, ...empty } = emptyProgress(resolveLoadOptions({ url: 'http://h/' }, { env: {} }))
  const result = { ...empty, duration: 2_000, requests: 900, errorRate: 0.1, errors: { ...empty.errors, total: 100 } }
  const judge = (thresholds: Record<string, string>, changes: object = {}) =>
    failedForGood({ ...result, ...changes }, parseThresholds(thresholds).conditions)

  it.for([
    [{ errorRate: '<0.01' }, true],
    [{ errorRate: '<0.5' }, false],
    [{ 'errors.total': '<50' }, true],
    [{ 'errors.total': '==0' }, true],
    [{ requests: '>1000' }, false],
    [{ requests: '==1000' }, false],
    [{ requests: '<=100' }, true],
    [{ requestsPerSecond: '>1000' }, true],
    [{ 'latency.p99': '<50' }, false],
    [{ 'generator.eventLoopUtilization': '<0.1' }, false],
    [{ 'no.such': '<1' }, false],
  ] as const)('%o: %s', ([thresholds, failed]) => {
    expect(judge(thresholds as Record<string, string>) !== undefined).toBe(failed)
  })

  it('waits for data', () => {
    expect(judge({ errorRate: '<0.01' }, { duration: 500 })).toBeUndefined()
    expect(judge({ errorRate: '<0.01' }, { requests: 10, errors: { ...empty.errors, total: 5 } })).toBeUndefined()
  })
})
