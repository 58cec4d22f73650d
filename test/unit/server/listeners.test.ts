import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import {
  findOwnership,
  findPortOwner,
  parseAddress,
  parseListeners,
  reachedBy,
  type Listener,
} from '../../../src/server/listeners.ts'

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11111 1 0 100 0 0 10 0
   1: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 22222 1 0 100 0 0 10 0
   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 33333 1 0 100 0 0 10 0
`

test('only listening sockets count', () => {
  expect(parseListeners(TABLE, 8_080)).toEqual([{ address: '127.0.0.1', port: 8_080, inode: '11111' }])
  expect(parseListeners(TABLE, 8_081)).toEqual([{ address: '0.0.0.0', port: 8_081, inode: '22222' }])
  expect(parseListeners(TABLE, 50_000)).toEqual([])
})

test.each([
  ['0100007F', '127.0.0.1'],
  ['00000000000000000000000001000000', '0:0:0:0:0:0:0:1'],
  ['00000000000000000000000000000000', '0:0:0:0:0:0:0:0'],
  ['0000000000000000FFFF00000100007F', '127.0.0.1'],
])('address %s is %s', (hex, address) => {
  expect(parseAddress(hex)).toBe(address)
})

test('a connection reaches the most specific socket', () => {
  const at = (address: string, inode: string, port = 80): Listener => ({ address, port, inode })
  const all = [at('0.0.0.0', 'any'), at('127.0.0.1', 'own'), at('0:0:0:0:0:0:0:0', 'any6'), at('10.0.0.1', 'other')]
  expect(reachedBy(all, '127.0.0.1', 80).map(({ inode }) => inode)).toEqual(['own'])
  expect(reachedBy(all, '192.168.0.1', 80).map(({ inode }) => inode)).toEqual(['any'])
  expect(reachedBy(all, '0:0:0:0:0:0:0:1', 80).map(({ inode }) => inode)).toEqual(['any6'])
  expect(reachedBy([at('0:0:0:0:0:0:0:0', 'dual')], '127.0.0.1', 80)).toHaveLength(1)
  expect(reachedBy(all, '127.0.0.1', 81)).toEqual([])
})

test.runIf(process.platform === 'linux')('the owner of a real port is told', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    expect(findPortOwner('127.0.0.1', port)?.pid).toBe(process.pid)
    expect(findOwnership('127.0.0.1', port, { group: process.pid, cookie: 'none' })).toEqual({ kind: 'own' })
    expect(findOwnership('127.0.0.1', port, { group: -1, cookie: 'none' })).toMatchObject({ kind: 'foreign' })
  } finally {
    server.close()
  }
  expect(findOwnership('127.0.0.1', 1, { group: -1, cookie: 'none' })).toEqual({ kind: 'unknown' })
})
