import { expect, it } from 'vitest'
import { asksItself } from '../../../src/profile/load-requests.ts'

it.each([
  ['as many as the load sent', { answered: 100, called: 800 }, 100, false],
  ['a few health checks more', { answered: 110, called: 800 }, 100, false],
  ['fewer, since isolates are missing', { answered: 40, called: 0 }, 100, false],
  ['nine times as many, by calls of its own', { answered: 900, called: 800 }, 100, true],
  ['nine times as many, which somebody else sent', { answered: 900, called: 100 }, 100, false],
  ['some, of a load that got no answer', { answered: 900, called: 900 }, 0, false],
])('%s', (_name, counted, requests, expected) => {
  expect(asksItself(counted, { requests, time: 2_000 })).toBe(expected)
})

it('nothing is known without a load', () => expect(asksItself({ answered: 900, called: 900 }, undefined)).toBe(false))
