import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { findProcess } from '../../../src/lifecycle/process-table.ts'
import { COOKIE_VARIABLE, guard, watchdogPid } from '../../../src/lifecycle/watchdog.ts'

const WATCHDOG = JSON.stringify(new URL('../../../dist/lifecycle/watchdog.js', import.meta.url).href)
const IMPORTS = `
const { spawn } = await import('node:child_process')
const { guard, watchdogPid, COOKIE_VARIABLE } = await import(${WATCHDOG})`
/** A `child` that a guard of its own watches over. */
const GUARDED_CHILD = `
const watch = guard()
const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore', env: { ...process.env, [COOKIE_VARIABLE]: watch.cookie } })
watch.addGroup(child.pid)`

test.runIf(process.platform !== 'win32')('one watchdog serves all guards, and ends with the last', async () => {
  const first = guard()
  const second = guard()
  const pid = watchdogPid() as number
  expect(pid).toBeGreaterThan(0)
  expect(first.cookie).not.toBe(second.cookie)
  first.release()
  first.release()
  expect(watchdogPid()).toBe(pid)
  second.release()
  expect(watchdogPid()).toBeUndefined()
  await expect.poll(() => findProcess(pid), { timeout: 3_000 }).toBeUndefined()
})

test.runIf(process.platform !== 'win32')(
  'the files of a guard go with its holder, those of a released one stay',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'guard it *'))
    const [doomed, spared] = [join(folder, 'a b\\n*'), join(folder, 'spared')]
    for (const file of [doomed, spared]) writeFileSync(file, '')
    const program = `
    const { guard } = await import(${WATCHDOG})
    const released = guard()
    released.addFile(${JSON.stringify(spared)})
    guard().addFile(${JSON.stringify(doomed)})
    released.release()
    process.exit()`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
    await once(holder, 'exit')
    await expect.poll(() => existsSync(doomed), { timeout: 4_000 }).toBe(false)
    expect(existsSync(spared)).toBe(true)
    rmSync(folder, { recursive: true })
  },
)

test.runIf(process.platform === 'linux')('a tree that was released is left alone', async () => {
  const watch = guard()
  const child = spawn('sleep', ['60'], { detached: true, env: { ...process.env, [COOKIE_VARIABLE]: watch.cookie } })
  const pid = child.pid as number
  watch.addGroup(pid)
  const watchdog = watchdogPid() as number
  watch.release()
  watch.addGroup(pid)
  await expect.poll(() => findProcess(watchdog), { timeout: 3_000 }).toBeUndefined()
  expect(findProcess(pid)).toBeDefined()
  process.kill(-pid, 'SIGKILL')
})

test.runIf(process.platform === 'linux')(
  'what a watchdog is told that was killed a moment ago, its successor is told',
  async () => {
    const program = `
    ${IMPORTS}
    guard()
    const killed = watchdogPid()
    process.kill(killed, 'SIGKILL')
    // Nobody has heard of its end yet: the handle still looks alive.
    ${GUARDED_CHILD}
    while (watchdogPid() === killed || watchdogPid() === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    console.log(child.pid)
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100)`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [pid] = (await once(holder.stdout, 'data')) as [Buffer]
    expect(findProcess(Number(pid))).toBeDefined()
    await once(holder, 'exit')
    await expect.poll(() => findProcess(Number(pid)), { timeout: 5_000 }).toBeUndefined()
  },
)

test.runIf(process.platform === 'linux')(
  'a watchdog that is killed takes nothing with it, also that of a fork',
  async () => {
    const program = `
    ${IMPORTS}
    ${GUARDED_CHILD}
    const killed = watchdogPid()
    // It has read its orders by then.
    await new Promise((resolve) => setTimeout(resolve, 300))
    process.kill(killed, 'SIGKILL')
    while (watchdogPid() === killed || watchdogPid() === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    process.send({ pid: child.pid, killed })
    setInterval(() => {}, 1_000)`
    const holder = spawnFork(program)
    const [{ pid, killed }] = (await once(holder, 'message')) as [{ pid: number; killed: number }]
    // Time enough for what was left of the old one to kill it.
    await delay(1_500)
    expect(findProcess(pid)).toBeDefined()
    await expect.poll(() => groupIsThere(killed), { timeout: 5_000 }).toBe(false)
    holder.kill('SIGKILL')
    await expect.poll(() => findProcess(pid), { timeout: 5_000 }).toBeUndefined()
  },
)

test.runIf(process.platform === 'linux')(
  'what is left of a killed watchdog guards a worker that has heard nothing of it',
  async () => {
    const program = `
    ${IMPORTS}
    ${GUARDED_CHILD}
    await new Promise((resolve) => setTimeout(resolve, 300))
    process.send({ pid: child.pid, watchdog: watchdogPid() }, () => { for (;;); })`
    const holder = spawnFork(program)
    const [{ pid, watchdog }] = (await once(holder, 'message')) as [{ pid: number; watchdog: number }]
    process.kill(watchdog, 'SIGKILL')
    await delay(100)
    process.kill(holder.pid as number, 'SIGKILL')
    // Nobody reaps it meanwhile: a zombie still has its parent.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500)
    expect(readFileSync(`/proc/${holder.pid}/stat`, 'utf8')).toContain(') Z ')
    await expect.poll(() => findProcess(pid), { timeout: 5_000 }).toBeUndefined()
  },
)

/** The channel makes it a fork, whose watchdog is several shells. */
function spawnFork(program: string) {
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

function groupIsThere(pgid: number): boolean {
  try {
    process.kill(-pgid, 0)
    return true
  } catch {
    return false
  }
}
