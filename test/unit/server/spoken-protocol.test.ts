import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createSecureServer } from 'node:https'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { findSpokenProtocol } from '../../../src/server/spoken-protocol.ts'

const file = (name: string) => readFileSync(new URL(`../../programs/load-tls/${name}`, import.meta.url))

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

it('waits for a TLS handshake that a busy machine takes its time for', async () => {
  const secure = await listen(createSecureServer({ key: file('key.pem'), cert: file('cert.pem') }))
  // What the server says comes 700 ms late.
  const late = createServer((client) => {
    const server = connect(secure, '127.0.0.1')
    client.pipe(server)
    server.on('data', (chunk) => setTimeout(() => client.write(chunk), 700))
    for (const socket of [client, server])
      socket.on('error', () => {}).once('close', () => (client.destroy(), server.destroy()))
  })
  expect(await findSpokenProtocol('127.0.0.1', await listen(late), { timeout: 10_000 })).toBe('https')
})

it('is none of a port that says nothing', async () => {
  const silent = createServer((client) => void client.on('error', () => {}).resume())
  expect(await findSpokenProtocol('127.0.0.1', await listen(silent), { timeout: 300 })).toBeUndefined()
})
