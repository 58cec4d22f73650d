import { swallow } from '../lifecycle/debug.ts'
import { keyOfOptions } from '../server/options-key.ts'
import type { StartedServer } from '../server/started-server.ts'
import { StartMemory } from '../server/start-memory.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'

/** Servers that outlive a test: one for each set of options, started by the first test that asks, stopped together. */
export class SharedServers {
  /** Of the file's starts that cannot succeed. */
  readonly memory = new StartMemory()
  readonly #scope: 'file' | 'worker'
  readonly #servers = new Map<string, Promise<PerfServer>>()
  #end = new AbortController()

  constructor(scope: 'file' | 'worker') {
    this.#scope = scope
  }

  /** The worker's servers outlive each file's copy of `test`, so there is one set for the whole worker. */
  static readonly #worker = new SharedServers('worker')

  /** Of the file that runs, and how many ask for it: Vitest sets a file's fixtures up once for `test` and once for each test extended from it. */
  static #file: { readonly servers: SharedServers; users: number } | undefined

  /** As a fixture: the servers are stopped when Vitest ends the scope. */
  static async provide(scope: 'file' | 'worker', use: (servers: SharedServers) => Promise<void>): Promise<void> {
    if (scope === 'file') return SharedServers.#provideForFile(use)
    try {
      await use(SharedServers.#worker)
    } finally {
      await SharedServers.#worker.close()
    }
  }

  static async #provideForFile(use: (servers: SharedServers) => Promise<void>): Promise<void> {
    const file = (SharedServers.#file ??= { servers: new SharedServers('file'), users: 0 })
    file.users += 1
    try {
      await use(file.servers)
    } finally {
      file.users -= 1
      if (file.users === 0) {
        if (SharedServers.#file === file) SharedServers.#file = undefined
        await file.servers.close()
      }
    }
  }

  /**
   * The server of these options. One that failed to start, was stopped or died is not handed out again: the next test gets
   * a new one.
   */
  async get(
    options: ServerOptions,
    start: (options: ServerOptions, end: AbortSignal) => Promise<PerfServer>,
  ): Promise<PerfServer> {
    const key = keyOfOptions(options)
    const known = this.#servers.get(key)
    if (known) {
      const server = await known.catch(swallow('start of a shared server'))
      // One that died between two tests, unseen by a thread that was busy, is not for the next.
      await (server as Partial<StartedServer> | undefined)?.notice?.()
      if (server && !server.signal.aborted) return server
      if (this.#servers.get(key) !== known) return this.get(options, start)
    }
    const started = start(options, this.#end.signal)
    this.#servers.set(key, started)
    return started
  }

  async close(): Promise<void> {
    const servers = [...this.#servers.values()]
    this.#servers.clear()
    // Do not wait for one that still starts: the test that asked for it has timed out.
    this.#end.abort(new Error(`The ${this.#scope} is over`))
    this.#end = new AbortController()
    const stopped = await Promise.allSettled(
      servers.map(async (server) => (await server.catch(swallow('start of a shared server')))?.stop()),
    )
    const failed = stopped.find((result) => result.status === 'rejected')
    if (failed) throw new Error(`A server of scope '${this.#scope}' could not be stopped`, { cause: failed.reason })
  }
}
