import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
// The probe is a child's entry, found beside the built channel.
import { openProbeChannel, type ProbeChannel } from '../../../dist/probe/channel.js'
import { PROBE_SOCKET } from '../../../dist/probe/protocol.js'

const folder = mkdtempSync(join(tmpdir(), 'perf-probe-test-'))
const children: ChildProcess[] = []
const channels: ProbeChannel[] = []

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const channel of channels.splice(0)) await channel.close()
})

async function open(): Promise<ProbeChannel> {
  const channel = await openProbeChannel()
  channels.push(channel)
  return channel
}

/** Runs `code` as a script of its own with the probe in it. */
function run(channel: ProbeChannel, code: string, name = 'script.mjs') {
  const script = join(folder, name)
  writeFileSync(script, code)
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, ...channel.env, NODE_OPTIONS: channel.nodeOptions },
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return { child, exit: once(child, 'exit') as Promise<[number | null]>, output: () => output }
}

/** The comment that ends a compiled script; in two parts, or it would be this file's own. */
function inlineMap(map: object): string {
  return `//# source${'MappingURL'}=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`
}

const waitFor = <T>(check: () => T) => vi.waitFor(check, { timeout: 10_000, interval: 25 })
const STAY = 'setInterval(() => {}, 60_000)'
const LIMIT = 10_000

describe('the memory probe', () => {
  it('connects every process and thread of a tree, evaluated workers and cluster workers too', async () => {
    const channel = await open()
    run(
      channel,
      `import cluster from 'node:cluster'
       import { Worker } from 'node:worker_threads'
       if (cluster.isPrimary) { cluster.fork(); new Worker(${JSON.stringify(STAY)}, { eval: true }) }
       ${STAY}`,
    )
    await waitFor(() => expect(channel.isolates()).toHaveLength(3))
    expect(new Set(channel.isolates().map(({ pid }) => pid)).size).toBe(2)
    expect(channel.isolates().filter(({ threadId }) => threadId > 0)).toHaveLength(1)
    expect(channel.isolates().map(({ wrapper }) => wrapper)).toEqual([false, false, false])
  })

  it('marks a package manager as a wrapper', async () => {
    const channel = await open()
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { start: 'node served.mjs' } }))
    writeFileSync(join(folder, 'served.mjs'), STAY)
    const env = { ...process.env, ...channel.env, NODE_OPTIONS: channel.nodeOptions }
    const npm = spawn('npm', ['start'], { cwd: folder, env, detached: true })
    try {
      await waitFor(() => expect(channel.isolates().some(({ script }) => script.endsWith('served.mjs'))).toBe(true))
      const wrappers = Object.fromEntries(channel.isolates().map(({ script, wrapper }) => [script, wrapper]))
      expect(Object.values(wrappers).toSorted()).toEqual([false, true])
      expect(Object.entries(wrappers).find(([, wrapper]) => !wrapper)?.[0]).toContain('served.mjs')
    } finally {
      process.kill(-(npm.pid ?? 0), 'SIGKILL')
    }
  })

  it('reads memory, counts responses and collects', async () => {
    const channel = await open()
    const { output } = run(
      channel,
      `import { createServer } from 'node:http'
       let kept = []
       createServer((req, res) => {
         if (req.url === '/drop') kept = []
         else kept.push(new Array(200_000).fill(Math.random()))
         res.end()
       }).listen(0, '127.0.0.1', function () { console.log('port', this.address().port) })`,
    )
    await waitFor(() => expect(output()).toMatch(/port \d+/))
    const url = `http://127.0.0.1:${/port (\d+)/.exec(output())?.[1]}`
    await waitFor(() => expect(channel.isolates()).toHaveLength(1))
    const [isolate] = channel.isolates()
    const first = await isolate?.ask('read', { watch: 'w' }, LIMIT)
    expect(first?.requests).toBe(0)
    for (let request = 0; request < 5; request += 1) await fetch(url)
    await delay(20) // a response is over for its client before it is for the server
    const full = await isolate?.ask('collect', { watch: 'w' }, LIMIT)
    expect(full?.requests).toBe(5)
    expect(full?.time).toBeGreaterThan(0)
    expect(full?.machineCode).toBeGreaterThan(0)
    await fetch(`${url}/drop`)
    await delay(20)
    const empty = await isolate?.ask('collect', { watch: 'w' }, LIMIT)
    expect((full?.heapData ?? 0) - (empty?.heapData ?? 0)).toBeGreaterThan(5 * 200_000 * 8 * 0.9)
    const last = await isolate?.ask('read', { watch: 'w' }, LIMIT)
    expect(last?.requests).toBe(6)
    expect(last?.loop?.max).toBeGreaterThanOrEqual(last?.loop?.p50 ?? Infinity)
  })

  it('sees a blocked event loop and the collections that V8 made, but not those it forced', async () => {
    const channel = await open()
    const { child } = run(
      channel,
      `process.on('message', () => {
         const until = performance.now() + 400
         while (performance.now() < until) new Array(1_000).fill({})
       })
       ${STAY}`,
    )
    await waitFor(() => expect(channel.isolates()).toHaveLength(1))
    const [isolate] = channel.isolates()
    await isolate?.ask('read', { watch: 'w' }, LIMIT)
    for (let times = 0; times < 3; times += 1) await isolate?.ask('collect', { watch: 'w' }, LIMIT)
    await delay(50)
    const before = await isolate?.ask('read', { watch: 'w' }, LIMIT)
    child.send('block')
    await delay(50)
    expect(await isolate?.ask('read', { watch: 'w' }, 20)).toBeUndefined()
    await delay(600)
    const after = await isolate?.ask('read', { watch: 'w' }, LIMIT)
    expect(after?.loop?.max).toBeGreaterThan(250)
    expect(after?.gc?.count).toBeGreaterThan(before?.gc?.count ?? Infinity)
    expect(before?.gc?.count).toBeLessThan(3)
  })

  // `mappings` say: line 2 of the script is line 41 of rows.ts.
  it('names who allocated what is still alive, through source maps', async () => {
    const channel = await open()
    const { child } = run(
      channel,
      `const kept = []
function keepRows() { for (let row = 0; row < 50_000; row += 1) kept.push({ row }) }
process.on('message', () => { keepRows(); process.send('done') })
${STAY}
${inlineMap({ version: 3, sources: ['rows.ts'], names: [], mappings: ';AAwCA' })}`,
    )
    await waitFor(() => expect(channel.isolates()).toHaveLength(1))
    const [isolate] = channel.isolates()
    await isolate?.ask('sampleAllocations', {}, LIMIT)
    child.send('go')
    await once(child, 'message')
    const profile = await isolate?.ask('endAllocations', {}, LIMIT)
    expect(profile?.sites[0]).toMatchObject({ function: 'keepRows', location: expect.stringMatching(/rows\.ts:41$/) })
    expect(profile?.sites[0]?.bytes).toBeGreaterThan(500_000)
  })

  it.each([
    ['ends by itself', '', 0],
    ['exits', 'process.exit(7)', 7],
    ['ends after work', "setTimeout(() => console.log('done'), 50)", 0],
    ['waited for a worker', `import { Worker } from 'node:worker_threads'; new Worker('1 + 1', { eval: true })`, 0],
  ])('does not keep a program alive that %s', async (_, code, exitCode) => {
    const { exit, output } = run(await open(), code)
    expect((await exit)[0]).toBe(exitCode)
    expect(output()).not.toMatch(/warn|error/i)
  })

  it('does not keep one alive that was watched', async () => {
    const channel = await open()
    const { exit, child } = run(channel, `process.once('message', () => process.disconnect())`)
    await waitFor(() => expect(channel.isolates()).toHaveLength(1))
    await channel.isolates()[0]?.ask('read', { watch: 'w' }, LIMIT)
    child.send('end')
    expect((await exit)[0]).toBe(0)
  })

  it('leaves a cluster working', async () => {
    const { exit, output } = run(
      await open(),
      `import cluster from 'node:cluster'
       import { createServer } from 'node:http'
       if (cluster.isPrimary) {
         cluster.fork()
         cluster.on('listening', async (worker, { port }) => {
           console.log(await (await fetch('http://127.0.0.1:' + port)).text())
           worker.disconnect()
         })
         cluster.on('exit', (worker, code) => console.log('worker ended', code, worker.exitedAfterDisconnect))
       } else createServer((req, res) => res.end('served')).listen(0, '127.0.0.1')`,
    )
    expect((await exit)[0]).toBe(0)
    expect(output()).toMatch(/served\nworker ended 0 true/)
  })

  it('is silent where nobody listens, and when the listener goes away', async () => {
    const channel = await open()
    const { child, output } = run(channel, `process.on('message', () => process.exit(0)); ${STAY}`)
    await waitFor(() => expect(channel.isolates()).toHaveLength(1))
    await channel.close()
    const late = run(channel, "console.log('ran')", 'late.mjs')
    expect((await late.exit)[0]).toBe(0)
    expect(late.output()).toBe('ran\n')
    child.send('end')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(output()).toBe('')
  })
})

