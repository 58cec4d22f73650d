import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '../../../src/server/port.ts'

/** A real database that a test started. */
export interface DatabaseServer {
  /** What a program needs to reach it. */
  readonly env: Record<string, string>
  stop(): Promise<void>
}

function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

function accepts(target: { port: number } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', ...target })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function running(
  child: ChildProcess,
  target: { port: number } | { path: string },
  env: Record<string, string>,
  folder: string,
): Promise<DatabaseServer> {
  const until = Date.now() + 30_000
  while (!(await accepts(target))) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`${child.spawnfile} did not start`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    env,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Starts Redis (Debian: `redis-server`); `undefined` where it is not installed. */
export async function startRedis(): Promise<DatabaseServer | undefined> {
  if (!has('redis-server')) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'perf-redis-'))
  const port = await findFreePort()
  const child = spawn('redis-server', ['--port', String(port), '--save', '', '--dir', folder], { stdio: 'ignore' })
  return running(child, { port }, { REDIS_PORT: String(port) }, folder)
}

/** Starts MariaDB (Debian: `mariadb-server`); `undefined` where it is not installed. */
export async function startMariaDb(): Promise<DatabaseServer | undefined> {
  if (!has('mariadbd') || !has('mysql_install_db')) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'perf-maria-'))
  const data = join(folder, 'data')
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  spawnSync('mysql_install_db', [
    '--no-defaults',
    ...user,
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
  ])
  const path = join(folder, 'socket')
  const child = spawn(
    'mariadbd',
    [
      '--no-defaults',
      ...user,
      `--datadir=${data}`,
      `--socket=${path}`,
      `--pid-file=${join(folder, 'pid')}`,
      '--skip-networking',
    ],
    { stdio: 'ignore' },
  )
  return running(child, { path }, { MARIADB_SOCKET: path }, folder)
}
