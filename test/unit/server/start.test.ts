import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { PerfServer, ServerEvent } from '../../../src/server/perf-server.ts'
import type { ServerOptions } from '../../../src/server/server-options.ts'
import type { StartedServer } from '../../../src/server/started-server.ts'
import type { ServerContext } from '../../../src/server/start.ts'
import { findProcess } from '../../../src/lifecycle/process-table.ts'
import { startServer as start } from '../../../dist/server/start.js'
import { portIsFree, processesNaming } from '../../programs/leftovers.ts'

const programs = resolve(import.meta.dirname, '../../programs')
const marks: string[] = []
const servers: PerfServer[] = []

/** Starts a program; `mark` is in the environment of all its processes. */
async function startProgram(program: string, options: Partial<ServerOptions> = {}, context: ServerContext = {}) {
  const mark = randomUUID()
  marks.push(mark)
  const command = `node ${join(programs, program)}`
  const server = (await start({ command, ...options, env: { MARK: mark, ...options.env } }, context)) as PerfServer
  servers.push(server)
  return Object.assign(server, { mark })
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
  for (const mark of marks.splice(0)) expect(processesNaming(mark)).toEqual([])
})

const listen = (server: Server, port = 0, host = '127.0.0.1') =>
  new Promise<number>((done) => server.listen(port, host, () => done((server.address() as AddressInfo).port)))

test('starts a server, tells about it, and leaves nothing', async () => {
  const events: ServerEvent[] = []
  const server = await startProgram('server-ok.mjs', {}, { observe: (event) => events.push(event) })
  expect(server).toMatchObject({ host: '127.0.0.1', url: `http://127.0.0.1:${server.port}`, failure: undefined })
  expect(server.output).toBe(`listening on ${server.port}\n`)
  expect(await server.health()).toMatchObject({ healthy: true, status: 200 })
  expect(server.signal.aborted).toBe(false)
  await Promise.all([server.stop(), server.stop()])
  expect(server.signal.aborted).toBe(true)
  expect(server.failure).toBeUndefined()
  expect(await portIsFree(server.port)).toBe(true)
  expect(events.map(({ event }) => event)).toEqual(['ready', 'stopped'])
  expect(events[0]).toMatchObject({ url: server.url, readyAfter: expect.any(Number), pid: expect.any(Number) })
  expect(events[1]).toMatchObject({ output: expect.stringContaining('listening') })
})

// The first thread of a process ends before the others give its port back, and the shell around it ends before both.
test('a port can be had again as soon as its server was stopped', async () => {
  for (let round = 0; round < 8; round += 1) {
    const server = await startProgram('server-ok.mjs')
    await server.stop()
    expect(await portIsFree(server.port)).toBe(true)
  }
})

test('the environment is clean, has PORT and HOST, and the users own', async () => {
  const server = await startProgram('server-ok.mjs', { env: { OWN: 'yes' } })
  const env = (await (await fetch(`${server.url}/env`)).json()) as Record<string, string>
  expect(env).toMatchObject({ NODE_ENV: 'production', PORT: String(server.port), HOST: '127.0.0.1', OWN: 'yes' })
  const foreign = Object.keys(env).filter((name) => /VITEST|TINYPOOL/.test(name))
  expect(foreign).toEqual(['VITEST_PERF_COOKIE'])
})

test('{port} and {host} in the command', async () => {
  const command = `PORT={port} HOST={host} node ${join(programs, 'server-ok.mjs')} {port}`
  const server = await startProgram('', { command, env: { PORT: 'none', HOST: 'none' } })
  expect(server.output).toContain(String(server.port))
})

test('a server in its own folder', async () => {
  const server = await startProgram(
    '',
    { command: 'node server-ok.mjs', cwd: 'programs' },
    { baseDirectory: join(programs, '..') },
  )
  expect((await server.health()).healthy).toBe(true)
})

