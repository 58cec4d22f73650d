import { describe, expect, test } from 'vitest'
import { findServerOptionIssues, resolveServerOptions, type ServerOptions } from '../../../src/server/server-options.ts'

const messages = (input: unknown, prefix = 'server') =>
  findServerOptionIssues(input, prefix).map(({ message }) => message)
const options = (input: Record<string, unknown>) => messages({ command: 'node server.js', ...input })

describe('findServerOptionIssues', () => {
  test('accepts every option of the contract', () => {
    const full = {
      command: 'node server.js {port}',
      port: 3_000,
      host: '::1',
      cwd: 'app',
      env: { A: '1', B: undefined },
      envFile: ['.env', '.env.test'],
      protocol: 'https',
      tls: { ca: 'PEM', rejectUnauthorized: true, servername: 'shop.test' },
      stdin: 'open',
      health: { path: '/ready', timeout: 1, interval: 5, status: [200, 204] },
      waitOn: ['tcp:127.0.0.1:5432', 'file:dist/app.js', 'http-get://localhost/x'],
      shutdown: { signal: 'SIGINT', timeout: 0 },
      scope: 'worker',
    }
    expect(messages(full)).toEqual([])
    expect(options({ health: false })).toEqual([])
    expect(options({ health: { log: /ready/ }, waitOn: 'tcp:5432' })).toEqual([])
    expect(options({ health: { tcp: true } })).toEqual([])
    expect(messages({ url: 'http://localhost:3000/' })).toEqual([])
    expect(messages({ module: './server.js', tls: { rejectUnauthorized: false } })).toEqual([])
    expect(messages({ url: 'https://localhost:3000/', tls: { ca: 'PEM' } })).toEqual([])
    for (const host of ['localhost', '::1', '[::1]', '0.0.0.0', 'api.shop.test', 'my_service', 'a-b.c']) {
      expect(options({ host })).toEqual([])
    }
    expect(options({ health: { timeout: '1m', interval: '20ms' }, shutdown: { timeout: '0s' } })).toEqual([])
  })

  test.each<[string, unknown, RegExp]>([
    ['nothing to start', {}, /Expected `server` to be an object with one of `command`.*`module` and `url`/],
    ['two sources', { command: 'a', module: 'b' }, /Expected `server` to be only one of `command`, `module` and `url`/],
    ['no object', 'node server.js', /Expected `server` to be an object, got `"node server.js"` \(string\)/],
    ['null', null, /Expected `server` to be an object, got `null`/],
    ['a port with url', { url: 'http://a', port: 1 }, /Expected `server.port` to be left out where `url` is given/],
    ['a log with url', { url: 'http://a', health: { log: /x/ } }, /`server.health.log` to be left out/],
    ['a URL without protocol', { url: 'localhost:3000' }, /Expected `server.url` to be an absolute http\(s\) URL/],
    ['a file URL', { url: 'file:///etc' }, /Expected `server.url` to be an absolute http\(s\) URL/],
    ['an empty command', { command: '' }, /Expected `server.command` to be a non-empty string/],
  ])('%s', (_name, input, message) => {
    expect(messages(input).join('\n')).toMatch(message)
  })

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['a mistyped option', { comand: 'x' }, /Unknown option `server.comand`.*did you mean `command`\?/],
    [
      'a mistyped health option',
      { health: { timout: 1 } },
      /Unknown option `server.health.timout`.*did you mean `timeout`\?/,
    ],
    [
      'a host that is a URL',
      { host: 'http://127.0.0.1' },
      /`server.host` to be a host name or an IP address.*not a URL/,
    ],
    [
      'a host with a port',
      { host: '127.0.0.1:3000' },
      /`server.host` to be a host name.*without a port \(that is `port`\)/,
    ],
    ['an IPv6 host with a port', { host: '[::1]:3000' }, /`server.host` to be a host name.*without a port/],
    ['a host with a space', { host: 'my host' }, /`server.host` to be a host name or an IP address/],
    ['a host with a path', { host: 'localhost/app' }, /`server.host` to be a host name or an IP address/],
    ['a host with a zone', { host: 'fe80::1%eth0' }, /`server.host` to be a host name.*without a zone/],
    ['an empty host', { host: '' }, /`server.host` to be a host name or an IP address/],
    ['an unknown protocol', { protocol: 'h2' }, /`server.protocol` to be 'http' or 'https'/],
    [
      'tls where nothing speaks it',
      { tls: { ca: 'PEM' } },
      /`server.tls` to be left out, or to stand beside `protocol: 'https'`/,
    ],
    ['a mistyped tls option', { protocol: 'https', tls: { cert: 'x' } }, /Unknown option `server.tls.cert`/],
    ['stdin of another kind', { stdin: 'pipe' }, /`server.stdin` to be 'ignore' or 'open'/],
    ['an envFile that is no name', { envFile: ['a', 7] }, /`server.envFile\[1\]` to be a file in dotenv form/],
    ['a variable without a name', { env: { '': 'x' } }, /names of variables/],
    ['a variable with a NUL', { env: { A: 'a\0b' } }, /`server.env.A` to be a string without a NUL/],
    ['a command with a NUL', { command: 'a\0b' }, /`server.command` to be a string without a NUL/],
    ['a port of 0', { port: 0 }, /Expected `server.port` to be a positive integer, got `0` \(number\)/],
    ['a port too high', { port: 70_000 }, /Expected `server.port` to be a port of 1 to 65535/],
    ['a port as text', { port: '3000' }, /Expected `server.port` to be a positive integer, got `"3000"` \(string\)/],
    [
      'a relative health path',
      { health: { path: 'ready' } },
      /Expected `server.health.path` to be a path that starts with '\/'/,
    ],
    ['a health timeout of 0', { health: { timeout: 0 } }, /Expected `server.health.timeout` to be a positive number/],
    ['a status of none', { health: { status: 42 } }, /Expected `server.health.status` to be a status of 100 to 599/],
    ['a status range upside down', { health: { status: [300, 200] } }, /Expected `server.health.status`/],
    ['a log that is no RegExp', { health: { log: 'ready' } }, /Expected `server.health.log` to be a RegExp/],
    ['health true', { health: true }, /Expected `server.health` to be an object, or false/],
    ['two ways to be healthy', { health: { path: '/a', tcp: true } }, /Expected `server.health` to be one way/],
    ['an unknown signal', { shutdown: { signal: 'SIGFOO' } }, /Expected `server.shutdown.signal` to be one of SIGTERM/],
    [
      'a negative shutdown',
      { shutdown: { timeout: -1 } },
      /Expected `server.shutdown.timeout` to be 0 or more milliseconds/,
    ],
    ['env with numbers', { env: { PORT: 3000 } }, /Expected `server.env.PORT` to be a string/],
    ['waitOn with a number', { waitOn: ['tcp:1', 5] }, /Expected `server.waitOn\[1\]` to be a wait-on resource/],
    ['waitOn of two protocols', { waitOn: 'http-get:http://x/' }, /Expected `server.waitOn` to be a wait-on resource/],
    ['waitOn of an unknown kind', { waitOn: 'ftp:host' }, /Expected `server.waitOn` to be a wait-on resource/],
    ['an unknown scope', { scope: 'suite' }, /Expected `server.scope` to be one of 'test', 'file', 'worker'/],
  ])('%s', (_name, input, message) => {
    expect(options(input).join('\n')).toMatch(message)
  })

  test('a time that no timer can hold would go off at once, so it is refused', () => {
    expect(options({ health: { timeout: 3e9 }, shutdown: { timeout: 3e9 } })).toHaveLength(2)
  })

  test('reports all mistakes at once', () => {
    expect(options({ port: -1, scope: 'x', health: { path: 1 }, waitOn: 3 })).toHaveLength(4)
  })

  test('with `partial`, options that name no server are fine, and others are not', () => {
    expect(findServerOptionIssues({ scope: 'file' }, 'server', { partial: true })).toEqual([])
    expect(findServerOptionIssues({ scope: 'x' }, 'server', { partial: true })).toHaveLength(1)
  })
})

