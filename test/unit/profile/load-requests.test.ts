import { expect, it } from 'vitest'
import { asksItself } from '../../../src/profile/load-requests.ts'

it.each([
  ['as many as the load sent', 100, 100, false],
  ['a few health checks more', 110, 100, false],
  ['fewer, since isolates are missing', 40, 100, false],
  ['nine times as many', 900, 100, true],
  ['some, of a load that got no answer', 900, 0, false],
])('%s', (_name, answered, requests, expected) => {
  expect(asksItself(answered, { requests, time: 2_000 })).toBe(expected)
})

it('nothing is known without a load', () => expect(asksItself(900, undefined)).toBe(false))
