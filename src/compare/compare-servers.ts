import { randomUUID } from 'node:crypto'
import { PerfAbortError, ServerExitedError, ServerStartError } from '../errors.ts'
import { abortReason, withDeadline } from '../lifecycle/abort.ts'
import { inLifetime, type Lifetime } from '../lifecycle/attempt.ts'
import { readClock, readWallClock } from '../lifecycle/real-timers.ts'
import { LOAD_DEFAULTS } from '../load/plan/load-defaults.ts'
import { resolveLoadOptions } from '../load/plan/load-plan.ts'
import type { TurnSide } from '../load/plan/turns-plan.ts'
import { TreeCpu } from '../load/engine/turns/tree-cpu.ts'
import { openProbeChannel, type ProbeChannel } from '../probe/channel.ts'
import { warmLoadProcess } from '../load/spec/shared-load-processes.ts'
import type { ComparedServer, Comparison } from '../results/comparison.ts'
import { tagMeasurement } from '../results/measurement-id.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { startServer } from '../server/start.ts'
import { makeGitBase, type GitBase } from './base/git-base.ts'
import { moveIntoTree } from './base/move-into-tree.ts'
import { describeWorkingTree, findRepository } from './base/git.ts'
import type { CompareOptions } from './compare-options.ts'
import { ProbedCpu } from './probed-cpu.ts'
import { planComparison, type ComparisonContext, type ComparisonPlan } from './comparison-plan.ts'
import { ComparisonRun, type BlockPair, type BlockServer, type ComparisonProgress } from './comparison-run.ts'
import { readThrottling } from './throttling.ts'
import { runTurnBlock } from './turn-block.ts'

/** How a comparison ended. */
export type ComparisonOutcome = 'completed' | 'aborted' | 'failed'

/** Hears of every comparison. */
export interface ComparisonObserver {
  onStart?(id: string, title: string, duration: number): void
  /** The base is being made: what is done, and for how many milliseconds. */
  onPrepare?(id: string, step: string, elapsed: number): void
  onProgress?(id: string, progress: ComparisonProgress): void
  onEnd?(id: string, end: { outcome: ComparisonOutcome; comparison?: Comparison; error?: string }): void
}

export interface CompareServersContext extends ComparisonContext {
  /** Vitest's root: what folders and modules are relative to. */
  readonly root: string
  readonly observe?: ComparisonObserver
  /** Where the CPU of servers is read. Default: from the process table where it shows CPU, else by probes in the servers. */
  readonly cpu?: 'process-tree' | 'probe'
}

interface StartedSide {
  readonly server: PerfServer
  readonly cpu: ProbedCpu | undefined
}

/** Milliseconds that the exit of a server may take to reach us after a request to it has failed. */
const DEATH_NOTICE = 1_000

const SIDES: readonly TurnSide[] = ['base', 'head']

/**
 * Compares two servers: fresh pairs of them, asked in turns of about 10 ms, until it is clear whether head is slower or the time
 * is over.
 *
 * @throws {PerfOptionsError} with every mistake in the options, before anything is started.
 * @throws {ComparisonError} when the base cannot be made.
 * @throws {ServerStartError} when a server does not start, {@link ServerExitedError} when one dies.
 * @throws {PerfAbortError} (with `partial`, a `Comparison`) when the test or `signal` ends it.
 */
export function compareServers(options: CompareOptions, context: CompareServersContext): Promise<Comparison> {
  const call = { name: 'compareServers()', signal: options?.signal instanceof AbortSignal ? options.signal : undefined }
  return inLifetime(context.lifetime, call, compare(options, context))
}

async function compare(options: CompareOptions, context: CompareServersContext): Promise<Comparison> {
  const plan = planComparison(options, context)
  const signals = [context.lifetime?.signal, options.signal].filter((signal) => signal !== undefined)
  return new ComparisonSession(plan, context, AbortSignal.any(signals)).run()
}

/** What each side is started from. */
interface Side {
  readonly options: ServerOptions
  readonly about: ComparedServer
}

/** One comparison from its plan to its result. */
class ComparisonSession {
  readonly #id = randomUUID()
  readonly #plan: ComparisonPlan
  readonly #context: CompareServersContext
  readonly #signal: AbortSignal
  readonly #startedAt = readWallClock()
  readonly #notes: string[] = []
  #sides: Record<TurnSide, Side>
  #run: ComparisonRun | undefined

