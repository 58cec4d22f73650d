import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ServedRequests } from '../../../src/probe/served-requests.ts'

interface Notes {
  path?: string
}

let handle: (path: string) => Promise<void>
const server = createServer((request, response) => {
  void handle(request.url ?? '').then(() => response.end('done'))
})
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const answered: Notes[] = []
let served: ServedRequests<Notes>

beforeEach(async () => {
  answered.length = 0
  served = new ServedRequests<Notes>(
    () => ({}),
    (notes) => answered.push(notes),
  )
  served.start()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  served.stop()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const urlOf = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`

async function ask(path: string): Promise<void> {
  const [response] = (await once(get(urlOf(path), { agent }), 'response')) as [IncomingMessage]
  await once(response.resume(), 'end')
}

it('gives the notes of a request to the code that works for it, across waits', async () => {
  handle = async (path) => {
    await delay(path === '/slow' ? 20 : 1)
    const notes = served.notesOfCaller()
    if (notes) notes.path = path
  }
  await Promise.all([ask('/slow'), ask('/quick')])
  await vi.waitFor(() => expect(answered.map(({ path }) => path).toSorted()).toEqual(['/quick', '/slow']))
  expect(served.read()).toMatchObject({ requests: 2, followed: { requests: 2 } })
})

it('ties nothing to a request that is over, or to one that is not followed', async () => {
  handle = async () => {}
  // These end the first window, in which all are followed.
  for (let count = 0; count < 50; count += 1) await ask('/')
  await delay(60)
  const seen: (Notes | undefined)[] = []
  handle = async () => {
    await delay(1)
    seen.push(served.notesOfCaller())
  }
  await ask('/')
  expect(seen).toEqual([undefined])
  await vi.waitFor(() => expect(served.read()).toMatchObject({ requests: 51, followed: { requests: 50 } }))
})

it('counts the time in which it had a request, and none that its client gave up', async () => {
  handle = () => delay(40)
  const given = get(urlOf('/'), { agent: false }).on('error', () => {})
  await once(server, 'request')
  given.destroy()
  await vi.waitFor(() => expect(served.read().serving).toBeGreaterThan(0))
  await delay(50)
  const { serving } = served.read()
  await delay(20)
  expect(served.read()).toMatchObject({ requests: 0, serving })
})
