import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { PROBE_SOCKET, type IsolateAnswers, type IsolateGreeting, type IsolateQuestion } from '../probe/protocol.ts'
import { clearTimeout, setTimeout } from '../lifecycle/real-timers.ts'

/** One isolate of the server's tree whose probe is connected. */
export interface ProbedIsolate extends IsolateGreeting {
  readonly id: string
  /** Whether its process (or thread) still lives. */
  readonly connected: boolean
  /**
   * Its answer, or `undefined` when none came within `limit` milliseconds (its event loop is blocked) or it is gone.
   * Rejects where it answered with an error.
   */
  ask<Ask extends IsolateQuestion['ask']>(
    question: Extract<IsolateQuestion, { ask: Ask }>,
    limit: number,
  ): Promise<IsolateAnswers[Ask] | undefined>
}

/** Where the probes of a server's processes and threads connect to. */
export interface ProbeChannel {
  /** To be set in the server's environment. */
  readonly env: Record<string, string>
  /** To be appended to the server's `NODE_OPTIONS`. */
  readonly nodeOptions: string
  /** The socket: to be removed by the watchdog where nobody is left to `close()`. */
  readonly files: readonly string[]
  /** Who is connected now, package managers included (`wrapper`). */
  isolates(): readonly ProbedIsolate[]
  /** Disconnects all and removes the socket; idempotent. */
  close(): Promise<void>
}

const PRELOAD = fileURLToPath(new URL('../probe/preload.cjs', import.meta.url))

/** Opens the listening side for one server. */
export async function openProbeChannel(): Promise<ProbeChannel> {
  const path = socketPath()
  const isolates = new Set<ConnectedIsolate>()
  const server = createServer((socket) => {
    const isolate = new ConnectedIsolate(socket, () => isolates.delete(isolate))
    isolates.add(isolate)
  })
  server.listen(path)
  await once(server, 'listening')
  server.unref()
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    for (const isolate of isolates) isolate.disconnect()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return {
    env: { [PROBE_SOCKET]: path },
    nodeOptions: `--require ${quoted(PRELOAD)}`,
    files: process.platform === 'win32' ? [] : [path],
    isolates: () => [...isolates].filter((isolate) => isolate.greeted),
    close: () => (closing ??= close()),
  }
}

/** A unix socket's path may be about 100 bytes long. */
function socketPath(): string {
  const name = `perf-probe-${process.pid}-${randomBytes(6).toString('hex')}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  const path = join(tmpdir(), `${name}.sock`)
  return Buffer.byteLength(path) <= 100 ? path : join('/tmp', `${name}.sock`)
}

/** As `NODE_OPTIONS` wants a value that may hold spaces. */
function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, '\\$&')}"`
}

interface Answer {
  id: number
  value?: unknown
  error?: string
}

class ConnectedIsolate implements ProbedIsolate {
  pid = 0
  threadId = 0
  wrapper = false
  script = ''
  greeted = false
  connected = true
  readonly #socket: Socket
  readonly #pending = new Map<number, (answer: Answer | undefined) => void>()
  #asked = 0

  constructor(socket: Socket, onClose: () => void) {
    this.#socket = socket
    let rest = ''
    socket.unref()
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#receive(line)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.connected = false
      for (const settle of this.#pending.values()) settle(undefined)
      onClose()
    })
  }

  get id(): string {
    return `${this.pid}:${this.threadId}`
  }

  disconnect(): void {
    this.#socket.destroy()
  }

  ask<Ask extends IsolateQuestion['ask']>(
    question: Extract<IsolateQuestion, { ask: Ask }>,
    limit: number,
  ): Promise<IsolateAnswers[Ask] | undefined> {
    if (!this.connected) return Promise.resolve(undefined)
    const id = (this.#asked += 1)
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer | undefined): void => {
        clearTimeout(timer)
        this.#pending.delete(id)
        if (answer?.error !== undefined) reject(new Error(`${this.#name()} could not ${question.ask}: ${answer.error}`))
        else resolve(answer?.value as IsolateAnswers[Ask] | undefined)
      }
      const timer = setTimeout(() => settle(undefined), limit)
      this.#pending.set(id, settle)
      this.#socket.write(`${JSON.stringify({ id, ...question })}\n`)
    })
  }

  #name(): string {
    return this.threadId === 0 ? `process ${this.pid}` : `thread ${this.threadId} of process ${this.pid}`
  }

  #receive(line: string): void {
    const message = parse(line)
    if (!message) return this.disconnect() // not a probe of ours
    if (!this.greeted) {
      Object.assign(this, message as IsolateGreeting)
      this.greeted = true
    } else this.#pending.get((message as Answer).id)?.(message as Answer)
  }
}

function parse(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