  constructor(plan: ComparisonPlan, context: CompareServersContext, signal: AbortSignal) {
    this.#plan = plan
    this.#context = context
    this.#signal = signal
    this.#sides = {
      base: { options: plan.base, about: { source: sourceOf(plan.base) } },
      head: { options: plan.head, about: { source: sourceOf(plan.head) } },
    }
  }

  get #cpuSource(): 'process-tree' | 'probe' {
    return this.#context.cpu ?? (TreeCpu.isSupported() ? 'process-tree' : 'probe')
  }

  get #url(): string {
    const { load } = this.#plan
    if (load.requests && load.requests.length > 1) return `${load.requests.length} requests`
    const [only] = load.requests ?? []
    return `${only?.method ?? load.method ?? LOAD_DEFAULTS.method} ${only?.path ?? load.url ?? '/'}`
  }

  async run(): Promise<Comparison> {
    const { observe } = this.#context
    const { title, duration } = this.#plan
    observe?.onStart?.(this.#id, title ?? this.#url, duration)
    let base: GitBase | undefined
    try {
      this.#signal.throwIfAborted()
      warmLoadProcess()
      base = await this.#makeBase()
      await this.#describeHead(base)
      const comparison = this.#result(await this.#compare(), false)
      observe?.onEnd?.(this.#id, { outcome: 'completed', comparison })
      return comparison
    } catch (error) {
      throw this.#failed(error)
    } finally {
      base?.release()
    }
  }

  /** What the caller hears: an abort as one, with what is known; everything else as it is. */
  #failed(error: unknown): unknown {
    const partial = this.#run && this.#result(this.#run.partial(), true)
    const aborted = this.#signal.aborted
    const reason = aborted ? abortReason(this.#signal) : undefined
    const failure = reason
      ? new PerfAbortError<Comparison | undefined>(`The comparison was aborted: ${reason.message}`, {
          cause: reason,
          partial,
        })
      : error
    this.#context.observe?.onEnd?.(this.#id, {
      outcome: aborted ? 'aborted' : 'failed',
      ...(partial ? { comparison: partial } : {}),
      error: failure instanceof Error ? failure.message : String(failure),
    })
    return failure
  }

  // What is compared -----------------------------------------------------------------------------------------------------

  async #makeBase(): Promise<GitBase | undefined> {
    const { git, base } = this.#plan
    if (!git) return undefined
    const { root, observe } = this.#context
    const made = await makeGitBase({
      root,
      ref: git.ref,
      prepare: git.prepare,
      signal: this.#signal,
      onProgress: (step, elapsed) => observe?.onPrepare?.(this.#id, step, elapsed),
    })
    const moved = moveIntoTree(base, root, made)
    this.#notes.push(...made.notes, ...moved.notes)
    this.#sides.base = {
      options: moved.options,
      about: { source: sourceOf(base), ref: git.ref, commit: made.commit },
    }
    return made
  }

  async #describeHead(base: GitBase | undefined): Promise<void> {
    const { root } = this.#context
    // Without git there is nothing to say of a commit; a base that needs it has failed by now.
    const repository = await findRepository(root, this.#signal).catch(() => undefined)
    const state = repository ? await describeWorkingTree(repository, this.#signal) : {}
    const { head } = this.#sides
    this.#sides.head = { ...head, about: { ...head.about, ...state } }
    if (state.dirty && base) this.#notes.push('head is the working tree, which has changes that are not committed')
    const isSameTree = base === undefined || (base.commit === state.commit && state.dirty === false)
    if (isSameTree && this.#plan.isSame) {
      this.#notes.push(
        'base and head are the same build (A/A): the result shows what this machine can tell apart, and nothing about a change',
      )
    }
  }

  // How it is compared ---------------------------------------------------------------------------------------------------

  async #compare() {
    const { load, duration, looks, tolerances } = this.#plan
    const { observe } = this.#context
    this.#run = new ComparisonRun(
      { connections: load.connections ?? LOAD_DEFAULTS.connections, duration, looks, tolerances, cpu: this.#cpuSource },
      {
        startPair: (first) => this.#startPair(first),
        runTurns: (turns, askCpu) => runTurnBlock(turns, this.#signal, askCpu),
        now: readClock,
        throttling: readThrottling,
        onProgress: (progress) => observe?.onProgress?.(this.#id, progress),
      },
    )
    return this.#run.run()
  }

  async #startPair(first: TurnSide): Promise<BlockPair> {
    this.#signal.throwIfAborted()
    const ending = new AbortController()
    const order = first === 'base' ? SIDES : SIDES.toReversed()
    const starting = order.map((side) => this.#start(side, AbortSignal.any([this.#signal, ending.signal])))
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
    const { options, about } = this.#sides[side]
    const limits: Lifetime = {
      signal,
      ...(lifetime?.timeout === undefined ? {} : { timeout: lifetime.timeout }),
      get deadline() {
        return lifetime?.deadline ?? Infinity
      },
    }
    try {
      if (this.#cpuSource === 'process-tree') {
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
      load: resolveLoadOptions(this.#plan.load, { baseUrl: server.url, tlsOf: () => server.tls, env: {} }),
      async failure() {
        const { signal } = server
        const gone = new Promise((settle) => {
          if (signal.aborted) settle(undefined)
          else signal.addEventListener('abort', settle, { once: true })
        })
        await withDeadline(gone, DEATH_NOTICE)
        const { failure } = server
        if (!(failure instanceof ServerExitedError)) return failure
        const message = `The comparison has lost ${side}: ${failure.message}`
        return new ServerExitedError(message, { server: failure.server, cause: failure })
      },
    }
  }

  // What came of it ------------------------------------------------------------------------------------------------------

  #result(finding: ReturnType<ComparisonRun['partial']>, aborted: boolean): Comparison {
    const { title } = this.#plan
    const notes = [...this.#notes]
    if (finding.cpu === 'none' && finding.pairs > 0) {
      notes.push('the CPU of the servers cannot be read on this machine: latency alone was judged')
    }
    if (finding.cpu === 'probe' && finding.pairs > 0) {
      notes.push('the CPU is that of the Node processes of each server: this machine does not show that of others')
    }
    if (finding.discarded > 0) {
      notes.push(
        `${finding.discarded} more ${finding.discarded === 1 ? 'pair was' : 'pairs were'} discarded: the machine stood still or was held back`,
      )
    }
    const comparison: Comparison = {
      ...(title === undefined ? {} : { title }),
      url: this.#url,
      startedAt: this.#startedAt,
      ...finding,
      base: this.#sides.base.about,
      head: this.#sides.head.about,
      notes,
      aborted,
    }
    tagMeasurement(comparison, this.#id)
    return comparison
  }
}

function sourceOf({ command, module }: ServerOptions): string {
  return command ?? module ?? ''
}
