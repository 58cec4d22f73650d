import { parse, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { startServer } from '../../../dist/server/start.js'

const folder = resolve(import.meta.dirname, '../../programs/server-modules')
const start = (file: string, options: object = {}) => startServer({ module: file, cwd: folder, ...options })

test.each([
  'listener.mjs',
  'http-server.mjs',
  'start-function.mjs',
  'fetch.mjs',
  'express-app.mjs',
  'fastify-instance.mjs',
  'fastify-function.mjs',
  'fastify-factory.mjs',
  'koa-app.mjs',
  'koa-callback.mjs',
  'hono-app.mjs',
  'hono-serve.mjs',
  'common.cjs',
  'compiled.cjs',
])('%s runs in a process of its own and ends on its signal', async (file) => {
  const server = await start(file)
  try {
    expect(await (await fetch(`${server.url}/some/path`)).text()).toBe(parse(file).name)
    expect(server.pid).not.toBe(process.pid)
  } finally {
    const started = performance.now()
    await server.stop()
    expect(performance.now() - started).toBeLessThan(4_500)
  }
  expect(server.failure).toBeUndefined()
})

test('what an application does when it closes is done', async () => {
  for (const file of ['fastify-instance.mjs', 'fastify-function.mjs']) {
    const server = await start(file)
    await server.stop()
    expect(server.output).toContain('fastify closed')
  }
  const server = await start('start-function.mjs', { shutdown: { signal: 'SIGQUIT' } })
  await server.stop()
  expect(server.output).toContain('asked to end')
})

test('a web-standard handler gets the request and its answer arrives whole', async () => {
  const server = await start('fetch.mjs')
  try {
    const plain = await fetch(server.url)
    expect(plain.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    const echo = await fetch(`${server.url}/echo`, { method: 'POST', body: 'x'.repeat(100_000) })
    expect(echo.status).toBe(201)
    expect(echo.headers.get('x-method')).toBe('POST')
    expect(await echo.text()).toHaveLength(100_000)
    expect((await fetch(`${server.url}/throw`)).status).toBe(500)
    expect(server.output).toContain('the handler threw')
  } finally {
    await server.stop()
  }
})

test.each([
  ['no-default.mjs', /Expected its default export to be a request listener[\s\S]*exports nothing as default/],
  ['number.mjs', /exports a value of type number/],
  ['throwing.mjs', /the module threw/],
  ['starts-nothing.mjs', /was called with \{ port, host, signal \} and started no server[\s\S]*two parameters/],
  ['missing.mjs', /server module .*missing\.mjs does not exist/],
])('%s is an error that says what is wrong', async (file, message) => {
  await expect(start(file)).rejects.toMatchObject({ code: 'PERF_SERVER_START', message })
})

test('TypeScript runs where Node runs it, and is refused with the way out elsewhere', async () => {
  if (
    (process.features as { typescript?: unknown }).typescript ||
    process.allowedNodeEnvironmentFlags.has('--experimental-strip-types')
  ) {
    const server = await start('typescript.ts')
    expect(await (await fetch(server.url)).text()).toBe('typescript')
    await server.stop()
  } else {
    await expect(start('typescript.ts')).rejects.toMatchObject({ message: /cannot run the server module.*Build it/ })
  }
})
