import { describe, expect, it } from 'vitest'
import { failureOf } from '../../../../src/load/http/failure.ts'
import { InFlightHistory } from '../../../../src/load/measure/in-flight-history.ts'
import { saturationReason } from '../../../../src/load/measure/saturation.ts'
import { Stalls } from '../../../../src/load/measure/stalls.ts'
import { ThresholdWatch } from '../../../../src/load/engine/threshold-watch.ts'
import { emptyProgress } from '../../../../src/load/spec/empty-progress.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import { LatencyHistogram } from '../../../../src/results/latency-histogram.ts'
import { parseThresholds } from '../../../../src/results/threshold.ts'

describe('failureOf', () => {
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
  ] as const)('%s is %s', ([code, kind]) => {
    expect(failureOf(Object.assign(new Error('why'), { code }))).toEqual({ kind, message: 'why' })
  })

  it('tells what this machine has run out of from what the server does', () => {
    const failure = failureOf(Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' }))
    expect(failure).toEqual({ kind: 'other', message: 'connect EMFILE', ownLimit: true })
  })

  it('looks into an error of several addresses, and takes anything', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:3000'), { code: 'ECONNREFUSED' })
    expect(failureOf(new AggregateError([refused, refused]))).toEqual({ kind: 'refused', message: refused.message })
    expect(failureOf(new Error('of OpenSSL:\n')).message).toBe('of OpenSSL:')
    expect(failureOf('odd')).toEqual({ kind: 'other', message: 'odd' })
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
    [
      'one in a hundred late',
      { lateness: lateness([990, 1], [11, 25]) },
      /^1 % .* came up 25 ms or more after they were due/,
    ],
    ['one in two hundred late', { lateness: lateness([995, 1], [5, 25]) }, undefined],
    ['two of a few late', { lateness: lateness([5, 1], [2, 90]) }, undefined],
    ['three of a few late', { lateness: lateness([5, 1], [3, 90]) }, /^3 of 8 requests came up 90 ms/],
    ['one request', { lateness: lateness([1, 90]) }, undefined],
    ['a hiccup', { duration: 5_000, stalled: 200 }, undefined],
    ['frozen for a while', { duration: 5_000, stalled: 1_000 }, /^the load process stood still for 1000 of 5000 ms/],
    ['frozen in a short load', { duration: 100, stalled: 50 }, undefined],
    ['busy, and late for that', { eventLoopUtilization: 0.99, duration: 5_000, stalled: 1_000 }, /busy 99 %/],
    ['out of files', { ownLimit: 'connect EMFILE' }, /^it could not open all connections \(connect EMFILE\).*ulimit/],
  ] as const)('%s', ([, state, reason]) => {
    const calm = { eventLoopUtilization: 0.1, duration: 1_000, lateness: undefined, stalled: 0, ownLimit: undefined }
    const found = saturationReason({ ...calm, ...state })
    if (reason) expect(found).toMatch(reason)
    else expect(found).toBeUndefined()
  })
})

