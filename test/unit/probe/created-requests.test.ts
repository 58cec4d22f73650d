import { once } from 'node:events'
import { Agent, createServer, get, type ClientRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CreatedRequests } from '../../../src/probe/created-requests.ts'

const server = createServer((_, response) => response.end('done'))
const agent = new Agent({ keepAlive: true })
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(async () => {
  agent.destroy()
  await new Promise((resolve) => server.close(resolve))
})

async function askForStock(): Promise<ClientRequest> {
  const request = get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { agent })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  await once(response.resume(), 'end')
  return request
}

it('sees a request on the stack of its caller, over a socket that was kept alive too', async () => {
  const { addRequest } = Agent.prototype as unknown as { addRequest: unknown }
  const seen = new Map<object, string>()
  const created = new CreatedRequests((request) => seen.set(request, new Error().stack ?? ''))
  created.start()
  for (let count = 0; count < 2; count += 1) expect(seen.get(await askForStock())).toContain('askForStock')
  created.close()
  created.close()
  await askForStock()
  expect(seen.size).toBe(2)
  expect(Agent.prototype).toHaveProperty('addRequest', addRequest)
})
