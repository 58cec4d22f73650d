import { expect, it } from 'vitest'
import { Lease } from '../../../src/lifecycle/lease.ts'
import { VirtualClock } from '../virtual-clock.ts'

function startLease() {
  const clock = new VirtualClock()
  const ends: number[] = []
  const lease = new Lease(clock, 2_000, () => ends.push(clock.now()))
  return { clock, ends, lease }
}

it('a lease ends once, when nobody renews it', () => {
  const { clock, ends, lease } = startLease()
  clock.advance(1_900)
  lease.renew()
  clock.advance(1_900)
  expect(ends).toEqual([])
  clock.advance(5_000)
  expect(ends.map(Math.round)).toEqual([3_900])
  expect(clock.pending).toBe(0)
})

it('a lease that was renewed while its process stood still goes on', () => {
  const { clock, ends, lease } = startLease()
  clock.arrive(1_500, () => lease.renew())
  clock.block(3_000)
  clock.advance(1_900)
  expect(ends).toEqual([])
  clock.advance(200)
  expect(ends).toHaveLength(1)
})

it('a lease that was released calls nobody', () => {
  const { clock, ends, lease } = startLease()
  lease.release()
  clock.advance(5_000)
  expect(ends).toEqual([])
  expect(clock.pending).toBe(0)
})
