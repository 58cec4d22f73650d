import { expect, test } from 'vitest'
import { dialHost, hostInUrl } from '../../../src/server-url.ts'
import { resolveServerUrl } from '../../../src/server/url.ts'

const VITEST_PERF_SERVER_URL = 'http://env:1/'

test('the argument wins over the environment, that over the server, and that over the fallback', () => {
  const env = { VITEST_PERF_SERVER_URL }
  expect(resolveServerUrl('http://argument:2', { server: 'http://server:3', env })).toBe('http://argument:2')
  expect(resolveServerUrl(undefined, { server: 'http://server:3', env })).toBe('http://env:1')
  expect(resolveServerUrl(undefined, { server: 'http://server:3', env: {} })).toBe('http://server:3')
  expect(resolveServerUrl(undefined, { env: {} })).toBe('http://127.0.0.1:3000')
  expect(resolveServerUrl(undefined, { env: { VITEST_PERF_SERVER_URL: '' } })).toBe('http://127.0.0.1:3000')
})

test.each([
  ['http://a/', 'http://a'],
  ['http://a:80/base///', 'http://a:80/base'],
  ['http://[::1]:3000/', 'http://[::1]:3000'],
  ['HTTPS://A/?query#hash', 'HTTPS://A'],
])('%s has no trailing slash', (given, expected) => {
  expect(resolveServerUrl(given, { env: {} })).toBe(expected)
})

test.each(['', 'localhost:3000', '127.0.0.1', '/path', 'ftp://a', 'http://', 'http://a b'])('%j is no URL', (url) => {
  expect(() => resolveServerUrl(url, { env: {} })).toThrow(/Expected `url` to be an absolute http\(s\) URL/)
})

test('a bad URL in the environment is named as such', () => {
  expect(() => resolveServerUrl(undefined, { env: { VITEST_PERF_SERVER_URL: 'nope' } })).toThrow(
    /VITEST_PERF_SERVER_URL/,
  )
})

test('IPv6 stands in brackets, and a wildcard is dialled on loopback', () => {
  expect(hostInUrl('::1')).toBe('[::1]')
  expect(hostInUrl('127.0.0.1')).toBe('127.0.0.1')
  expect([dialHost('0.0.0.0'), dialHost('::'), dialHost('example.test')]).toEqual(['127.0.0.1', '::1', 'example.test'])
})
