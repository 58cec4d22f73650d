import { expect, test } from 'vitest'
import { keyOfOptions } from '../../../src/server/options-key.ts'

const same = (a: unknown, b: unknown) => keyOfOptions(a) === keyOfOptions(b)

test.each<[string, unknown, unknown]>([
  ['a variable that is removed', { env: { X: undefined } }, { env: {} }],
  ['a pattern and its text', { health: { log: /a/ } }, { health: { log: '/a/' } }],
  ['the flags of a pattern', { health: { log: /a/ } }, { health: { log: /a/i } }],
  ['one resource and a list of two', { waitOn: 'a,b' }, { waitOn: ['a', 'b'] }],
  ['a number and its text', { env: { X: '1' } }, { env: { X: 1 } }],
  ['the order of resources', { waitOn: ['a', 'b'] }, { waitOn: ['b', 'a'] }],
  ['false and left out', { health: false }, {}],
])('%s makes another server', (_name, a, b) => {
  expect(same(a, b)).toBe(false)
})

test('the order of names does not', () => {
  expect(same({ command: 'x', env: { A: '1', B: '2' } }, { env: { B: '2', A: '1' }, command: 'x' })).toBe(true)
})
