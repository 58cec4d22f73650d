import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { LoopDelays, LoopTimer } from '../../../src/probe/loop-delay.ts'

function block(milliseconds: number): void {
  const until = performance.now() + milliseconds
  while (performance.now() < until);
}

describe('LoopTimer', () => {
  it('sees a blocked loop, at once where it is asked right after, and not what it is told to skip', async () => {
    const delays: number[] = []
    const timer = new LoopTimer((late) => void delays.push(late))
    timer.start()
    try {
      await delay(60)
      expect(delays.length).toBeGreaterThan(0)
      block(150)
      timer.catchUp()
      expect(delays.at(-1)).toBeGreaterThan(100)
      await delay(30)
      delays.length = 0
      timer.skip()
      block(400)
      await delay(50)
      expect(Math.max(0, ...delays)).toBeLessThan(390)
    } finally {
      timer.stop()
    }
    delays.length = 0
    await delay(60)
    expect(delays).toEqual([])
  })
})

describe('LoopDelays', () => {
  it('has percentiles of all and the worst since it was last read', () => {
    const delays = new LoopDelays()
    expect(delays.read()).toEqual({ p50: 0, p99: 0, max: 0, latest: 0 })
    for (let at = 0; at < 98; at += 1) delays.record(1)
    delays.record(200)
    delays.record(200)
    const first = delays.read()
    expect(first).toMatchObject({ max: 200, latest: 200 })
    expect(first.p50).toBeCloseTo(1, 1)
    expect(first.p99).toBeGreaterThan(195)
    expect(first.p99).toBeLessThanOrEqual(200)
    delays.record(3)
    expect(delays.read()).toMatchObject({ max: 200, latest: 3 })
  })
})
