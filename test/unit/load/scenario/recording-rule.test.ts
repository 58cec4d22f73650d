import { expect, test } from 'vitest'
import { RecordingRule } from '../../../../src/load/scenario/recording-rule.ts'

/** What the rule says over so many milliseconds, of a process that looks every 10 ms or as soon as `held` lets it. */
function decide(duration: number, activeAt: (now: number) => { active: number; held?: number }): string[] {
  const rule = new RecordingRule(0, { idle: 0, active: 0 })
  const acts: string[] = []
  let [now, active] = [0, 0]
  while (now < duration) {
    const { active: share, held = 0 } = activeAt(now)
    const step = 10 + held
    active += held + 10 * share
    now += step
    const act = rule.look(now, 10, { idle: now - active, active })
    if (act) acts.push(`${act} ${now}`)
  }
  return acts
}

test('a process that mostly waits is never recorded, also where its users come in bursts', () => {
  expect(decide(60_000, () => ({ active: 0.3 }))).toEqual([])
  expect(decide(60_000, (now) => ({ active: 0.1, held: now % 1_000 < 10 ? 60 : 0 }))).toEqual([])
})

test('one that is busy all the time is recorded for a second, three times at most', () => {
  expect(decide(60_000, () => ({ active: 0.95 }))).toEqual([
    'begin 1000',
    'end 2000',
    'begin 7000',
    'end 8000',
    'begin 13000',
    'end 14000',
  ])
})

test('a scenario that blocks is recorded as soon as it has blocked for a tenth of a second', () => {
  expect(decide(900, (now) => ({ active: 0.1, held: now % 100 < 10 ? 60 : 0 }))).toEqual([
    expect.stringMatching(/^begin 1\d\d$/),
  ])
  expect(decide(500, (now) => ({ active: 0.1, held: now === 100 ? 150 : 0 }))).toEqual(['begin 260'])
})
