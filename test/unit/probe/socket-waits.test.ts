import { once } from 'node:events'
import { connect, createServer, Socket, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { SocketWaits } from '../../../src/probe/socket-waits.ts'
import type { OpenCall } from '../../../src/probe/wait-recorder.ts'

const server = createServer((socket) => socket.pipe(socket))
const clients: Socket[] = []
const told: string[] = []
const toldPorts = new Set<number>()
const waits = new SocketWaits({
  isTold: (port) => toldPorts.has(port),
  begin: (what) => {
    told.push(`begin ${what}`)
    return { shape: what } as unknown as OpenCall
  },
  end: ({ shape }, failed) => told.push(`${failed ? 'failed' : 'end'} ${String(shape)}`),
})

beforeEach(async () => {
  told.length = 0
  toldPorts.clear()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  waits.stop()
  for (const client of clients.splice(0)) client.destroy()
  await new Promise((resolve) => server.close(resolve))
})

async function open(): Promise<{ client: Socket; place: string }> {
  const { port } = server.address() as AddressInfo
  const client = connect(port, '127.0.0.1')
  clients.push(client)
  await once(client, 'connect')
  return { client, place: `127.0.0.1:${port}` }
}

it.each([
  ['that a pool opened before', true],
  ['that is opened later', false],
])('times a call over a socket %s, and not the side that a server accepted', async (_, isOpenBefore) => {
  const before = isOpenBefore ? await open() : undefined
  waits.start()
  const { client, place } = before ?? (await open())
  for (const text of ['first', 'second']) {
    client.write(text)
    await once(client, 'data')
  }
  expect(told).toEqual([`begin ${place}`, `end ${place}`, `begin ${place}`, `end ${place}`])
})

it('leaves no method of its own on a socket', async () => {
  const { client } = await open()
  waits.start()
  expect(Object.hasOwn(client, 'write')).toBe(true)
  waits.stop()
  expect([Object.hasOwn(client, 'write'), Object.hasOwn(client, 'emit')]).toEqual([false, false])
})

it('lets a socket go whose library tells of its calls', async () => {
  const { client } = await open()
  waits.start()
  toldPorts.add((server.address() as AddressInfo).port)
  client.write('first')
  await once(client, 'data')
  expect(told).toEqual([])
  expect([Object.hasOwn(client, 'write'), Object.hasOwn(client, 'emit')]).toEqual([false, false])
})

it('finds a socket that Node does not publish: one that a library made itself, as pg does', async () => {
  waits.start()
  const client = new Socket()
  clients.push(client)
  client.connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(client, 'connect')
  await vi.waitFor(() => expect(Object.hasOwn(client, 'write')).toBe(true), { timeout: 10_000 })
})
