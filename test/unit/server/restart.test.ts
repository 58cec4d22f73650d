import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { ServerEvent } from '../../../src/server/perf-server.ts'
import { programs, test } from './server-under-test.ts'

/** Runs well once, and exits with 3 from then on. */
function onlyOnce() {
  const flag = join(tmpdir(), `once-${randomUUID()}`)
  const program = `node ${join(programs, 'server-ok.mjs')}`
  return {
    flag,
    command: `test -e "${flag}" && { echo 'Error: no luck' >&2; exit 3; }; : > "${flag}"; exec ${program}`,
  }
}

test('a restart that fails is the end of the server, and the report hears of it', async ({ startProgram }) => {
  const { flag, command } = onlyOnce()
  const events: ServerEvent[] = []
  const server = await startProgram('', { command }, { observe: (event) => events.push(event) })
  const restarting = server.restart()
  await expect(restarting).rejects.toMatchObject({
    code: 'PERF_SERVER_START',
    message: expect.stringMatching(/^The restarted server exited with code 3 .* It said: Error: no luck/),
  })
  await expect(restarting).rejects.toBe(server.failure)
  expect(server.signal.reason).toBe(server.failure)
  await expect(server.restart()).rejects.toBe(server.failure)
  await expect(server.memory()).rejects.toBe(server.failure)
  await server.stop()
  expect(events.map(({ event }) => event)).toEqual(['ready', 'failed'])
  expect(events[1]).toMatchObject({ url: server.url, exitCode: 3, fault: 'Error: no luck' })
  rmSync(flag)
})

test('one that nobody awaits leaves its failure with the server, and no unhandled rejection', async ({
  startProgram,
}) => {
  const { flag, command } = onlyOnce()
  const server = await startProgram('', { command })
  void server.restart()
  await new Promise((done) => server.signal.addEventListener('abort', done))
  expect(server.failure?.message).toMatch(/restarted server exited with code 3/)
  rmSync(flag)
})

test('two restarts at once are one', async ({ startProgram }) => {
  const events: ServerEvent[] = []
  const server = await startProgram('server-ok.mjs', {}, { observe: (event) => events.push(event) })
  await Promise.all([server.restart(), server.restart()])
  expect(events.map(({ event }) => event)).toEqual(['ready', 'ready'])
  expect((await server.health()).healthy).toBe(true)
})

test('a server that died unnoticed is not restarted as if it had been well', async ({ startProgram }) => {
  const server = await startProgram('server-ok.mjs', { command: `exec node ${join(programs, 'server-ok.mjs')}` })
  process.kill(server.pid as number, 'SIGKILL')
  // It is gone before its end can reach this thread.
  const until = performance.now() + 200
  while (performance.now() < until);
  await expect(server.restart()).rejects.toMatchObject({
    code: 'PERF_SERVER_EXITED',
    server: { exitSignal: 'SIGKILL' },
  })
})

test('memory is asked once at a time', async ({ startProgram }) => {
  let asked = 0
  let answer: () => void = () => {}
  const snapshot = () => {
    asked += 1
    return new Promise<{ timestamp: number; rss: number }>(
      (resolve) => (answer = () => resolve({ timestamp: 0, rss: asked })),
    )
  }
  const server = await startProgram('server-ok.mjs', {}, { snapshot })
  const pile = Array.from({ length: 95 }, () => server.memory())
  answer()
  expect(new Set((await Promise.all(pile)).map(({ rss }) => rss))).toEqual(new Set([1]))
  const next = server.memory()
  answer()
  expect(await next).toMatchObject({ rss: 2 })
})

test('a server that its shell leaves behind has failed at once, and serves until it is stopped', async ({
  startProgram,
}) => {
  const flag = join(tmpdir(), `left-${randomUUID()}`)
  const command = `nohup node ${join(programs, 'server-ok.mjs')} & while [ ! -e ${flag} ]; do sleep 0.01; done`
  const server = await startProgram('', { command })
  const gone = new Promise((done) => server.signal.addEventListener('abort', done))
  writeFileSync(flag, '')
  await gone
  expect(server.failure?.message).toMatch(/exited with code 0 .* A server has to stay in the foreground: leave `&`/)
  // The first `fetch` of a process compiles its parser; a connection that breaks meanwhile would hang it.
  expect((await fetch(server.url)).status).toBe(200)
  await server.stop()
  await expect(fetch(server.url)).rejects.toThrow()
  rmSync(flag)
})
