import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WaitRecorder } from '../../../src/probe/wait-recorder.ts'

const server = createServer((_, response) => {
  askPool(() => response.end('done'))
})
let recorder: WaitRecorder

beforeEach(() => {
  recorder = new WaitRecorder()
})

afterEach(async () => {
  recorder.close()
  server.closeAllConnections()
  if (server.listening) await new Promise((resolve) => server.close(resolve))
})

const db = { serverAddress: 'db', serverPort: 3306 }

function publish(name: string, context: object): void {
  channel(name).publish(context)
}

/** As mysql2 does: the caller asks the pool, which sends the statement from a stack of its own. No frame of this file is on that. */
function askPool(done: () => void): void {
  const pool = { ...db }
  publish('tracing:mysql2:pool:connect:start', pool)
  publish('tracing:mysql2:pool:connect:asyncStart', pool)
  const statement = { query: 'SELECT 1', ...db }
  for (const name of ['tracing:mysql2:query:start', 'tracing:mysql2:query:asyncStart']) {
    const told = channel(name)
    process.nextTick(told.publish.bind(told), statement)
  }
  process.nextTick(done)
}

it('finds the line of a statement that a pool sends, though the pool was asked outside of a request first', async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  recorder.start()
  await new Promise<void>(askPool)
  for (let count = 0; count < 40; count += 1) {
    const { port } = server.address() as AddressInfo
    const [response] = (await once(get({ port, host: '127.0.0.1' }), 'response')) as [IncomingMessage]
    await once(response.resume(), 'end')
  }
  const { waits } = recorder.stop()
  const query = waits.find(({ what }) => what.startsWith('SELECT'))
  expect(query?.count).toBe(41)
  expect(query?.stack).toMatch(/askPool \(.*wait-recorder\.test\.ts/)
})

it.for([
  ['mysql2:query', { query: 'SELECT 1', ...db }, 'database', 'SELECT ?'],
  ['mysql2:execute', { query: 'SELECT ?', values: [1], ...db }, 'database', 'SELECT ?'],
  ['mysql2:connect', db, 'connect', 'connect to db:3306'],
  ['mysql2:pool:connect', db, 'pool', 'a connection of the pool to db:3306'],
  ['ioredis:command', { command: 'get', args: ['user:7'], ...db }, 'cache', 'GET user:?'],
  ['ioredis:batch', db, 'cache', 'a batch of commands'],
  ['node-redis:command', { command: 'GET', args: ['GET', 'user:7'], ...db }, 'cache', 'GET user:?'],
  ['node-redis:command', { args: ['GET', 'user:7'], ...db }, 'cache', 'GET user:?'],
  ['mssql:query', { query: 'SELECT 2', ...db }, 'database', 'SELECT ?'],
  ['pg:query', { query: { text: 'SELECT $1' }, ...db }, 'database', 'SELECT ?'],
  ['unstorage.get', { keys: ['user:7'] }, 'storage', 'GET user:?'],
] as const)('times a call that %s tells of', ([name, context, kind, what]) => {
  recorder.start()
  const [good, bad] = [{ ...context }, { ...context }]
  publish(`tracing:${name}:start`, good)
  publish(`tracing:${name}:asyncStart`, good)
  publish(`tracing:${name}:start`, bad)
  publish(`tracing:${name}:error`, bad)
  const { waits } = recorder.stop()
  expect(waits).toMatchObject([{ kind, what, count: 2, failed: 1 }])
})
