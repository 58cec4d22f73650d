import { expect, test } from 'vitest'
import { total } from './price.cjs'

test('adds up prices', () => {
  expect(total([{ price: 250, count: 3 }])).toBe(750)
})
