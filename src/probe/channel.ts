import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { ConnectedIsolate } from './connected-isolate.ts'
import { PROBE_SOCKET, type WatchedIsolate } from './protocol.ts'

/** Where the probes of a server's processes and threads connect to. */
export interface ProbeChannel {
  /** To be set in the server's environment. */
  readonly env: Record<string, string>
  /** To be appended to the server's `NODE_OPTIONS`. */
  readonly nodeOptions: string
  /** The socket and its folder, in this order: to be removed by the watchdog where nobody is left to `close()`. */
  readonly files: readonly string[]
  /** Who is connected now, package managers included (`wrapper`). */
  isolates(): readonly WatchedIsolate[]
  /** Disconnects all and removes the socket; idempotent. */
  close(): Promise<void>
}

const PRELOAD = fileURLToPath(new URL('./preload.cjs', import.meta.url))

/** The path of a unix socket may have about 100 bytes. */
const LONGEST_PATH = 100

/** Opens the listening side for one server. */
export async function openProbeChannel(): Promise<ProbeChannel> {
  const { path, folder } = socketPath()
  const isolates = new Set<ConnectedIsolate>()
  const server = createServer((socket) => {
    const isolate = new ConnectedIsolate(socket, () => isolates.delete(isolate))
    isolates.add(isolate)
  })
  server.listen(path)
  await once(server, 'listening')
  server.unref()
  const close = async (): Promise<void> => {
    for (const isolate of isolates) isolate.disconnect()
    await new Promise<void>((resolve) => server.close(() => resolve()))
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
  let closing: Promise<void> | undefined
  return {
    env: { [PROBE_SOCKET]: path },
    nodeOptions: `--require ${quoted(PRELOAD)}`,
    files: folder === undefined ? [] : [path, folder],
    isolates: () => [...isolates].filter(({ greeted, connected }) => greeted && connected),
    close: () => (closing ??= close()),
  }
}

/** A socket in a folder that only this user can enter; a named pipe on Windows, which has no such folder. */
function socketPath(): { path: string; folder?: string } {
  if (process.platform === 'win32') {
    return { path: `\\\\.\\pipe\\perf-probe-${process.pid}-${randomBytes(16).toString('hex')}` }
  }
  const name = `perf-probe-${process.pid}-`
  const longest = join(tmpdir(), `${name}XXXXXX`, 'socket')
  const folder = mkdtempSync(join(Buffer.byteLength(longest) <= LONGEST_PATH ? tmpdir() : '/tmp', name))
  return { path: join(folder, 'socket'), folder }
}

/** As `NODE_OPTIONS` wants a value that may hold spaces. */
function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, '\\$&')}"`
}
