import { expect, test } from 'vitest'
import type { PerfServer } from '../../../src/server/perf-server.ts'
import { SharedServers } from '../../../src/vitest/shared-servers.ts'

const OPTIONS = { command: 'node server.js' }

/** A server whose end is known only to whoever asks for it. */
function server() {
  const gone = new AbortController()
  let isDead = false
  const notice = async () => {
    if (isDead) gone.abort(new Error('it died'))
  }
  const stop = async () => gone.abort(new Error('stopped'))
  return Object.assign({ signal: gone.signal, notice, stop } as unknown as PerfServer, { kill: () => (isDead = true) })
}

test('one server for the same options, another for others', async () => {
  const shared = new SharedServers('file')
  let started = 0
  const start = async () => ((started += 1), server())
  const [one, two] = await Promise.all([shared.get(OPTIONS, start), shared.get({ ...OPTIONS }, start)])
  expect(two).toBe(one)
  expect(await shared.get({ ...OPTIONS, env: { A: undefined } }, start)).not.toBe(one)
  expect(started).toBe(2)
  await shared.close()
  expect(one.signal.aborted).toBe(true)
})

test('one that died between two tests is not handed out, although nobody has noticed', async () => {
  const shared = new SharedServers('file')
  const first = await shared.get(OPTIONS, async () => server())
  ;(first as ReturnType<typeof server>).kill()
  const next = await Promise.all([1, 2].map(() => shared.get(OPTIONS, async () => server())))
  expect(next[0]).not.toBe(first)
  expect(next[1]).toBe(next[0])
})

test('one that failed to start is tried anew', async () => {
  const shared = new SharedServers('file')
  await expect(shared.get(OPTIONS, () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck')
  expect(await shared.get(OPTIONS, async () => server())).toBeDefined()
})

test('a file has one set for all that ask, until the last of them has ended', async () => {
  const ends = [0, 1].map(() => {
    let resolve: () => void = () => {}
    const promise = new Promise<void>((settle) => (resolve = settle))
    return { promise, resolve }
  })
  const given: SharedServers[] = []
  const provided = ends.map(({ promise }) => SharedServers.provide('file', (shared) => (given.push(shared), promise)))
  expect(given[1]).toBe(given[0])
  const started = (await given[0]?.get(OPTIONS, async () => server())) as PerfServer
  ends[0]?.resolve()
  await provided[0]
  expect(started.signal.aborted).toBe(false)
  ends[1]?.resolve()
  await provided[1]
  expect(started.signal.aborted).toBe(true)
  await SharedServers.provide('file', async (next) => expect(next).not.toBe(given[0]))
})
