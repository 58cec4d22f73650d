import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { findProcess, findTree, listProcesses, parseStat } from '../../../src/lifecycle/process-table.ts'
import { isTreeAlive, signalTree, terminateTree } from '../../../src/lifecycle/process-tree.ts'
import { COOKIE_VARIABLE } from '../../../src/lifecycle/watchdog.ts'

const programs = resolve(import.meta.dirname, '../../programs')
const linux = test.runIf(process.platform === 'linux')

function start(command: string) {
  const cookie = randomUUID()
  const env = { ...process.env, [COOKIE_VARIABLE]: cookie, PORT: '0', HOST: '127.0.0.1' }
  const child = spawn('/bin/sh', ['-c', command], { detached: true, env, stdio: ['ignore', 'pipe', 'ignore'] })
  return { child, tree: { group: child.pid as number, cookie } }
}

const said = (child: ChildProcess) => once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')

test('a name may hold spaces and parentheses', () => {
  const line = (flags: number) => `12 (a) b (c) S 3 4 5 0 -1 ${flags} 7 8 9 10 11 12 13 14 20 0 7 0 98765 0`
  const expected = { pid: 12, name: 'a) b (c', state: 'S', parent: 3, group: 4, threads: 7, startedAt: 98_765 }
  expect(parseStat(line(4_194_304))).toEqual({ ...expected, isEnding: false })
  // PF_EXITING of Linux.
  expect(parseStat(line(4_194_308))).toEqual({ ...expected, isEnding: true })
  expect(parseStat('nonsense')).toBeUndefined()
})

linux('this process is in the table', () => {
  expect(listProcesses().find(({ pid }) => pid === process.pid)).toMatchObject({ parent: process.ppid })
})

linux('a tree has its descendants, also those that left the group or lost their parent', async () => {
  const { child, tree } = start(`node ${join(programs, 'server-family.mjs')}`)
  await said(child)
  await expect.poll(() => findTree(tree).length).toBeGreaterThanOrEqual(7)
  const members = findTree(tree)
  expect(members.filter(({ group }) => group !== tree.group).length).toBeGreaterThanOrEqual(4)
  const started = performance.now()
  expect(await terminateTree(tree, { signal: 'SIGTERM', timeout: 300 })).toBe(true)
  // Its members end by a signal, and not by the end of a wait: they would sleep for a minute.
  expect(performance.now() - started).toBeLessThan(10_000)
  expect(findTree(tree)).toEqual([])
})

linux('a polite tree is not waited for', async () => {
  const { child, tree } = start(`node ${join(programs, 'server-ok.mjs')}`)
  await said(child)
  const started = performance.now()
  expect(await terminateTree(tree, { signal: 'SIGTERM', timeout: 5_000 })).toBe(true)
  expect(performance.now() - started).toBeLessThan(2_000)
  expect(await terminateTree(tree, { signal: 'SIGTERM', timeout: 5_000 })).toBe(true)
})

linux('one that is stopped is woken up for the signal', async () => {
  const { child, tree } = start('trap "exit 0" TERM; echo up; kill -STOP $$; while :; do sleep 0.05; done')
  await said(child)
  await expect.poll(() => findProcess(tree.group)?.state).toBe('T')
  const exit = once(child, 'exit')
  expect(await terminateTree(tree, { signal: 'SIGTERM', timeout: 4_000 })).toBe(true)
  expect(await exit).toEqual([0, null])
})

linux('zombies that nobody reaps are not alive', async () => {
  // The parent outlives its child in the group and never waits for it.
  const program = `import os, time
if os.fork() == 0:
    os.setpgid(0, 0); os._exit(0)
print('up', flush=True); time.sleep(30)`
  const { child, tree } = start(`exec python3 -c "${program}"`)
  await said(child)
  const zombie = () => Number(/\d+/.exec(readFileSync(`/proc/${tree.group}/task/${tree.group}/children`, 'utf8'))?.[0])
  const pid = zombie()
  await expect.poll(() => findProcess(pid)).toBeUndefined()
  expect(() => process.kill(-pid, 0)).not.toThrow()
  expect(isTreeAlive({ group: pid, cookie: 'none' })).toBe(false)
  signalTree(tree, 'SIGKILL')
  await once(child, 'exit')
})

linux('without `ps` in the PATH all is the same', async () => {
  const path = process.env.PATH
  const { child, tree } = start(`node ${join(programs, 'server-deaf.mjs')}`)
  await said(child)
  process.env.PATH = '/nowhere'
  try {
    expect(await terminateTree(tree, { signal: 'SIGTERM', timeout: 100 })).toBe(true)
  } finally {
    process.env.PATH = path
  }
})
