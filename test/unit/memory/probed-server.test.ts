import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ProbedServer } from '../../../src/memory/probed-server.ts'
import type { Answer, Ask, WatchedIsolate } from '../../../src/probe/protocol.ts'

const memory = { heapUsed: 1, heapTotal: 2, external: 3, arrayBuffers: 4, rss: 5 }
const never = new Promise<never>(() => {})

/** An isolate that answers as it is told. */
function isolate(pid: number, answer: (ask: Ask) => unknown): WatchedIsolate {
  const ask = async <A extends Ask>(question: A) => (await answer(question)) as Answer<A> | undefined
  return { pid, threadId: 0, wrapper: false, script: 'server.js', id: `${pid}:0`, connected: true, ask }
}

function serverOf(isolates: () => WatchedIsolate[], restarted: () => Promise<void> | undefined = () => undefined) {
  const target = {
    pid: undefined,
    signal: new AbortController().signal,
    channel: { isolates },
    get restarted() {
      return restarted()
    },
  }
  return new ProbedServer(target, 'server')
}

describe('a server that is restarted', () => {
  it('keeps its last figures while it has no process, without a wait', async () => {
    let living = [isolate(1, () => ({ memory }))]
    const server = serverOf(() => living)
    await server.read('w')
    living = []
    const started = performance.now()
    const { snapshot, stale } = await server.read('w')
    expect(performance.now() - started).toBeLessThan(200)
    expect(stale).toBe(true)
    expect(snapshot).toMatchObject(memory)
    // The new one has not answered yet.
    living = [isolate(2, () => never)]
    expect((await server.read('w')).stale).toBe(true)
    living = [isolate(3, () => ({ memory: { ...memory, rss: 9 } }))]
    expect(await server.read('w')).toMatchObject({ stale: false, snapshot: { rss: 9 } })
  })
})

it('a server whose restart takes long is not called gone when it has ended', { timeout: 20_000 }, async () => {
  let living = [isolate(1, () => ({ memory }))]
  let restarting: Promise<void> | undefined
  const server = serverOf(
    () => living,
    () => restarting,
  )
  await server.read('w')
  living = []
  restarting = delay(5_500)
  const until = restarting
  await server.read('w')
  await until
  expect((await server.read('w')).stale).toBe(true)
  restarting = undefined
  // It has just come back and has not answered yet.
  living = [isolate(2, () => never)]
  expect((await server.read('w')).stale).toBe(true)
})

describe('a server that is restarted before its first figures', () => {
  it('is waited for as long as the restart takes', async () => {
    let living: WatchedIsolate[] = []
    let restarting: Promise<void> | undefined = delay(1_500).then(() => {
      restarting = undefined
      living = [isolate(2, () => ({ memory }))]
    })
    const reading = await serverOf(
      () => living,
      () => restarting,
    ).read()
    expect(reading).toMatchObject({ stale: false, snapshot: memory })
  })

  it('is waited for where the one that was asked goes down', async () => {
    let restarting: Promise<void> | undefined
    let living = [
      isolate(1, async () => {
        restarting = delay(100).then(() => {
          restarting = undefined
          living = [isolate(2, () => ({ memory }))]
        })
        living = []
        return undefined
      }),
    ]
    const reading = await serverOf(
      () => living,
      () => restarting,
    ).read('w')
    expect(reading.snapshot).toMatchObject(memory)
  })
})

describe('a server whose event loop is blocked', () => {
  it('has no reading after 2.5 s, and says why', async () => {
    const server = serverOf(() => [isolate(1, () => never)])
    await expect(server.read()).rejects.toThrow(
      /server \(process 1\) did not say how much memory it uses within 2\.5 s: its event loop is blocked/,
    )
  })

  it('is not blamed where its process has ended while it was asked', async () => {
    let living = [isolate(1, () => never)]
    const reading = serverOf(() => living).read()
    living = []
    await expect(reading).rejects.toThrow(
      /^No Node process of the server .* is left to read memory from; did it exit\?$/,
    )
  })

  it('is asked one question, however often somebody looks', async () => {
    let asked = 0
    let wake: (value: unknown) => void = () => {}
    const stalled = new Promise((resolve) => (wake = resolve))
    const server = serverOf(() => [
      isolate(1, () => {
        asked += 1
        return asked === 1 ? { memory } : stalled
      }),
    ])
    await server.read('w')
    for (let look = 0; look < 3; look += 1) expect((await server.read('w')).stale).toBe(true)
    expect(asked).toBe(2)
    wake({ memory })
    await delay(0)
    expect((await server.read('w')).stale).toBe(false)
  })
})
