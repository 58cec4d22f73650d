import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { findFreePort, isPortFree, portInUse, portsOfWorker } from '../../../src/server/port.ts'

test('two workers have no port in common, and all lie below the ports of outgoing connections', () => {
  const first = portsOfWorker(1)
  const second = new Set(portsOfWorker(2))
  expect(first.filter((port) => second.has(port))).toEqual([])
  expect(first.length).toBeGreaterThan(300)
  expect(Math.min(...first)).toBeGreaterThanOrEqual(10_000)
  expect(Math.max(...first)).toBeLessThan(32_768)
})

test('the order is random', () => {
  expect(portsOfWorker(1)).not.toEqual(portsOfWorker(1))
})

test('concurrent askers get ports of their own', async () => {
  const ports = await Promise.all(Array.from({ length: 40 }, () => findFreePort({ VITEST_POOL_ID: '3' })))
  expect(new Set(ports).size).toBe(40)
  expect(new Set(ports.map((port) => port % 64)).size).toBe(1)
})

test('a port in use is seen, whoever bound which address', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as AddressInfo
  expect(await isPortFree('127.0.0.1', port)).toBe(false)
  await new Promise((resolve) => server.close(resolve))
  expect(await isPortFree('127.0.0.1', port)).toBe(true)
  expect(await isPortFree('203.0.113.1', port)).toMatchObject({ code: 'EADDRNOTAVAIL' })
})

test('the error names the port, its owner and the ways out', () => {
  const error = portInUse('127.0.0.1', 3_000, { pid: 12, name: 'nginx' })
  expect(error).toMatchObject({ code: 'PERF_PORT_IN_USE', port: 3_000, host: '127.0.0.1' })
  expect(error.message).toMatch(
    /Port 3000 of 127\.0\.0\.1 is in use by pid 12 \(nginx\).*`server\.port`.*`server\.url`/,
  )
})
