import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openProbeChannel, type ProbeChannel } from '../../../src/probe/channel.ts'
import { PROBE_SOCKET, type QuestionLine, type WatchedIsolate } from '../../../src/probe/protocol.ts'

const LIMIT = 10_000
const GREETING = `${JSON.stringify({ pid: 7, threadId: 0, wrapper: false, script: 'server.js' })}\n`
const memory = { heapUsed: 1, heapTotal: 2, external: 3, arrayBuffers: 4, rss: 5 }

const channels: ProbeChannel[] = []
afterEach(async () => {
  for (const channel of channels.splice(0)) await channel.close()
})

/** A peer on the socket, with what it was asked. */
async function join(greeting = GREETING) {
  const channel = await openProbeChannel()
  channels.push(channel)
  const path = channel.env[PROBE_SOCKET] as string
  const socket = connect(path)
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(greeting)
  const asked = () =>
    received
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as QuestionLine)
  return { channel, path, socket, asked }
}

async function greeted(
  greeting?: string,
): Promise<Awaited<ReturnType<typeof join>> & { isolate: WatchedIsolate; say(message: unknown): void }> {
  const peer = await join(greeting)
  await vi.waitFor(() => expect(peer.channel.isolates()).toHaveLength(1))
  const say = (message: unknown) => void peer.socket.write(`${JSON.stringify(message)}\n`)
  return { ...peer, isolate: peer.channel.isolates()[0] as WatchedIsolate, say }
}

const closed = async (socket: Socket) => {
  if (!socket.closed) await once(socket, 'close')
}

describe('the probe socket', () => {
  it.skipIf(process.platform === 'win32')(
    'can be entered by its user alone, and is removed with its folder',
    async () => {
      const { channel, path } = await join()
      expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
      expect(channel.files).toEqual([path, dirname(path)])
      await channel.close()
      expect(existsSync(dirname(path))).toBe(false)
    },
  )
})

describe('a peer', () => {
  it('cannot overwrite what belongs to us', async () => {
    const { isolate, asked } = await greeted(
      `${JSON.stringify({ ...JSON.parse(GREETING), ask: 'mine', connected: false, disconnect: 1, id: '9:9' })}\n`,
    )
    expect(isolate).toMatchObject({ id: '7:0', connected: true, pid: 7 })
    void isolate.ask('read', {}, LIMIT)
    await vi.waitFor(() => expect(asked()).toMatchObject([{ id: 1, ask: 'read', details: {} }]))
  })

  it.each([
    ['no greeting', 'GET / HTTP/1.1\r\n\r\n'],
    ['a greeting without an end', 'x'.repeat(70_000)],
    ['a second greeting', GREETING + GREETING],
  ])('with %s is disconnected', async (_, text) => {
    const { channel, socket } = await join(text)
    await closed(socket)
    expect(channel.isolates()).toEqual([])
  })

  it('is disconnected for an answer of another shape, and the question has none', async () => {
    const { isolate, say, socket, channel } = await greeted()
    const reading = isolate.ask('read', {}, LIMIT)
    say({ id: 1, value: { memory: 'much' } })
    expect(await reading).toBeUndefined()
    await closed(socket)
    expect(channel.isolates()).toEqual([])
  })

  it('may answer what nobody asked, and twice: neither counts', async () => {
    const { isolate, say } = await greeted()
    say({ id: 99, value: { memory } })
    const reading = isolate.ask('read', {}, LIMIT)
    say({ id: 1, value: { memory } })
    say({ id: 1, value: { memory: { ...memory, rss: 6 } } })
    expect(await reading).toEqual({ memory })
    expect(isolate.connected).toBe(true)
  })
})

describe('a question', () => {
  it('that is still open is not sent again; each asker has a deadline of its own', async () => {
    const { isolate, asked, say } = await greeted()
    const all = Array.from({ length: 95 }, () => isolate.ask('read', { watch: 'w' }, LIMIT))
    expect(await isolate.ask('read', { watch: 'w' }, 20)).toBeUndefined()
    const other = isolate.ask('read', { watch: 'v' }, LIMIT)
    await vi.waitFor(() => expect(asked()).toHaveLength(2))
    say({ id: 1, value: { memory } })
    say({ id: 2, value: { memory, requests: 4 } })
    expect(await Promise.all(all)).toEqual(all.map(() => ({ memory })))
    expect(await other).toEqual({ memory, requests: 4 })
    void isolate.ask('read', { watch: 'w' }, LIMIT)
    await vi.waitFor(() => expect(asked()).toHaveLength(3))
  })

  it('that changes something is sent each time', async () => {
    const { isolate, asked } = await greeted()
    void isolate.ask('sampleAllocations', {}, LIMIT)
    void isolate.ask('sampleAllocations', {}, LIMIT)
    await vi.waitFor(() => expect(asked()).toHaveLength(2))
  })

  it('rejects with what the isolate could not do', async () => {
    const { isolate, say } = await greeted()
    const profile = isolate.ask('endAllocations', {}, LIMIT)
    say({ id: 1, error: 'Error: no inspector' })
    await expect(profile).rejects.toThrow('process 7 could not end allocations: Error: no inspector')
  })

  it('has no answer where the isolate is gone, also when that is not known yet', async () => {
    const { isolate, socket, channel } = await greeted()
    const before = isolate.ask('collect', {}, LIMIT)
    socket.destroy()
    const during = isolate.ask('collect', {}, LIMIT)
    expect(await before).toBeUndefined()
    expect(await during).toBeUndefined()
    expect(await isolate.ask('collect', {}, LIMIT)).toBeUndefined()
    expect(isolate.connected).toBe(false)
    expect(channel.isolates()).toEqual([])
  })

  it('has no answer where the channel is closed', async () => {
    const { isolate, channel } = await greeted()
    const reading = isolate.ask('read', {}, LIMIT)
    await channel.close()
    expect(await reading).toBeUndefined()
  })
})
