import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { usageMeter } from '../../../../src/load/worker/usage.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A process that says a word, and then does what it is told. */
async function run(source: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', `process.stdout.write('up');${source}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
  return child
}

describe.runIf(process.platform === 'linux')('the usage that a worker reports', () => {
  it('is that of its process and its load processes, between two looks', async () => {
    const alone = usageMeter(() => [])
    const child = await run('for (;;);')
    const usage = usageMeter(() => [child.pid as number])
    usage()
    await sleep(600)
    const busy = usage()
    // Per cent of a core: a busy loop has one, or a part of one beside others.
    expect(busy.cpu).toBeGreaterThan(15)
    expect(busy.cpu).toBeLessThan(300)
    expect(busy.memory - alone().memory).toBeGreaterThan(20_000_000)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(busy.memory - usage().memory).toBeGreaterThan(20_000_000)
  })

  it('leaves out what a process had used before it was first seen', async () => {
    const child = await run('const end = Date.now() + 400; while (Date.now() < end); setInterval(() => {}, 1e6)')
    await sleep(700)
    expect(usageMeter(() => [child.pid as number])().cpu).toBe(0)
  })

  it('is that of the rest where a process has ended', async () => {
    const child = await run('')
    await once(child, 'exit')
    const { cpu, memory } = usageMeter(() => [child.pid as number])()
    expect([cpu, memory > 10_000_000]).toEqual([0, true])
  })
})