test('restart gives a new process on the same port', async () => {
  const server = await startProgram('server-ok.mjs')
  const before = await (await fetch(`${server.url}/pid`)).text()
  const { url, signal } = server
  await server.restart()
  expect(server.url).toBe(url)
  expect(signal.aborted).toBe(false)
  expect(await (await fetch(`${server.url}/pid`)).text()).not.toBe(before)
  await server.stop()
  await expect(server.restart()).rejects.toMatchObject({ code: 'PERF_SERVER_START', message: /stopped/ })
})

test('a stop in mid-restart does not wait for it', async () => {
  const command = `node ${join(programs, 'server-late.mjs')} $(test -e "$FLAG" && echo 20000 || echo 1; : > "$FLAG")`
  const flag = join(tmpdir(), `restart-${randomUUID()}`)
  const server = await startProgram('', { command, env: { FLAG: flag } })
  const restarting = server.restart()
  await new Promise((done) => setTimeout(done, 300))
  const started = performance.now()
  await server.stop()
  expect(performance.now() - started).toBeLessThan(5_000)
  await expect(restarting).rejects.toMatchObject({
    code: 'PERF_SERVER_START',
    message: /restart was ended: the server was stopped/,
  })
  rmSync(flag, { force: true })
})

test('await using', async () => {
  const server = await startProgram('server-ok.mjs')
  await server[Symbol.asyncDispose]()
  expect(await portIsFree(server.port)).toBe(true)
})

test.each<[string, ServerOptions['health']]>([
  ['a log line', { log: /listening on \d+/g }],
  ['an open port', { tcp: true }],
  ['a status', { path: '/status?418', status: 418 }],
])('ready by %s', async (_name, health) => {
  const server = await startProgram('server-late.mjs', { health: health as never })
  expect(await portIsFree(server.port)).toBe(false)
  expect((await server.health()).healthy).toBe(true)
})

test('health: false waits for nothing', async () => {
  const server = await startProgram('server-late.mjs 20000', { health: false })
  expect((await server.health()).healthy).toBe(false)
})

test('a first request that hangs and answers of 503 only delay it', async () => {
  const server = await startProgram('server-warming.mjs')
  expect(Number(await (await fetch(server.url)).text())).toBeLessThan(60)
})

test('one that binds ::1 is found by localhost', async () => {
  const server = await startProgram('server-ipv6.mjs', { host: 'localhost' })
  expect(server.url).toBe(`http://[::1]:${server.port}`)
  expect(server.host).toBe('localhost')
  const six = await startProgram('server-ipv6.mjs', { host: '::1' })
  expect(six.url).toBe(`http://[::1]:${six.port}`)
})

test('a death before it is ready tells the exit code, the last lines and the rest of the story', async () => {
  const started = performance.now()
  const events: ServerEvent[] = []
  const failing = startProgram('server-last-words.mjs 9', {}, { observe: (event) => events.push(event) })
  const error = await failing.catch((reason: unknown) => reason as Error)
  expect(error).toMatchObject({
    code: 'PERF_SERVER_START',
    name: 'ServerStartError',
    server: {
      exitCode: 9,
      exitSignal: null,
      lifetime: expect.any(Number),
      output: expect.stringMatching(/the last words\n$/),
    },
  })
  expect((error as Error).message).toMatch(
    /exited with code 9 after [\s\S]*command: node [\s\S]*folder: [\s\S]*\| the last words/,
  )
  expect(performance.now() - started).toBeLessThan(10_000)
  expect(events).toMatchObject([{ event: 'failed', exitCode: 9, output: expect.stringContaining('the last words') }])
})

