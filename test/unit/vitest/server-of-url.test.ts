import { expect, it } from 'vitest'
import { serverOfUrl } from '../../../src/vitest/server-of-url.ts'

const own = { url: 'http://127.0.0.1:4100' }
const other = { url: 'http://127.0.0.1:4200/api' }
const attempt = { server: own, servers: [own, other] }

it.each([
  ['no URL', undefined, own],
  ['a path', '/orders', own],
  ["the test's own URL", own.url, own],
  ['its URL with a path', `${own.url}/orders?page=2`, own],
  ['its URL by another name of this machine', 'http://localhost:4100/orders', own],
  ['the URL of another server of the test', 'http://127.0.0.1:4200/api/orders', other],
  ['a server that the test did not start', 'http://127.0.0.1:4300/orders', undefined],
  ['the same port of another machine', 'http://10.0.0.5:4100/orders', undefined],
])('a load with %s is profiled in the server that it goes to', (_, url, expected) => {
  expect(serverOfUrl(url, attempt)).toBe(expected)
})

it('a path of a test without a server goes to none', () => {
  expect(serverOfUrl('/orders', { server: undefined, servers: [other] })).toBeUndefined()
})
