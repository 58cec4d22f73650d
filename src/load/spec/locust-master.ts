import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { LoadError } from '../../errors.ts'
import { onAbort } from '../../lifecycle/abort.ts'
import { realClock } from '../../lifecycle/clock.ts'
import { swallow } from '../../lifecycle/debug.ts'
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../../lifecycle/real-timers.ts'
import { guard, type Guard } from '../../lifecycle/watchdog.ts'
import type { PlannedLocust } from '../plan/locust-options.ts'
import type { MessageCodec } from '../worker/message-codec.ts'
import type { WorkerReport } from '../worker/worker-messages.ts'
import { NEEDED_LOCUST, setWaited, spawnLocust } from './locust-child.ts'
import { RemoteWorker } from './remote-worker.ts'

/** Where a Vitest worker keeps its masters: on `process`, because in vmThreads each file has its own modules and globals. */
const SHARED = Symbol.for('vitest-plugin-perf.locust-masters')

/** A master sends a message each 500 ms. One that sends nothing for 5 s counts as dead. Counted in turns, since this thread may be blocked. */
const SILENCE = { turn: 500, turns: 10 }
/** Milliseconds between two looks at a port that another process holds, such as the master of the test file before. */
const PORT_LOOK = 200
/** Lines of its error output that are kept. */
const KEPT_LINES = 12

type Holder = typeof process & { [SHARED]?: Map<string, LocustMaster> }

/** A line of the locustfile. */
type MasterLine =
  | { type: 'old'; version: string }
  | { type: 'ready'; version: string }
  | { type: 'message'; from: string; body: string }
  | { type: 'gone'; worker: string; why: string }
  | { type: 'beat' }
  /** Somebody has pressed the stop button of Locust's page. */
  | { type: 'stop' }

/** What a load hears of its master. */
export interface MasterListener {
  /** Its state, or who has joined it, is another one. */
  onChange(): void
  onStop(): void
}

type State =
  | { readonly is: 'waiting-for-port' }
  | { readonly is: 'starting' }
  | { readonly is: 'ready' }
  | { readonly is: 'ended'; readonly error: LoadError }

/** A Locust master: a child process that finds the workers of this Vitest worker's loads, and lives as long as this. */
export class LocustMaster {
  readonly workers = new Map<string, RemoteWorker>()
  readonly #engine: PlannedLocust
  readonly #codec: MessageCodec
  readonly #listeners = new Set<MasterListener>()
  readonly #errors: string[] = []
  #state: State = { is: 'waiting-for-port' }
  #child: ChildProcess | undefined
  #guard: Guard | undefined
  #portLook: NodeJS.Timeout | undefined
  #silence: NodeJS.Timeout | undefined
  #silentTurns = 0

