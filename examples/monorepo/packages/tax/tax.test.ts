import { expect, test } from 'vitest'
import { withTax } from './tax.js'

test('adds the tax', () => {
  expect(withTax(100)).toBe(120)
})
