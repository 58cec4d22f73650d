import { randomUUID } from 'node:crypto'
import { ComparisonError, PerfAbortError } from '../errors.ts'
import { abortReason } from '../lifecycle/abort.ts'
import { inLifetime } from '../lifecycle/attempt.ts'
import { readClock, readWallClock } from '../lifecycle/real-timers.ts'
import { LOAD_DEFAULTS } from '../load/plan/load-defaults.ts'
import type { TurnSide } from '../load/plan/turns-plan.ts'
import { TreeCpu } from '../load/engine/turns/tree-cpu.ts'
import { warmLoadProcess } from '../load/spec/shared-load-processes.ts'
import type { Comparison } from '../results/comparison.ts'
import { tagMeasurement } from '../results/measurement-id.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { makeGitBase, type GitBase } from './base/git-base.ts'
import { moveIntoTree } from './base/move-into-tree.ts'
import { describeWorkingTree, findRepository } from './base/git.ts'
import type { CompareOptions } from './compare-options.ts'
import { findTimeIssues, planComparison, type ComparisonContext, type ComparisonPlan } from './comparison-plan.ts'
import { ComparisonRun, type ComparisonProgress } from './comparison-run.ts'
import { ServerPairs, type ComparedSide } from './server-pairs.ts'
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

/** One comparison from its plan to its result. */
class ComparisonSession {
  readonly #id = randomUUID()
  readonly #plan: ComparisonPlan
  readonly #context: CompareServersContext
  readonly #signal: AbortSignal
  readonly #startedAt = readWallClock()
  readonly #notes: string[] = []
  #sides: Record<TurnSide, ComparedSide>
  #run: ComparisonRun | undefined
  /** What is done before there is something to compare, for the message of an abort. */
  #doing = ''

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
      this.#checkTimeLeft()
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
      ? new PerfAbortError<Comparison | undefined>(`The comparison was aborted${this.#doing}: ${reason.message}`, {
          cause: this.#signal.reason,
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
      onProgress: (step, elapsed) => {
        this.#doing = ` (the base: ${step})`
        observe?.onPrepare?.(this.#id, step, elapsed)
      },
    })
    this.#doing = ''
    const moved = moveIntoTree(base, root, made)
    this.#notes.push(...made.notes, ...moved.notes)
    this.#sides.base = {
      options: moved.options,
      about: { source: sourceOf(base), ref: git.ref, commit: made.commit },
    }
    return made
  }

  /** Making the base took its time: a comparison that can no longer end must not begin. */
  #checkTimeLeft(): void {
    const { lifetime } = this.#context
    const { git, duration } = this.#plan
    const [issue] = git && lifetime ? findTimeIssues(duration, git.prepare !== undefined, lifetime) : []
    if (!issue) return
    const kept = 'The base is kept: the next run does not have to make it again.'
    throw new ComparisonError(`Making the base took too long for this test. ${issue.message}. ${kept}`)
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
    const { observe, lifetime, root } = this.#context
    const pairs = new ServerPairs({
      sides: this.#sides,
      load,
      cpu: this.#cpuSource,
      signal: this.#signal,
      lifetime,
      root,
    })
    this.#run = new ComparisonRun(
      { connections: load.connections ?? LOAD_DEFAULTS.connections, duration, looks, tolerances, cpu: this.#cpuSource },
      {
        startPair: (first) => pairs.start(first),
        runTurns: (turns, askCpu) => runTurnBlock(turns, this.#signal, askCpu),
        now: readClock,
        throttling: readThrottling,
        onProgress: (progress) => observe?.onProgress?.(this.#id, progress),
      },
    )
    return this.#run.run()
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