  /** The running master of this process for an address and a command, or a new one. */
  static shared(engine: PlannedLocust, codec: MessageCodec): LocustMaster {
    const masters = ((process as Holder)[SHARED] ??= new Map())
    const key = JSON.stringify([engine.host, engine.port, engine.command, engine.web])
    const known = masters.get(key)
    if (known && known.#state.is !== 'ended') return known
    const master = new LocustMaster(engine, codec)
    masters.set(key, master)
    return master
  }

  private constructor(engine: PlannedLocust, codec: MessageCodec) {
    this.#engine = engine
    this.#codec = codec
    this.#startWhenPortIsFree()
  }

  get state(): State {
    return this.#state
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** The last lines of its error output. */
  get errors(): string {
    return this.#errors.join('\n')
  }

  /** Has a load hear of it, and this process wait for it, until the function returned is called. */
  attach(listener: MasterListener): () => void {
    this.#listeners.add(listener)
    this.#hold()
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#letGo()
    }
  }

  #hold(): void {
    if (this.#listeners.size === 0 || !this.#child) return
    setWaited(this.#child, true)
    this.#silentTurns = 0
    this.#silence ??= setInterval(() => this.#countSilence(), SILENCE.turn)
  }

  #letGo(): void {
    if (this.#child) setWaited(this.#child, false)
    clearInterval(this.#silence)
    this.#silence = undefined
    // Nobody waits for the port any more.
    if (this.#state.is === 'waiting-for-port') this.#end('was not started')
  }

  #change(state?: State): void {
    if (state) this.#state = state
    for (const listener of this.#listeners) listener.onChange()
  }

  // Its process -----------------------------------------------------------------------------------------------------------

  /** Another master may hold the port, and may end in a moment: Locust itself would give up. */
  #startWhenPortIsFree(): void {
    const { host, port } = this.#engine
    const probe = createServer()
    probe.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (this.#state.is !== 'waiting-for-port') return
      if (code !== 'EADDRINUSE') return this.#end(`cannot listen on ${host}:${port}: ${message}`)
      this.#portLook = setTimeout(() => this.#startWhenPortIsFree(), PORT_LOOK)
    })
    probe.listen(port, host === '*' ? '0.0.0.0' : host, () => {
      probe.close(() => {
        if (this.#state.is === 'waiting-for-port') this.#start()
      })
    })
    probe.unref()
  }

  #start(): void {
    this.#guard = guard()
    const child = spawnLocust(this.#engine, this.#guard.cookie)
    this.#child = child
    if (child.pid !== undefined) this.#guard.addGroup(child.pid)
    this.#change({ is: 'starting' })
    createInterface({ input: child.stdout }).on('line', (line) => this.#onLine(line))
    createInterface({ input: child.stderr }).on('line', (line) => this.#keepError(line))
    child.stdin.on('error', swallow('Locust master'))
    child.on('error', (error) => this.#end(`could not be started: ${error.message}`))
    // Its last lines have been read by then.
    child.once('close', (code, signal) => this.#onExit(code, signal))
    this.#letGoUnlessHeld()
  }

  #letGoUnlessHeld(): void {
    if (this.#listeners.size > 0) this.#hold()
    else this.#letGo()
  }

  #keepError(line: string): void {
    if (line.trim() === '') return
    this.#errors.push(line)
    if (this.#errors.length > KEPT_LINES) this.#errors.shift()
  }

  #onExit(code: number | null, signal: string | null): void {
    this.#guard?.release()
    const { command } = this.#engine
    if (code === 127 || code === 126) {
      return this.#end(
        `could not be started: there is no program \`${command}\`. Install ${NEEDED_LOCUST}, or set \`engine.command\``,
      )
    }
    this.#end(signal === null ? `exited with code ${code}` : `was ended by ${signal}`)
  }

  #countSilence(): void {
    if (this.#state.is !== 'ready') return
    this.#silentTurns += 1
    if (this.#silentTurns > SILENCE.turns) this.#end(`sent nothing for ${(SILENCE.turn * SILENCE.turns) / 1_000} s`)
  }

  /** Ends it for good. A load that needs a master gets another one. Idempotent. */
  end(): void {
    this.#end('was ended')
  }

  /** The one way out. */
  #end(why: string): void {
    if (this.#state.is === 'ended') return
    clearTimeout(this.#portLook)
    clearInterval(this.#silence)
    this.#child?.kill('SIGKILL')
    const { host, port } = this.#engine
    const printed = this.#errors.length > 0 ? `\nIts last lines:\n${this.errors}` : ''
    const error = new LoadError(`The Locust master on ${host}:${port} ${why}${printed}`)
    for (const worker of this.workers.values()) worker.onGone(error.message)
    this.workers.clear()
    this.#change({ is: 'ended', error })
  }

  // What it says, and is told --------------------------------------------------------------------------------------------

  #onLine(text: string): void {
    if (this.#state.is === 'ended') return
    let line: MasterLine
    try {
      line = JSON.parse(text) as MasterLine
    } catch {
      return this.#keepError(text)
    }
    this.#silentTurns = 0
    switch (line.type) {
      case 'old':
        return this.#end(`is Locust ${line.version}, which is too old. Install ${NEEDED_LOCUST}`)
      case 'ready':
        return this.#change({ is: 'ready' })
      case 'message':
        return this.#onMessage(line.from, line.body)
      case 'gone':
        return this.#onGone(line.worker, line.why)
      case 'stop':
        for (const listener of this.#listeners) listener.onStop()
    }
  }

  #onMessage(node: string, body: string): void {
    // Anybody who reaches the port may have sent it.
    try {
      this.#onReport(node, this.#codec.decode(Buffer.from(body, 'base64')) as WorkerReport)
    } catch (error) {
      swallow(`message of ${node}`)(error)
      this.#onGone(node, `sent what cannot be read: ${(error as Error).message}`)
    }
  }

  #onReport(node: string, report: WorkerReport): void {
    if (report.type !== 'hello') return this.workers.get(node)?.onReport(report)
    const { id, name, processes } = report
    if (typeof id !== 'string' || typeof name !== 'string' || !Number.isInteger(processes)) {
      throw new TypeError('its hello is malformed')
    }
    this.workers.set(
      node,
      new RemoteWorker(report, realClock, (request) => this.#send(node, this.#codec.encode(request))),
    )
    this.#change()
  }

  #onGone(node: string, why: string): void {
    const worker = this.workers.get(node)
    if (!worker) return
    this.workers.delete(node)
    worker.onGone(`The worker ${worker.hello.name} ${why}`)
    this.#change()
  }

  #send(node: string, body: Uint8Array): void {
    this.#write({ to: node, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64') })
  }

  /** Shows a load on Locust's page, with so many users. */
  show(users: number): void {
    if (this.#engine.web !== undefined) this.#write({ show: users })
  }

  hide(): void {
    if (this.#engine.web !== undefined) this.#write({ hide: true })
  }

  #write(order: object): void {
    if (this.#state.is === 'ready') this.#child?.stdin?.write(`${JSON.stringify(order)}\n`)
  }

  /** Resolves with what `check` returns, as soon as that is not `undefined`. Rejects when the signal aborts, or with what `check` throws. */
  until<T>(check: () => T | undefined, signal: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const look = () => {
        try {
          if (this.#state.is === 'ended') throw this.#state.error
          const found = check()
          if (found === undefined) return
          settle(() => resolve(found))
        } catch (error) {
          settle(() => reject(error as Error))
        }
      }
      const detach = this.attach({ onChange: look, onStop() {} })
      const unlisten = onAbort(signal, () => settle(() => reject(signal.reason as Error)))
      const settle = (act: () => void) => {
        detach()
        unlisten()
        act()
      }
      if (signal.aborted) settle(() => reject(signal.reason as Error))
      else look()
    })
  }
}
