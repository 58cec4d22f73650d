import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { findProcess, findTree, psTable } from '../../../src/lifecycle/process-table.ts'
import {
  findListeners,
  findOwnership,
  findPortOwner,
  lsofTable,
  parseAddress,
  parseListeners,
  parseLsof,
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

test('what lsof prints is read', () => {
  const text = 'p81\ncnode\nf21\ntIPv4\nn127.0.0.1:3000\nf22\ntIPv6\nn*:3001\np9\ncssh\nf3\ntIPv6\nn[::1]:22\n'
  expect(parseLsof(text)).toMatchObject([
    { address: '127.0.0.1', port: 3_000, pid: 81, name: 'node' },
    { address: '0:0:0:0:0:0:0:0', port: 3_001, pid: 81 },
    { address: '0:0:0:0:0:0:0:1', port: 22, pid: 9, name: 'ssh' },
  ])
})

// The path of macOS, taken here: lsof and ps in place of /proc.
test.runIf(process.platform === 'linux')('lsof and ps find the same as /proc', async () => {
  const script = `const { createServer } = require('node:net')
    createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
  const child = spawn('/bin/sh', ['-c', `"$0" -e "$1"; :`, process.execPath, script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, VITEST_PERF_COOKIE: 'of-this-test' },
  })
  try {
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    const port = Number(String(said))
    const tree = { group: child.pid as number, cookie: 'of-this-test' }
    const table = lsofTable()
    expect(findOwnership('127.0.0.1', port, tree, table, psTable)).toEqual({ kind: 'own' })
    expect(findOwnership('127.0.0.1', port, { group: -1, cookie: 'none' }, table, psTable)).toMatchObject({
      kind: 'foreign',
      owner: { pid: expect.any(Number), name: expect.any(String) },
    })
    expect(findListeners(tree, table, psTable)).toMatchObject([{ address: '127.0.0.1', port }])
    expect(findTree(tree, psTable).map(({ pid }) => pid)).toEqual(findTree(tree).map(({ pid }) => pid))
    expect(findTree({ ...tree, group: -1 }, psTable).length).toBe(2)
    expect(findProcess(child.pid as number, psTable)).toMatchObject({ pid: child.pid, group: child.pid })
    expect(
      findOwnership(
        '127.0.0.1',
        port,
        tree,
        lsofTable(() => ''),
        psTable,
      ),
    ).toEqual({ kind: 'unknown' })
  } finally {
    process.kill(-(child.pid as number), 'SIGKILL')
  }
})
