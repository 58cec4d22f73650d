import { describe, expect, it } from 'vitest'
import { Stalls } from '../../../../src/load/measure/stalls.ts'

describe('Stalls', () => {
  it('adds up what looks at the clock come too late by, but for a few milliseconds', () => {
    const stalls = new Stalls(10, 1_000)
    for (const at of [1_010, 1_020, 1_038, 1_048]) stalls.look(at)
    expect(stalls.total).toBe(0)
    for (const at of [1_358, 1_368, 1_478]) stalls.look(at)
    expect(stalls.total).toBe(400)
  })
})