describe('openProbeChannel', () => {
  it('removes its socket and disconnects all when it is closed, as often as one likes', async () => {
    const channel = await open()
    const path = channel.env[PROBE_SOCKET] ?? ''
    run(channel, STAY)
    await waitFor(() => expect(channel.isolates()).toHaveLength(1))
    const [isolate] = channel.isolates()
    expect(existsSync(path)).toBe(true)
    await Promise.all([channel.close(), channel.close()])
    await channel.close()
    expect(existsSync(path)).toBe(false)
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`perf-probe-${process.pid}-`))).toEqual([])
    await waitFor(() => expect(isolate?.connected).toBe(false))
    expect(await isolate?.ask('read', {}, 1_000)).toBeUndefined()
  })

  it('forgets who exits, and answers what was asked of it', async () => {
    const channel = await open()
    const { child } = run(channel, `process.on('message', () => { for (;;); }); ${STAY}`)
    await waitFor(() => expect(channel.isolates()).toHaveLength(1))
    const [isolate] = channel.isolates()
    child.send('block')
    const answer = isolate?.ask('read', {}, 60_000)
    child.kill('SIGKILL')
    expect(await answer).toBeUndefined()
    expect(channel.isolates()).toEqual([])
  })

  it('turns away who is no probe', async () => {
    const channel = await open()
    const stranger = connect(channel.env[PROBE_SOCKET] ?? '')
    stranger.write('GET / HTTP/1.1\r\n\r\n')
    await once(stranger, 'close')
    expect(channel.isolates()).toEqual([])
  })
})

process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
