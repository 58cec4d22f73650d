import { expect, it } from 'vitest'
import { findCapacityOptionIssues } from '../../../../src/load/plan/capacity-options.ts'

const rule = { absoluteUrl: true }
const valid = { url: 'http://127.0.0.1:3000/', thresholds: { 'latency.p99': '<100' }, from: 10 }

it('takes a load without its rate and its length', () => {
  expect(
    findCapacityOptionIssues({ ...valid, to: 500, precision: '2%', duration: '30s', connections: 20 }, rule),
  ).toEqual([])
})

it('tells every mistake at once', () => {
  const wrong = { ...valid, from: '10', to: 0, precision: 3, duration: '2s', rate: 5, thresholds: { rps: '>5' } }
  expect(findCapacityOptionIssues(wrong, rule).map(({ option }) => option)).toEqual([
    'rate',
    'from',
    'to',
    'precision',
    'duration',
    'thresholds.rps',
  ])
})

it.for([
  [{ precison: '5%' }, /did you mean `precision`\?/],
  [{ maximumRate: 100 }, /known here: from, to, precision, duration, url, connections, .*seed$/],
] as const)('knows the options of a search: %o', ([more, message]) => {
  expect(findCapacityOptionIssues({ ...valid, ...more }, rule)).toMatchObject([
    { message: expect.stringMatching(message) },
  ])
  expect(findCapacityOptionIssues({ ...valid, ...more }, rule)[0]?.message).not.toMatch(/stages|amount/)
})
