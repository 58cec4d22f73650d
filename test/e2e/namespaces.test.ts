import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createHosts, findNamespaceObstacle } from './harness/namespaces.ts'

const obstacle = findNamespaceObstacle()

async function outputOf(child: ChildProcess): Promise<string> {
  let output = ''
  child.stdout?.on('data', (chunk) => (output += chunk))
  await once(child, 'close')
  return output.trim()
}

function namespaces(): string[] {
  return spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout.split('\n')
}

/** Whether a process runs; one that was killed may stand in the table until somebody asks for its exit code. */
function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`)
}

const SERVER = `require('http').createServer((request, response) => response.end(request.socket.remoteAddress))
  .listen(80, '0.0.0.0', () => console.log('listening'))`
const get = (
  address: string,
  timeout: number,
) => `fetch('http://${address}/', { signal: AbortSignal.timeout(${timeout}) })
  .then((response) => response.text()).then(console.log, (error) => console.log(error.cause?.code ?? error.name)).then(() => process.exit())`

test.skipIf(obstacle)(
  `hosts reach each other and nothing else, until a cable is pulled${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  async () => {
    const hosts = createHosts(['one', 'other'])
    try {
      const { one, other } = hosts.addresses
      const server = hosts.spawn('one', process.execPath, ['-e', SERVER])
      await once(server.stdout!, 'data')
      const ask = (address: string, timeout = 30_000) =>
        outputOf(hosts.spawn('other', process.execPath, ['-e', get(address, timeout)]))
      expect(await Promise.all([ask(one), ask('192.0.2.1')])).toEqual([other, 'ENETUNREACH'])
      hosts.cut('one')
      expect(await ask(one, 500)).toMatch(/TimeoutError|EHOSTUNREACH/)
      hosts.mend('one')
      expect(await ask(one)).toBe(other)
      const exited = once(server, 'exit')
      await hosts.remove()
      expect(await exited).toEqual([null, 'SIGKILL'])
      expect(namespaces().join()).not.toContain('-one')
      await hosts.remove()
    } finally {
      await hosts.remove()
    }
  },
)

// A Node that runs TypeScript.
const node24 = new URL('../../node_modules/node/bin/node', import.meta.url).pathname

test.skipIf(obstacle || !existsSync(node24))(
  'hosts go with the process that made them, and with them what ran there',
  async () => {
    const harness = new URL('harness/namespaces.ts', import.meta.url).href
    const owner = spawn(node24, [
      '--input-type=module',
      '-e',
      `const { createHosts } = await import('${harness}')
     const child = createHosts(['orphan']).spawn('orphan', 'sleep', ['1000'])
     console.log(child.pid)
     setInterval(() => {}, 1000)`,
    ])
    const [chunk] = await once(owner.stdout, 'data')
    const pid = Number(String(chunk))
    expect(namespaces().join()).toContain('-orphan')
    owner.kill('SIGKILL')
    await expect.poll(() => namespaces().join(), { timeout: 10_000 }).not.toContain('-orphan')
    expect(isAlive(pid)).toBe(false)
  },
)
