import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { portIsFree, processesNaming, waitForNone } from '../../programs/leftovers.ts'

const marks: string[] = []
const programs = resolve(import.meta.dirname, '../../programs')

interface Holder {
  child: ChildProcess
  port: number
  watchdog: number
  worker: number
  mark: string
}

/** Starts a process that holds a server, and waits until that is up. */
async function hold(how: string, then: string, program: string): Promise<Holder> {
  const mark = randomUUID()
  marks.push(mark)
  const args = [join(programs, 'server-holder.mjs'), how, then, `node ${join(programs, program)}`]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, MARK: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const up = new Promise<Holder>((done, fail) => {
    const look = (chunk: Buffer) => {
      output += chunk.toString()
      const match = /UP (\d+) (\d+)/.exec(output)
      const worker = Number(/WORKER (\d+)/.exec(output)?.[1] ?? 0)
      if (match) done({ child, port: Number(match[1]), watchdog: Number(match[2]), worker, mark })
    }
    child.stdout.on('data', look)
    child.stderr.on('data', look)
    child.once('exit', () => fail(new Error(`the holder ended: ${output}`)))
  })
  return up
}

/** Everything of the holder is gone within two seconds, also the watchdog; `spare` may stay. */
async function expectGone({ mark, port }: Holder, spare: readonly number[] = []): Promise<void> {
  const left = () => processesNaming(mark).filter(({ pid }) => !spare.includes(pid))
  expect(await waitForNone(left, 2_000)).toEqual([])
  expect(await portIsFree(port)).toBe(true)
}

afterAll(() => {
  // Where a test failed, what it left is not to haunt this machine.
  for (const mark of marks) for (const { pid } of processesNaming(mark)) kill(pid, 'SIGKILL')
})

function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid) process.kill(pid, signal)
}

describe.runIf(process.platform === 'linux')('whatever ends its holder, the server is gone', () => {
  test.concurrent.each<[signal: NodeJS.Signals, how: string, then: string, program: string]>([
    ['SIGKILL', 'main', 'wait', 'server-ok.mjs'],
    ['SIGTERM', 'main', 'wait', 'server-deaf.mjs'],
    ['SIGINT', 'main', 'wait', 'server-family.mjs'],
    ['SIGKILL', 'main', 'block', 'server-cluster.mjs'],
    ['SIGKILL', 'thread', 'wait', 'server-stopped.mjs'],
    ['SIGKILL', 'thread', 'block', 'server-blocked.mjs'],
  ])('%s of a %s that would %s, with %s', async (signal, how, then, program) => {
    const holder = await hold(how, then, program)
    kill(holder.child.pid, signal)
    await expectGone(holder)
  })

  test.concurrent.each(['wait', 'block'])('a fork that outlives its main process (%s)', async (then) => {
    const holder = await hold('fork', then, 'server-ok.mjs')
    kill(holder.child.pid, 'SIGKILL')
    await expectGone(holder, [holder.worker])
    // The orphan has nobody left to report to, and is killed too.
    expect(await waitForNone(() => processesNaming(holder.mark), 3_000)).toEqual([])
  })

  test.concurrent('a fork that is killed', async () => {
    const holder = await hold('fork', 'block', 'server-ok.mjs')
    kill(holder.worker, 'SIGKILL')
    await expectGone(holder, [holder.child.pid ?? 0])
    kill(holder.child.pid, 'SIGKILL')
  })

  test.concurrent('a worker thread that is terminated while its loop is blocked', async () => {
    const holder = await hold('thread', 'terminate', 'server-ok.mjs')
    await expectGone(holder, [holder.child.pid ?? 0])
    kill(holder.child.pid, 'SIGKILL')
  })

  test.concurrent('a watchdog that was killed is replaced', async () => {
    const holder = await hold('main', 'wait', 'server-ok.mjs')
    kill(holder.watchdog, 'SIGKILL')
    const isWatchdog = ({ command }: { command: string }) => command.includes('vitest-perf-watchdog')
    const replaced = () =>
      processesNaming(holder.mark).some((found) => isWatchdog(found) && found.pid !== holder.watchdog)
    expect(await waitForNone(() => (replaced() ? [] : ['no watchdog yet']), 3_000)).toEqual([])
    kill(holder.child.pid, 'SIGKILL')
    await expectGone(holder)
  })
})
