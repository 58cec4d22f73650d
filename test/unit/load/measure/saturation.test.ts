import { describe, expect, it } from 'vitest'
import { factOf, saturationReason } from '../../../../src/load/measure/saturation.ts'
import { LatencyHistogram } from '../../../../src/results/latency-histogram.ts'

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
      /^1 % .* were noticed 25 ms or more after they were due/,
    ],
    ['one in two hundred late', { lateness: lateness([995, 1], [5, 25]) }, undefined],
    ['two of a few late', { lateness: lateness([5, 1], [2, 90]) }, undefined],
    ['three of a few late', { lateness: lateness([5, 1], [3, 90]) }, /^3 of 8 requests were noticed 90 ms/],
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

  it.for([
    [{ eventLoopUtilization: 0.99 }, 'the load process was busy 99 % of the time'],
    [{ stalled: 1_000 }, 'the load process stood still for 1000 of 5000 ms'],
    [{ lateness: lateness([5, 1], [3, 90]) }, /^3 of 8 requests were noticed \d+ ms or more after they were due$/],
    [{ ownLimit: 'EMFILE: too many open files' }, /too many open files\): raise the limit/],
  ] as const)('is a fact, without who is to blame, for those who know it: %o', ([state, fact]) => {
    const calm = { eventLoopUtilization: 0.1, duration: 5_000, lateness: undefined, stalled: 0, ownLimit: undefined }
    expect(factOf(saturationReason({ ...calm, ...state }) as string)).toEqual(
      typeof fact === 'string' ? fact : expect.stringMatching(fact),
    )
  })
})