describe('resolveServerOptions', () => {
  test('has every default in one place', () => {
    expect(resolveServerOptions({ command: 'x' }, {})).toEqual({
      source: { kind: 'command', command: 'x' },
      port: undefined,
      host: '127.0.0.1',
      cwd: undefined,
      env: {},
      envFiles: [],
      protocol: undefined,
      tls: {},
      stdin: 'ignore',
      health: {
        check: { kind: 'http', path: '/health', status: [200, 399] },
        timeout: 30_000,
        isTimeoutChosen: false,
        interval: 50,
      },
      waitOn: [],
      shutdown: { signal: 'SIGTERM', timeout: 5_000 },
      scope: 'test',
    })
  })

  test('an IPv6 host may stand in brackets, as in a URL', () => {
    expect(resolveServerOptions({ command: 'a', host: '[::1]' }, {}).host).toBe('::1')
  })

  test('a status becomes a range, a lone resource a list', () => {
    const resolved = resolveServerOptions({ command: 'x', health: { status: 204 }, waitOn: 'tcp:1' }, {})
    expect(resolved.health.check).toMatchObject({ status: [204, 204] })
    expect(resolved.waitOn).toEqual(['tcp:1'])
  })

  test('VITEST_PERF_SERVER_URL takes the place of what starts a server, and of its port', () => {
    const env = { VITEST_PERF_SERVER_URL: 'http://127.0.0.1:4000/' }
    const input: ServerOptions = { command: 'x', port: 3_000, waitOn: 'tcp:1', health: { path: '/up' }, scope: 'file' }
    expect(resolveServerOptions(input, env)).toMatchObject({
      source: { kind: 'url', url: 'http://127.0.0.1:4000' },
      port: undefined,
      waitOn: [],
      scope: 'file',
      health: { check: { kind: 'http', path: '/up' } },
    })
    expect(resolveServerOptions({ command: 'x', health: { log: /a/ } }, env).health.check).toEqual({ kind: 'tcp' })
    expect(resolveServerOptions({} as ServerOptions, env).source.kind).toBe('url')
  })

  test('VITEST_PERF_HEALTH_TIMEOUT wins over the option', () => {
    const env = { VITEST_PERF_HEALTH_TIMEOUT: '1234' }
    expect(resolveServerOptions({ command: 'x', health: { timeout: 9 } }, env).health.timeout).toBe(1_234)
    expect(() => resolveServerOptions({ command: 'x' }, { VITEST_PERF_HEALTH_TIMEOUT: 'soon' })).toThrow(
      /VITEST_PERF_HEALTH_TIMEOUT/,
    )
  })

  test('throws all mistakes in one error', () => {
    const wrong = () => resolveServerOptions({ command: '', port: -1 }, {})
    expect(wrong).toThrow(expect.objectContaining({ code: 'PERF_INVALID_OPTIONS', issues: expect.any(Array) }))
    expect(wrong).toThrow(/server\.command[\s\S]*server\.port/)
  })
})
