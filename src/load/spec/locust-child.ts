import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath, URL } from 'node:url'
import { COOKIE_VARIABLE } from '../../lifecycle/watchdog.ts'
import type { PlannedLocust } from '../plan/locust-options.ts'

const LOCUSTFILE = fileURLToPath(new URL('../../../assets/locustfile.py', import.meta.url))

/** What is needed to run a master, for people. */
export const NEEDED_LOCUST = "Locust 2.12 or later (`pip install locust`, or Debian's `python3-locust`)"

/** Starts `locust --master`; the watchdog knows it by its `cookie`. This process does not wait for it. */
export function spawnLocust(
  { command, host, port, web }: PlannedLocust,
  cookie: string,
): ChildProcessWithoutNullStreams {
  const page = web === undefined ? ['--headless'] : ['--web-host', '127.0.0.1', '--web-port', String(web)]
  const address = ['--master-bind-host', host, '--master-bind-port', String(port)]
  const args = ['-f', LOCUSTFILE, '--master', ...address, ...page, '--loglevel', 'WARNING']
  const options = {
    // A process group of its own: a Ctrl-C on the terminal must not end it before its loads have been ended.
    detached: process.platform !== 'win32',
    env: { ...process.env, [COOKIE_VARIABLE]: cookie, PYTHONDONTWRITEBYTECODE: '1' },
  }
  const stdio: ['pipe', 'pipe', 'pipe'] = ['pipe', 'pipe', 'pipe']
  const child =
    process.platform === 'win32'
      ? spawn(command, args, { ...options, stdio, shell: true })
      : spawn('/bin/sh', ['-c', `exec ${command} "$@"`, 'locust', ...args], { ...options, stdio })
  child.unref()
  return child
}

/** Has this process wait for the child, or not wait for it. */
export function setWaited(child: ChildProcess, isWaited: boolean): void {
  const handles = [child, child.stdin, child.stdout, child.stderr] as { ref?: () => void; unref?: () => void }[]
  for (const handle of handles) {
    if (isWaited) handle.ref?.()
    else handle.unref?.()
  }
}
