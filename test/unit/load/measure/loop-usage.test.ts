import { expect, test } from 'vitest'
import { LoopUsage, utilisationBetween } from '../../../../src/load/measure/loop-usage.ts'

test('leaves out the time in which a profiler recorded', () => {
  const loop = { idle: 100, active: 50 }
  const usage = new LoopUsage(() => ({ ...loop }))
  const pass = (idle: number, active: number) => {
    loop.idle += idle
    loop.active += active
  }
  const before = usage.read()
  pass(60, 40)
  usage.beginRecording()
  usage.beginRecording()
  pass(10, 90)
  expect(utilisationBetween(before, usage.read())).toBeCloseTo(0.4)
  usage.endRecording()
  usage.endRecording()
  pass(90, 10)
  expect(usage.read()).toEqual({ idle: 150, active: 50 })
  expect(utilisationBetween(before, usage.read())).toBeCloseTo(0.25)
})

test('knows nothing of a time in which a profiler recorded all along', () => {
  const loop = { idle: 0, active: 0 }
  const usage = new LoopUsage(() => ({ ...loop }))
  usage.beginRecording()
  const before = usage.read()
  loop.active = 100
  expect(utilisationBetween(before, usage.read())).toBeNaN()
})
