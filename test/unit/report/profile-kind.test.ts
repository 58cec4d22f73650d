import { expect, it } from 'vitest'
import { PROFILE_KIND, type ProfileEntry } from '../../../src/report/profile-kind.ts'
import type { ProfiledIsolate } from '../../../src/results/profile-result.ts'

const ISOLATE: ProfiledIsolate = {
  pid: 7,
  threadId: 0,
  eventLoopUtilization: 0.98,
  serving: 1,
  cpu: { user: 0.9, idle: 0.02, gc: 0.08 },
  hot: [{ function: 'parse', location: 'a.ts:1', code: 'own', self: 0.7, total: 0.7, attributed: 0.7 }],
  flame: [],
  duration: 1_000,
}
const entryOf = (repeated: boolean, isolates = [ISOLATE]): ProfileEntry => ({
  id: 'profile-1',
  attempt: 0,
  title: 'orders',
  profile: { repeated, duration: 1_000, requests: 9, isolates, waits: [], files: ['a.cpuprofile'], summary: ['Why.'] },
})
const notes = (entry: ProfileEntry) => PROFILE_KIND.notes?.(entry)
const page = (entry: ProfileEntry) => PROFILE_KIND.page?.(entry)

it('marks figures of a load whose server was profiled meanwhile', () => {
  const recorded = entryOf(false)
  expect(notes(recorded)).toEqual([
    'Why.',
    'its figures are those of a server that was profiled meanwhile',
    'profile for DevTools: a.cpuprofile',
  ])
  expect(page(recorded)).toContain(
    "<small>the load's figures are those of a server that was profiled meanwhile</small>",
  )
})

it('does not mark those of a load that was run again for its profile', () => {
  const again = entryOf(true)
  expect(notes(again)).toEqual(['Why.', 'profile for DevTools: a.cpuprofile'])
  expect(page(again)).toContain('<small>the same load once more, with the profiler</small>')
})

it('nor those of a server that could not be profiled', () => {
  expect(notes(entryOf(false, []))).toEqual(['Why.', 'profile for DevTools: a.cpuprofile'])
  expect(page(entryOf(false, []))).not.toContain('<small>')
})

it('has a row of the busiest isolate', () => {
  expect(PROFILE_KIND.row(entryOf(true)).map(({ text }) => text)).toEqual([
    'orders',
    '98.0%',
    '8.00%',
    'parse 70.0%',
    '–',
  ])
})
