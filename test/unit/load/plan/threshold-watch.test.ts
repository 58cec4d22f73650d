import { describe, expect, it } from 'vitest'
import { ThresholdWatch } from '../../../../src/load/plan/threshold-watch.ts'
import { emptyProgress } from '../../../../src/load/spec/empty-progress.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import { realClock } from '../../../../src/lifecycle/clock.ts'
import { parseThresholds } from '../../../../src/results/threshold.ts'

describe('ThresholdWatch', () => {
  const {
    progress: _,
    interval: __,
    ...empty
  } = emptyProgress(resolveLoadOptions({ url: 'http://h/' }, { env: {} }), realClock)
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
