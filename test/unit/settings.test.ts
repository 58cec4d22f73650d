import { expect, test } from 'vitest'
import { resolveLoadOptions } from '../../src/load/plan/load-plan.ts'
import { resolveServerOptions } from '../../src/server/server-options.ts'
import { resolveServerUrl } from '../../src/server/url.ts'
import { parseSettings, readSettings } from '../../src/settings.ts'

test('reads each variable, and takes an empty one for unset', () => {
  const env = {
    VITEST_PERF_SERVER_URL: 'http://h:1/base/',
    VITEST_PERF_HEALTH_TIMEOUT: '1.5s',
    VITEST_PERF_LOAD_DURATION: ' 2000 ',
    VITEST_PERF_TIMEOUT: '',
    VITEST_PERF_ENGINE: 'autocannon',
    VITEST_PERF_BASE: 'origin/main',
    VITEST_PERF_TOKEN: 'secret\n',
  }
  expect(readSettings(env)).toEqual({
    serverUrl: 'http://h:1/base/',
    healthTimeout: 1_500,
    loadDuration: 2_000,
    engine: 'autocannon',
    base: 'origin/main',
    token: 'secret',
  })
  expect(readSettings({})).toEqual({})
})

test('names every mistake in one error', () => {
  const env = {
    VITEST_PERF_SERVER_URL: 'localhost:3000',
    VITEST_PERF_HEALTH_TIMEOUT: 'soon',
    VITEST_PERF_LOAD_DURATION: '0',
    VITEST_PERF_TIMEOUT: '1e12',
  }
  expect(parseSettings(env).issues.map(({ option }) => option)).toEqual(Object.keys(env))
  expect(() => readSettings(env)).toThrow(/VITEST_PERF_SERVER_URL[\s\S]*VITEST_PERF_TIMEOUT/)
})

test.each([
  ['http://h/?tenant=a', 'http://h'],
  ['http://h/base/?tenant=a#top', 'http://h/base'],
  ['https://[::1]:8443//', 'https://[::1]:8443'],
])('VITEST_PERF_SERVER_URL=%s is the same target for a load, a server, a health check and a URL', (url, base) => {
  const env = { VITEST_PERF_SERVER_URL: url }
  expect(resolveServerUrl(undefined, { env })).toBe(base)
  expect(resolveServerOptions({ command: 'x' }, env).source).toEqual({ kind: 'url', url: base })
  expect(resolveLoadOptions({ url: '/orders' }, { env }).url).toBe(`${base}/orders`)
  expect(resolveLoadOptions({}, { env }).url).toBe(`${base}/`)
})

test('every part that reads a variable refuses a bad one in the same words', () => {
  const env = { VITEST_PERF_SERVER_URL: 'nope' }
  const message = /Expected `VITEST_PERF_SERVER_URL` to be an absolute http\(s\) URL/
  expect(() => resolveServerUrl(undefined, { env })).toThrow(message)
  expect(() => resolveServerOptions({ command: 'x' }, env)).toThrow(message)
  expect(() => resolveLoadOptions({ url: 'http://a' }, { env })).toThrow(message)
})
