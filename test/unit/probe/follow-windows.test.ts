import { describe, expect, it } from 'vitest'
import { FollowWindows } from '../../../src/probe/follow-windows.ts'

/** The requests that are followed of a steady rate, by the times at which they begin. */
function followed(rate: number, duration: number, isWorthwhile = true): number[] {
  const windows = new FollowWindows()
  const times = Array.from({ length: Math.round((rate * duration) / 1_000) }, (_, index) => (index * 1_000) / rate)
  return times.filter((time) => windows.admits(time, isWorthwhile))
}

describe('of the requests that a server answers', () => {
  it('all are followed where it is slow', () => {
    expect(followed(9, 5_000)).toHaveLength(45)
  })

  it('one in eight is followed where it is quick, in stretches of 50 ms over the whole time', () => {
    const times = followed(8_000, 4_000)
    expect(times.length / 32_000).toBeCloseTo(1 / 8, 1)
    expect(new Set(times.map((time) => Math.floor(time / 400)))).toEqual(
      new Set(Array.from({ length: 10 }, (_, i) => i)),
    )
  })

  it('those of the first stretch alone are followed where no code called out of the server', () => {
    expect(followed(8_000, 4_000, false).length).toBeLessThan(500)
  })

  it('half are followed where 50 take a second', () => {
    expect(followed(50, 20_000).length / 1_000).toBeCloseTo(0.5, 1)
  })
})
