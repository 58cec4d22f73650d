import getPort from 'get-port'
import { createServer } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { PortInUseError } from '../errors.ts'
import { findPortOwner, type PortOwner } from './listeners.ts'

/**
 * Below the range that systems take outgoing connections' ports from (32768 on Linux), so that the load of one test cannot
 * take the port of the next one's server.
 */
const FIRST_PORT = 10_000
const LAST_PORT = 32_000
/** Workers of one Vitest never share a port up to this many. */
const WORKERS = 64

/** The ports of one worker in a random order: every 64th, so that two workers have none in common. */
export function portsOfWorker(worker: number, random: () => number = Math.random): number[] {
  const own: number[] = []
  for (let port = FIRST_PORT + (worker % WORKERS); port < LAST_PORT; port += WORKERS) own.push(port)
  for (let index = own.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1))
    const kept = own[index] as number
    own[index] = own[other] as number
    own[other] = kept
  }
  return own
}

/** The pid of Vitest's main process: it is the same in all workers of a run, and another in the next run. */
const run = isMainThread && process.send ? process.ppid : process.pid

/** A port that is free on every address of this machine, and not given out by this worker a moment ago. */
export function findFreePort(env: NodeJS.ProcessEnv = process.env): Promise<number> {
  return getPort({ port: portsOfWorker(Number(env.VITEST_POOL_ID ?? env.VITEST_WORKER_ID ?? 0) + run) })
}

/** Whether a port can be bound; `undefined` where another reason than a listener stands against it. */
export function isPortFree(host: string, port: number): Promise<boolean | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE' ? false : error))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** The error for a fixed port that is taken. */
export function portInUse(host: string, port: number, owner: PortOwner | undefined = findPortOwner(host, port)) {
  const who = owner ? `pid ${owner.pid} (${owner.name})` : 'another process'
  const message =
    `Port ${port} of ${host} is in use by ${who}, so the server was not started. End that process, ` +
    `leave \`server.port\` out to get a free port, or set \`server.url\` to test the server that already runs there.`
  return new PortInUseError(message, { port, host })
}
