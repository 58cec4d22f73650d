import { fileURLToPath, URL } from 'node:url'
import { ServerStartError } from '../errors.ts'
import { raceSignal } from '../lifecycle/abort.ts'
import { formatDuration } from '../units.ts'
import { cleanEnvironment } from './child-environment.ts'
import { lastLines } from './output.ts'
import { ServerProcess } from './server-process.ts'

/** Exit code of a wait that another one would not better. */
const HOPELESS = 2

const PROXY = /^(https?|all)_proxy$/i

/** The environment of the wait: wait-on obeys proxy variables, and what a server needs is not behind a proxy. */
function withoutProxies(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(cleanEnvironment(env)).filter(([name]) => !PROXY.test(name)))
}

/**
 * Waits for wait-on resources in a process of its own, which ends with the wait, however that ends.
 *
 * @throws {ServerStartError} when they are not there in time; the signal's reason when it aborts.
 */
export async function waitForResources(
  resources: readonly string[],
  { timeout, signal, cwd }: { timeout: number; signal: AbortSignal; cwd: string },
): Promise<void> {
  if (resources.length === 0) return
  signal.throwIfAborted()
  const waiter = new ServerProcess({
    file: process.execPath,
    args: [fileURLToPath(new URL('./wait-on-host.js', import.meta.url)), JSON.stringify({ resources, timeout })],
    shell: false,
    cwd,
    env: withoutProxies(process.env),
  })
  try {
    const { code, spawnError } = await raceSignal(waiter.exited, signal)
    if (code === 0) return
    const output = waiter.output.tail
    const isFinal = code === HOPELESS
    const within = isFinal ? '' : ` within ${formatDuration(timeout)}`
    const what = `What the server needs (\`waitOn: ${JSON.stringify(resources)}\`) was not there${within}`
    const why = spawnError?.message ?? lastLines(output, 5).replace(/\n/g, ' ')
    const advice = 'The server was not started. Start what it needs first, or raise `health.timeout`.'
    throw new ServerStartError(`${what}: ${why}\n${advice}`, { server: { cwd, output }, isFinal })
  } finally {
    await waiter.end({ signal: 'SIGKILL', timeout: 0 })
  }
}
