import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { WaitRecorder } from '../../../src/probe/wait-recorder.ts'

const server = createServer((_, response) => {
  askPool(() => response.end('done'))
})
const recorder = new WaitRecorder()

afterEach(async () => {
  recorder.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
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
