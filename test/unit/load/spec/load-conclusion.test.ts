import { describe, expect, it } from 'vitest'
import { concludeLoad } from '../../../../src/load/spec/load-conclusion.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import { loadResult } from '../../report/samples.ts'

const plan = resolveLoadOptions(
  { url: 'http://127.0.0.1:1/', thresholds: { 'errors.total': '<50' }, abortOnFail: true },
  { env: {} },
)
const whenDecided = { metric: 'errors.total', expression: '<50', value: 271, passed: false }
const end = { outcome: 'failed-threshold' as const, thresholds: [whenDecided] }
const errors = (total: number) => ({ ...loadResult().errors, total })

describe('a load that its thresholds ended', () => {
  it('is told with the figures of its result, which has the answers that were under way', () => {
    const { error, thresholds } = concludeLoad({
      plan,
      result: loadResult({ errors: errors(668) }),
      end,
      callFailure: undefined,
    })
    expect(thresholds).toEqual([{ ...whenDecided, value: 668 }])
    expect(error?.message).toMatch(/errors\.total <50 {2}got 668/)
  })

  it('is told with those that ended it, where its result would hold', () => {
    const { thresholds } = concludeLoad({
      plan,
      result: loadResult({ errors: errors(3) }),
      end,
      callFailure: undefined,
    })
    expect(thresholds).toEqual([whenDecided])
  })
})
