import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openProbeChannel } from '../../../dist/probe/channel.js'
import { steadyLoad, untilHealthy } from '../../../bench/steady-load.mjs'
import getPort from 'get-port'
import type { MemoryTarget } from '../../../src/memory/memory-target.ts'

export interface SpawnedServer extends AsyncDisposable {
  readonly url: string
  readonly target: MemoryTarget
  load(duration: number, rate: number): Promise<number>
}

/** A program of `test/programs` with the probe in it, as a memory monitor sees it. */
export async function spawnServer(program: string, variant: string): Promise<SpawnedServer> {
  const channel = await openProbeChannel()
  const port = await getPort()
  const script = fileURLToPath(new URL(`../../programs/${program}.mjs`, import.meta.url))
  const child = spawn(process.execPath, [script, variant], {
    env: { ...process.env, ...channel.env, NODE_OPTIONS: channel.nodeOptions, PORT: String(port) },
    stdio: 'ignore',
  })
  const gone = new AbortController()
  child.once('exit', (code, signal) => gone.abort(new Error(`it exited with ${code ?? signal}`)))
  await untilHealthy(port)
  return {
    url: `http://127.0.0.1:${port}`,
    target: { pid: child.pid, signal: gone.signal, channel },
    load: (duration: number, rate: number): Promise<number> => steadyLoad({ port, rate, duration }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await channel.close()
    },
  }
}
