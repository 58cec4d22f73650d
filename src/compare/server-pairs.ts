import { ServerExitedError, ServerStartError } from '../errors.ts'
import { sleep } from '../lifecycle/abort.ts'
import type { Lifetime } from '../lifecycle/attempt.ts'
import { resolveLoadOptions } from '../load/plan/load-plan.ts'
import type { TurnSide } from '../load/plan/turns-plan.ts'
import { openProbeChannel, type ProbeChannel } from '../probe/channel.ts'
import type { ComparedServer } from '../results/comparison.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { startServer } from '../server/start.ts'
import type { CompareLoad } from './compare-options.ts'
import type { BlockPair, BlockServer } from './comparison-run.ts'
import { ProbedCpu } from './probed-cpu.ts'

/**
 * Milliseconds that the exit of a server may take to reach us after a request to it has failed: on a busy machine seconds pass
 * between a connection that broke and the exit of its process. A server that answered, or is slow, is alive.
 */
const DEATH_NOTICE = { broken: 5_000, alive: 500 }
const ALIVE = ['status', 'mismatch', 'check', 'protocol', 'timeout']

const SIDES: readonly TurnSide[] = ['base', 'head']

/** What each side is started from. */
export interface ComparedSide {
  readonly options: ServerOptions
  readonly about: ComparedServer
}

interface StartedSide {
  readonly server: PerfServer
  readonly cpu: ProbedCpu | undefined
}

export interface ServerPairsContext {
  readonly sides: Readonly<Record<TurnSide, ComparedSide>>
  readonly load: CompareLoad
  readonly cpu: 'process-tree' | 'probe'
  readonly signal: AbortSignal
  readonly lifetime: Lifetime | undefined
  /** What folders and modules are relative to. */
  readonly root: string
}

/** Starts the pairs of servers of a comparison. */
export class ServerPairs {
  readonly #context: ServerPairsContext

  constructor(context: ServerPairsContext) {
    this.#context = context
  }

  /** Starts a fresh pair at the same time; `first` is spawned first. Both end where one does not start. */
  async start(first: TurnSide): Promise<BlockPair> {
    this.#context.signal.throwIfAborted()
    const ending = new AbortController()
    const order = first === 'base' ? SIDES : SIDES.toReversed()
    const starting = order.map((side) => this.#start(side, AbortSignal.any([this.#context.signal, ending.signal])))
    try {
      const started = await Promise.all(starting)
      const [base, head] = first === 'base' ? started : started.toReversed()
      const stop = async () => void (await Promise.all(started.map(({ server }) => server.stop())))
      return {
        base: this.#blockServer('base', base as StartedSide),
        head: this.#blockServer('head', head as StartedSide),
        stop,
      }
    } catch (error) {
      // The one beside it has nobody to stand by.
      ending.abort(new Error('The other server of the pair did not start'))
      const settled = await Promise.allSettled(starting)
      for (const result of settled) if (result.status === 'fulfilled') await result.value.server.stop()
      throw error
    }
  }

  async #start(side: TurnSide, signal: AbortSignal): Promise<StartedSide> {
    const { lifetime, root } = this.#context
    const { options, about } = this.#context.sides[side]
    const limits: Lifetime = {
      signal,
      ...(lifetime?.timeout === undefined ? {} : { timeout: lifetime.timeout }),
      get deadline() {
        return lifetime?.deadline ?? Infinity
      },
    }
    try {
      if (this.#context.cpu === 'process-tree') {
        return { server: await startServer(options, { lifetime: limits, baseDirectory: root }), cpu: undefined }
      }
      let channel: ProbeChannel | undefined
      const instrument = async () => (channel = await openProbeChannel())
      const server = await startServer(options, { lifetime: limits, baseDirectory: root, instrument })
      return { server, cpu: channel && new ProbedCpu(channel) }
    } catch (error) {
      if (!(error instanceof ServerStartError) || signal.aborted) throw error
      const commit = about.commit ? `, ${about.commit.slice(0, 8)}` : ''
      const name = about.ref ? `${side} (${about.ref}${commit})` : side
      throw new ServerStartError(`The comparison has no ${name}: ${error.message}`, {
        server: error.server,
        cause: error,
      })
    }
  }

  #blockServer(side: TurnSide, { server, cpu }: StartedSide): BlockServer {
    return {
      pid: server.pid,
      ...(cpu ? { readCpu: () => cpu.read() } : {}),
      load: resolveLoadOptions(this.#context.load, { baseUrl: server.url, tlsOf: () => server.tls, env: {} }),
      async failure(kind) {
        const { signal } = server
        await sleep(ALIVE.includes(kind) ? DEATH_NOTICE.alive : DEATH_NOTICE.broken, signal)
        const { failure } = server
        if (!(failure instanceof ServerExitedError)) return failure
        const message = `The comparison has lost ${side}: ${failure.message}`
        return new ServerExitedError(message, { server: failure.server, cause: failure })
      },
    }
  }
}