describe('Stalls', () => {
  it('adds up what looks at the clock come too late by, but for a few milliseconds', () => {
    const stalls = new Stalls(10, 1_000)
    for (const at of [1_010, 1_020, 1_038, 1_048]) stalls.look(at)
    expect(stalls.total).toBe(0)
    for (const at of [1_358, 1_368, 1_478]) stalls.look(at)
    expect(stalls.total).toBe(400)
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

describe('ThresholdWatch', () => {
  const { progress: _, interval: __, ...empty } = emptyProgress(resolveLoadOptions({ url: 'http://h/' }, { env: {} }))
  const at = (duration: number, changes: object = {}) => ({
    ...empty,
    duration,
    requests: 900,
    errorRate: 0.1,
    errors: { ...empty.errors, total: 100 },
    ...changes,
  })
  const watch = (thresholds: Record<string, string>, plan: { duration?: number; ramps?: boolean } = {}) =>
    new ThresholdWatch(parseThresholds(thresholds).conditions, { ramps: false, ...plan })

  it.for([
    [{ 'errors.total': '<50' }, true],
    [{ 'errors.total': '==0' }, true],
    [{ requests: '<=100' }, true],
    [{ 'latency.min': '>5' }, true],
    [{ 'errors.total': '<500' }, false],
    [{ requests: '>1000' }, false],
    [{ requests: '==1000' }, false],
    [{ 'latency.min': '<1' }, false],
    [{ unanswered: '==0' }, false],
    [{ errorRate: '<0.01' }, false],
    [{ 'generator.eventLoopUtilization': '<0.1' }, false],
    [{ 'no.such': '<1' }, false],
  ] as const)('at once, for what fails at the end too: %o %s', ([thresholds, ended]) => {
    const result = at(200, { unanswered: 5, latency: { ...empty.latency, min: 2 } })
    expect(watch(thresholds as Record<string, string>).judge(result) !== undefined).toBe(ended)
  })

  it.for([
    [{ errorRate: '<0.01' }, true],
    [{ requestsPerSecond: '>1000' }, true],
    [{ errorRate: '<0.5' }, false],
    [{ 'latency.p99': '<50' }, false],
    [{ requests: '>1000' }, false],
  ] as const)('for an average that fails for a while: %o %s', ([thresholds, ended]) => {
    const watching = watch(thresholds as Record<string, string>)
    for (const duration of [200, 900, 1_000, 1_300]) expect(watching.judge(at(duration))).toBeUndefined()
    expect(watching.judge(at(1_500)) !== undefined).toBe(ended)
  })

  it('not for one that recovers in between, of few attempts, or of a tenth of a long load', () => {
    const watching = watch({ errorRate: '<0.05' })
    for (const duration of [1_000, 1_400]) expect(watching.judge(at(duration))).toBeUndefined()
    for (const duration of [1_500, 1_600]) expect(watching.judge(at(duration, { errorRate: 0.04 }))).toBeUndefined()
    for (const duration of [1_700, 2_100]) expect(watching.judge(at(duration))).toBeUndefined()
    expect(watching.judge(at(2_200))).toMatchObject([{ metric: 'errorRate', value: 0.1, passed: false }])
    const few = watch({ errorRate: '<0.05' })
    for (const duration of [1_000, 5_000])
      expect(few.judge(at(duration, { requests: 9, errors: empty.errors }))).toBe(undefined)
    const long = watch({ errorRate: '<0.05' }, { duration: 60_000 })
    for (const duration of [1_000, 5_900, 6_100]) expect(long.judge(at(duration))).toBeUndefined()
    expect(long.judge(at(6_600))).toBeDefined()
  })

  const byName = {
    often: { ...empty, requests: 200, errorRate: 0.5, latency: { ...empty.latency, p95: 90, max: 99 } },
    seldom: { ...empty, requests: 7, errorRate: 0.5, errors: { ...empty.errors, total: 3 } },
  }
  const checks = { price: { passed: 5, failed: 5, rate: 0.5 } }
  const iterations = { count: 50, perSecond: 10, failed: 2, duration: { ...empty.latency, p95: 90 } }

  it.for([
    [{ 'byName["seldom"].errors.total': '==0' }, 'at once'],
    [{ 'byName["often"].latency.max': '<50' }, 'at once'],
    [{ 'checks["price"].failed': '==0' }, 'at once'],
    [{ 'iterations.failed': '==0' }, 'at once'],
    [{ 'statusCodes.503': '>0' }, 'at the end'],
    [{ 'checks["price"].passed': '>10' }, 'at the end'],
    [{ 'byName["often"].requests': '>1000' }, 'at the end'],
    [{ 'byName["often"].latency.p95': '<50' }, 'after a while'],
    [{ 'byName["often"].errorRate': '<0.01' }, 'after a while'],
    [{ 'byName["seldom"].errorRate': '<0.01' }, 'at the end'],
    [{ 'checks["price"].rate': '>=0.99' }, 'after a while'],
    [{ 'iterations.duration.p95': '<50' }, 'after a while'],
    [{ 'iterations.perSecond': '>20' }, 'after a while'],
  ] as const)('by names, checks and iterations: %o %s', ([thresholds, when]) => {
    const watching = watch(thresholds as Record<string, string>)
    const ends = [200, 1_000, 1_500].map(
      (duration) => watching.judge(at(duration, { byName, checks, iterations })) !== undefined,
    )
    expect(ends).toEqual(
      { 'at once': [true, true, true], 'after a while': [false, false, true], 'at the end': [false, false, false] }[
        when
      ],
    )
  })

  it('not for a rate that is yet to rise', () => {
    const ramp = watch({ requestsPerSecond: '>200', 'latency.p99': '<50' }, { ramps: true })
    const slow = { requestsPerSecond: 120 }
    for (const duration of [1_000, 2_000, 3_000]) expect(ramp.judge(at(duration, slow))).toBeUndefined()
    const late = { ...slow, latency: { ...empty.latency, p99: 80 } }
    for (const duration of [3_100, 3_700]) ramp.judge(at(duration, late))
    expect(ramp.judge(at(3_800, late))).toBeDefined()
  })
})
