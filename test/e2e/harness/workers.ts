import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from './run-vitest.ts'

const CLI = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))

/** Whether Locust is installed (Debian: `python3-locust`). */
export const hasLocust = spawnSync('sh', ['-c', 'command -v locust']).status === 0

/** A running `vitest-plugin-perf worker`. */
export interface RunningWorker {
  readonly child: ChildProcess
  output(): string
  /** Ends it in order; resolves with its exit code. */
  stop(): Promise<number | null>
}

export type Spawn = (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess

/** Starts a worker with arguments such as `['--master', '127.0.0.1:5557']`. `start` starts it on another host. */
export function startWorker(
  args: readonly string[],
  env: Record<string, string> = {},
  start: Spawn = spawn,
): RunningWorker {
  const child = start(process.execPath, [CLI, 'worker', ...args], {
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)))
  const exited = once(child, 'exit')
  return {
    child,
    output: () => output,
    async stop() {
      child.kill('SIGTERM')
      const [code] = (await exited) as [number | null]
      return code
    },
  }
}
