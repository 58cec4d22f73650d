import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { LoadGenerator } from '../../../dist/load/spec/load-generator.js'

// A certificate of `localhost` that signs itself, made for these tests, valid until 2126.
const program = (name: string) => readFileSync(new URL(`../../programs/load-tls/${name}`, import.meta.url), 'utf8')

async function startSecureServer(): Promise<string> {
  const server = createServer({ key: program('key.pem'), cert: program('cert.pem') }, (_, response) =>
    response.end('hello'),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://localhost:${(server.address() as AddressInfo).port}/`
}

it('accepts a certificate of its own on loopback, unless told to verify', async () => {
  const url = await startSecureServer()
  const generator = new LoadGenerator()
  const load = { connections: 2, amount: 50 }
  for (const host of ['localhost', '127.0.0.1']) {
    const own = await generator.generateLoad({ url: url.replace('localhost', host), ...load })
    expect(own).toMatchObject({ requests: 50, errors: { total: 0 } })
  }
  await expect(generator.generateLoad({ url, ...load, tls: { rejectUnauthorized: true } })).rejects.toMatchObject({
    name: 'LoadError',
    message: expect.stringContaining('self-signed certificate'),
    partial: { requests: 0, errors: { byKind: { tls: { count: expect.any(Number) } } } },
  })
  const trusted = await generator.generateLoad({ url, ...load, tls: { ca: program('cert.pem') } })
  expect(trusted).toMatchObject({ requests: 50, errors: { total: 0 } })
})

it('verifies the name too', async () => {
  const url = (await startSecureServer()).replace('localhost', '127.0.0.1')
  const ca = program('cert.pem')
  const generator = new LoadGenerator()
  await expect(generator.generateLoad({ url, connections: 1, tls: { ca } })).rejects.toMatchObject({
    partial: { errors: { byKind: { tls: { message: expect.stringContaining('127.0.0.1') } } } },
  })
  const result = await generator.generateLoad({ url, connections: 1, amount: 20, tls: { ca, servername: 'localhost' } })
  expect(result.requests).toBe(20)
})
