import { describe, expect, it } from 'vitest'
import { PerfOptionsError } from '../../../src/errors.ts'
import { describeLeak } from '../../../src/memory/leak-description.ts'
import type { LeakVerdict } from '../../../src/results/memory-result.ts'

function result(leak: Partial<LeakVerdict>) {
  const collections = { count: 40, time: 180 }
  const floors = Array.from({ length: 20 }, (_, index) => ({ timestamp: index, bytes: 1_000 }))
  return {
    title: 'checkout',
    floors,
    collections,
    leak: {
      verdict: 'leak',
      metric: 'heapUsed',
      bytesPerSecond: 4_000,
      bytesPerRequest: 200,
      pValue: 0,
      reason: 'It grew.',
      ...leak,
    },
  }
}

describe('describeLeak', () => {
  it('says that it leaks, why, and who holds the memory in three lines', () => {
    const suspects = ['a', 'b', 'c', 'd'].map((name) => ({
      function: name,
      location: `app.js:${name}`,
      bytes: 2_048,
      share: 0.4,
    }))
    const { leaking, message } = describeLeak(result({ suspects }))
    expect(leaking).toBe(true)
    expect(message.split('\n')).toEqual([
      "Memory leak (heapUsed) in 'checkout'.",
      'It grew.',
      '  a (app.js:a): 2.00 KB, 40 % of what is still alive',
      '  b (app.js:b): 2.00 KB, 40 % of what is still alive',
      '  c (app.js:c): 2.00 KB, 40 % of what is still alive',
      '(20 readings of memory after 40 forced collections, which took 180 ms)',
    ])
  })

  it('says in the third line what grew, where that is known', () => {
    const suspects = ['a', 'b', 'c'].map((name) => ({ function: name, location: `app.js:${name}`, bytes: 2_048 }))
    const constructors = ['Order', 'Map', 'function listen', 'Date'].map((name, index) => ({
      name,
      count: 1_500 + index,
      bytes: 4_096,
    }))
    expect(describeLeak(result({ suspects, constructors })).message.split('\n').slice(2, -1)).toEqual([
      '  a (app.js:a): 2.00 KB',
      '  b (app.js:b): 2.00 KB',
      '  grew: Order +1,500 (4.00 KB), Map +1,501 (4.00 KB), function listen +1,502 (4.00 KB)',
    ])
  })

  it('passes a stable one', () => {
    expect(describeLeak(result({ verdict: 'stable' }))).toMatchObject({ leaking: false })
  })

  it('passes an inconclusive one, and not when strict', () => {
    const unsure = result({ verdict: 'inconclusive', reason: 'Too few floors.' })
    expect(describeLeak(unsure).leaking).toBe(false)
    expect(describeLeak(unsure).message).toContain('Too few floors.')
    expect(describeLeak(unsure, { strict: true })).toMatchObject({ leaking: true })
    expect(describeLeak(unsure, { strict: true }, false).leaking).toBe(false)
  })

  it('fails an inconclusive one of a watch that was strict, says why, and lets the matcher say otherwise', () => {
    const unsure = { ...result({ verdict: 'inconclusive', reason: 'Too few floors.' }), strict: true }
    expect(describeLeak(unsure)).toMatchObject({ leaking: true, message: expect.stringContaining('`strict` is on') })
    expect(describeLeak(unsure).message).toContain('strict: false')
    expect(describeLeak(unsure, { strict: false }).leaking).toBe(false)
    expect(describeLeak(unsure, {}, false).leaking).toBe(false)
    expect(describeLeak({ ...unsure, ...result({ verdict: 'stable' }) }).leaking).toBe(false)
  })

  it('accepts a leak up to `maxBytesPerRequest`', () => {
    expect(describeLeak(result({}), { maxBytesPerRequest: 300 }).leaking).toBe(false)
    expect(describeLeak(result({}), { maxBytesPerRequest: 100 }).leaking).toBe(true)
  })

  it.each([undefined, null, 3, {}, { latency: {} }])('refuses %j, which no monitor returned', (received) => {
    expect(() => describeLeak(received)).toThrow(PerfOptionsError)
  })

  it('refuses unknown options', () => {
    expect(() => describeLeak(result({}), { strickt: true } as object)).toThrow('did you mean `strict`?')
  })
})
