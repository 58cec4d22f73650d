import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface TargetCounts {
  received: number
  answered: number
  /** Of the last request. */
  headers: Record<string, string>
}

export interface Target {
  url: string
  port: number
  pid: number
  /** What the server itself has counted. */
  counts(): Promise<TargetCounts>
  kill(): Promise<void>
}

/** Starts one of `test/programs` for the running test, with `env` to choose its behaviour. */
export async function startTarget(program: string, env: Record<string, string> = {}): Promise<Target> {
  const file = fileURLToPath(new URL(`../../programs/${program}`, import.meta.url))
  const child = fork(file, { env: { PATH: process.env.PATH, ...env }, execArgv: [] })
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  onTestFinished(kill)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid as number,
    kill,
    async counts() {
      const answer = once(child, 'message')
      child.send('counts')
      const [counts] = (await answer) as [TargetCounts]
      return counts
    },
  }
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
