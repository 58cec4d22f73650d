import { expect, it } from 'vitest'
import { every, realClock } from '../../../src/lifecycle/clock.ts'
import { VirtualClock } from '../virtual-clock.ts'

it('every() calls again and again until it is cancelled, also from within', () => {
  const clock = new VirtualClock()
  const at: number[] = []
  const cancel = every(clock, 10, () => at.push(clock.now()))
  clock.advance(35)
  cancel()
  clock.advance(100)
  expect(at).toEqual([10, 20, 30])
  const stop = every(clock, 10, () => stop())
  clock.advance(100)
  expect(clock.pending).toBe(0)
})

it('the real clock does soon what is to be done soon, later what is later, and nothing that was cancelled', async () => {
  const done: string[] = []
  realClock.after(5, () => done.push('cancelled'))()
  realClock.soon(() => done.push('cancelled'))()
  const before = realClock.now()
  await new Promise<void>((resolve) => {
    realClock.after(2, () => {
      done.push('later')
      resolve()
    })
    realClock.soon(() => done.push('soon'))
  })
  expect(done).toEqual(['soon', 'later'])
  expect(realClock.now()).toBeGreaterThan(before)
  expect(Math.abs(realClock.origin + realClock.now() - Date.now())).toBeLessThan(1_000)
})