test.each<[string, Partial<ServerOptions>, RegExp]>([
  ['a command that does not exist', { command: 'no-such-command-here' }, /code 127.*did not find the command/],
  ['a folder that does not exist', { cwd: '/no/such/folder' }, /`cwd: "\/no\/such\/folder"`, does not exist/],
  [
    'a module that does not exist',
    { module: './none.mjs', command: undefined as never },
    /server module .*none\.mjs does not exist/,
  ],
  ['one that goes to the background', { command: `node ${join(programs, 'server-daemon.mjs')}` }, /code 0.*foreground/],
  ['a signal', { command: 'kill -SEGV $$' }, /was ended by SIGSEGV/],
])('%s', async (_name, options, message) => {
  const given = { command: 'node x', health: { timeout: 15_000, path: '/none', status: 204 }, ...options }
  if (given.command === undefined) delete (given as Partial<ServerOptions>).command
  const mark = randomUUID()
  marks.push(mark)
  await expect(start({ ...given, env: { MARK: mark } } as never)).rejects.toMatchObject({
    code: 'PERF_SERVER_START',
    message,
  })
})

test('one that is never healthy fails with the last health check', async () => {
  const unhealthy = startProgram('server-ok.mjs', { health: { path: '/status?503', timeout: '700ms' } })
  await expect(unhealthy).rejects.toMatchObject({
    message: /not ready within 700 ms[\s\S]*last health check: GET .*answered 503/,
  })
  const silent = startProgram('server-silent.mjs', { health: { timeout: 700 } })
  await expect(silent).rejects.toMatchObject({ message: /last health check: GET .*did not answer within/ })
  const log = startProgram('server-ok.mjs', { health: { log: /never/, timeout: 500 } })
  await expect(log).rejects.toMatchObject({ message: /last health check: the output has not matched \/never\// })
})

test("the test's own deadline ends the wait in time to tell the story", async () => {
  const lifetime = { signal: new AbortController().signal, deadline: performance.now() + 2_000, timeout: 2_000 }
  const started = performance.now()
  const slow = startProgram('server-late.mjs 20000', {}, { lifetime })
  await expect(slow).rejects.toMatchObject({ message: /which is all that the test's timeout of 2\.00 s leaves/ })
  expect(performance.now() - started).toBeLessThan(2_000)
})

test('an abort in mid-start leaves nothing and says why', async () => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('Test timed out')), 300)
  const starting = startProgram('server-late.mjs 20000', {}, { lifetime: { signal: controller.signal } })
  await expect(starting).rejects.toMatchObject({ code: 'PERF_ABORTED', name: 'AbortError', message: /Test timed out/ })
})

test('an abort later stops the server', async () => {
  const controller = new AbortController()
  const server = await startProgram('server-ok.mjs', {}, { lifetime: { signal: controller.signal } })
  controller.abort(new Error('over'))
  await expect.poll(() => portIsFree(server.port), { timeout: 5_000 }).toBe(true)
  expect(server.failure).toBeUndefined()
})

test('a death during the test aborts the signal with the whole story', async () => {
  const events: ServerEvent[] = []
  const server = await startProgram('server-ok.mjs', {}, { observe: (event) => events.push(event) })
  const died = new Promise((done) => server.signal.addEventListener('abort', done))
  await fetch(`${server.url}/exit?7`).catch(() => {})
  await died
  expect(server.failure).toMatchObject({ code: 'PERF_SERVER_EXITED', server: { exitCode: 7 } })
  expect(server.signal.reason).toBe(server.failure)
  expect(server.failure?.message).toMatch(/exited with code 7 after .* while a test used it[\s\S]*\| exiting with 7/)
  expect(await server.health()).toMatchObject({ healthy: false })
  await expect(server.memory()).rejects.toBe(server.failure)
  await expect(server.restart()).rejects.toBe(server.failure)
  await server.stop()
  expect(events.map(({ event }) => event)).toEqual(['ready', 'exited'])
})

test('a death that a busy thread did not see is no clean stop', async () => {
  const server = await startProgram('server-ok.mjs')
  process.kill(-(server.pid as number), 'SIGKILL')
  const until = Date.now() + 200
  while (Date.now() < until);
  await server.stop()
  expect(server.failure).toMatchObject({ server: { exitSignal: 'SIGKILL' } })
})

test.runIf(process.platform === 'linux')('a death is noticed while the process still has its port', async () => {
  const command = `node -e "globalThis.kept = Buffer.alloc(5e8, 1); import('${join(programs, 'server-ok.mjs')}')"`
  const server = await startProgram('', { command })
  // The program's own process: that of the server may be a shell's.
  const pid = Number(await (await fetch(`${server.url}/pid`)).text())
  process.kill(pid, 'SIGKILL')
  // In one turn, in which no event of ours comes. To give its memory back takes it tens of milliseconds.
  while (findProcess(pid)?.isEnding === false);
  await (server as unknown as StartedServer).notice()
  expect(server.failure).toMatchObject({ code: 'PERF_SERVER_EXITED' })
})

test('a death behind a wrapper that has not ended yet is no clean stop', async () => {
  const command = `node ${join(programs, 'server-ok.mjs')}; code=$?; sleep 0.6; exit $code`
  const server = await startProgram('', { command })
  await fetch(`${server.url}/exit?7`).catch(() => {})
  // Its connections end a moment before the port.
  await expect.poll(() => portIsFree(server.port), { interval: 5 }).toBe(true)
  await server.stop()
  expect(server.failure).toMatchObject({ server: { exitCode: 7 } })
})

test('a fixed port in use is an error at once that names it', async () => {
  const blocker = createServer()
  const port = await listen(blocker)
  const started = performance.now()
  await expect(startProgram('server-ok.mjs', { port })).rejects.toMatchObject({
    code: 'PERF_PORT_IN_USE',
    port,
    message: expect.stringMatching(new RegExp(`Port ${port} of 127.0.0.1 is in use by pid ${process.pid}`)),
  })
  expect(performance.now() - started).toBeLessThan(2_000)
  blocker.close()
})

test.each(['exit', 'stay'])('a child that says EADDRINUSE gets another port (%s)', async (mode) => {
  const counter = join(tmpdir(), `unlucky-${randomUUID()}`)
  try {
    await startProgram(`server-unlucky.mjs ${counter} ${mode}`)
    const ports = readFileSync(counter, 'utf8').trim().split('\n')
    expect(new Set(ports).size).toBe(2)
  } finally {
    rmSync(counter, { force: true })
  }
})

test.runIf(process.platform === 'linux')(
  'a foreign server that answers on the port is never taken for ours',
  async () => {
    const foreign = createHttpServer((_request, response) => response.end('foreign'))
    const { url } = await startProgram('server-ok.mjs').then(async (server) => (await server.stop(), server))
    const port = Number(new URL(url).port)
    const late = startProgram('server-late.mjs 800', { port, health: { path: '/', timeout: 5_000 } })
    late.catch(() => {})
    // It takes the port after it was found free, and before the server listens.
    await new Promise((done) => setTimeout(done, 250))
    await listen(foreign, port)
    await expect(late).rejects.toMatchObject({ code: 'PERF_PORT_IN_USE', port })
    foreign.close()
  },
)

test('waitOn is awaited before the server is started', async () => {
  const needed = createServer()
  const port = await listen(needed)
  needed.close()
  let up = false
  const timer = setTimeout(() => needed.listen(port, '127.0.0.1', () => (up = true)), 700)
  await startProgram('server-ok.mjs', { waitOn: `tcp:127.0.0.1:${port}` })
  expect(up).toBe(true)
  clearTimeout(timer)
  needed.close()
})

test('waitOn that is not met names what is missing, and can be aborted', async () => {
  const options = { waitOn: ['tcp:127.0.0.1:1'], health: { timeout: 1_500 } }
  await expect(startProgram('server-ok.mjs', options)).rejects.toMatchObject({
    message: /waitOn.*tcp:127\.0\.0\.1:1.*1\.50 s/,
  })
  const controller = new AbortController()
  const context = { lifetime: { signal: controller.signal } }
  const waiting = expect(startProgram('server-ok.mjs', { waitOn: 'tcp:127.0.0.1:1' }, context)).rejects.toMatchObject({
    code: 'PERF_ABORTED',
  })
  // Other files' servers may wait for something else at the same time.
  const waiters = () => processesNaming('{"resources":["tcp:127.0.0.1:1"]')
  await expect.poll(waiters).toHaveLength(1)
  controller.abort(new Error('enough'))
  await waiting
  await expect.poll(waiters).toEqual([])
})

test('a running server is used, and neither stopped nor restarted', async () => {
  const running = createHttpServer((_request, response) => response.end('up'))
  const port = await listen(running)
  const server = (await start({ url: `http://localhost:${port}/` })) as PerfServer
  expect(server).toMatchObject({ url: `http://127.0.0.1:${port}`, port, host: 'localhost', pid: undefined, output: '' })
  expect((await server.health()).healthy).toBe(true)
  await expect(server.restart()).rejects.toMatchObject({ message: /was not started by this test/ })
  await server.stop()
  expect((await fetch(server.url)).status).toBe(200)
  running.close()
  await expect(start({ url: `http://127.0.0.1:${port}` })).rejects.toMatchObject({
    code: 'PERF_SERVER_START',
    message: /not healthy/,
  })
})

test('the instrument reaches the child, and is closed with the server or its failure', async () => {
  let closed = 0
  const instrument = async () => ({
    env: { PROBE: 'socket' },
    nodeOptions: '--stack-trace-limit=33',
    close: async () => void (closed += 1),
  })
  const server = await startProgram('server-ok.mjs', { env: { NODE_OPTIONS: '--no-warnings' } }, { instrument })
  const env = (await (await fetch(`${server.url}/env`)).json()) as Record<string, string>
  expect(env).toMatchObject({ PROBE: 'socket', NODE_OPTIONS: '--no-warnings --stack-trace-limit=33' })
  await server.stop()
  expect(closed).toBe(1)
  await expect(startProgram('server-last-words.mjs', {}, { instrument })).rejects.toThrow()
  expect(closed).toBe(2)
})

test('a server under the permission model starts without the probe that it may not read', async () => {
  const flag = Number(process.versions.node.split('.')[0]) < 23 ? '--experimental-permission' : '--permission'
  const file = join(programs, 'server-ok.mjs')
  const command = `node ${flag} --allow-fs-read=${programs}/* ${file}`
  const { openProbeChannel } = await import('../../../dist/probe/channel.js')
  const server = await startProgram('server-ok.mjs', { command }, { instrument: openProbeChannel })
  expect((await server.health()).healthy).toBe(true)
})

test('memory asks the snapshot of the context', async () => {
  const server = await startProgram(
    'server-ok.mjs',
    {},
    { snapshot: async ({ pid }) => ({ timestamp: 1, rss: pid ?? 0 }) },
  )
  expect(await server.memory()).toEqual({ timestamp: 1, rss: server.pid })
})

test('the memory of a server that was stopped says so', async () => {
  const server = await startProgram('server-ok.mjs', {}, { snapshot: () => Promise.reject(new Error('not asked')) })
  await server.stop()
  await expect(server.memory()).rejects.toMatchObject({
    code: 'PERF_MEMORY',
    message: expect.stringContaining('the server was stopped'),
  })
})

test('memory that is being read when the server is stopped blames nothing else', async () => {
  let answer: (error: Error) => void = () => undefined
  const question = new Promise<never>((_, reject) => (answer = reject))
  const server = await startProgram('server-ok.mjs', {}, { snapshot: () => question })
  const memory = server.memory()
  const refused = expect(memory).rejects.toMatchObject({
    code: 'PERF_MEMORY',
    message: expect.stringContaining('the server was stopped'),
  })
  await server.stop()
  answer(new Error('its event loop is blocked'))
  await refused
})

test('bad options start nothing', async () => {
  await expect(start({} as never)).rejects.toMatchObject({ code: 'PERF_INVALID_OPTIONS' })
})

test('no temporary file is left', () => {
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`vitest-perf-${process.pid}-`))).toEqual([])
})
