import { expect, it } from 'vitest'
import { LoadHost } from '../../../../src/load/engine/load-host.ts'
import type { LoadReportMessage } from '../../../../src/load/messages.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import { VirtualClock } from '../../virtual-clock.ts'
import { ScriptedWire } from '../scripted-wire.ts'
import { answersAfter } from '../virtual-load.ts'

it('ends a run with a lease when the beats stop', async () => {
  const clock = new VirtualClock()
  const wire = new ScriptedWire(clock, answersAfter(10))
  const ends: LoadReportMessage[] = []
  const measureCost = () => ({ read: () => ({ cpu: 1, eventLoopUtilization: 0.1 }), stop() {} })
  const host = new LoadHost(
    () => ({ clock, wire, measureCost }),
    (message) => void (message.type === 'end' && ends.push(message)),
  )
  const plan = resolveLoadOptions({ url: 'http://10.0.0.1/', duration: 60_000, connections: 1 }, { env: {} })
  host.onMessage({ type: 'run', id: 'l1', plan, lease: 2_000 })
  // Its run begins in a microtask.
  await Promise.resolve()
  for (let beats = 0; beats < 5; beats += 1) {
    clock.advance(1_900)
    host.onMessage({ type: 'beat', id: 'l1' })
  }
  expect(ends).toEqual([])
  clock.advance(1_999)
  expect(ends).toEqual([])
  clock.advance(2)
  expect(ends).toMatchObject([{ id: 'l1', end: { outcome: 'aborted' } }])
  const sent = wire.requests.length
  clock.advance(10_000)
  expect(wire.requests).toHaveLength(sent)
  expect(clock.pending).toBe(0)
})
