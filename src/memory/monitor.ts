import { swallow } from '../lifecycle/debug.ts'
import { MemoryError } from '../errors.ts'
import { optionIssue, rejectIssues } from '../option-issues.ts'
import { onAbort, raceSignal, withDeadline } from '../lifecycle/abort.ts'
import { inLifetime, timeLeft, type Lifetime } from '../lifecycle/attempt.ts'
import type { MemoryResult, MemorySnapshot, NodeMemorySnapshot } from '../results/memory-result.ts'
import type { MemoryObserver } from './memory-observer.ts'
import type { MeasureOptions, MemoryConfig, ResolvedMemoryConfig } from './memory-options.ts'
import type { ForcedPause, MemorySource } from './memory-source.ts'
import type { MemoryTarget } from './memory-target.ts'
import type { MemoryWatch } from './memory-watch.ts'
import type { WatchRecords } from './runner-records.ts'
import type { RunningWatch, WatchEnd } from './running-watch.ts'
import { watchError } from './watch-error.ts'
import { milliseconds, type Duration } from '../units.ts'
import { clearTimeout, readWallClock, setTimeout, turn } from '../lifecycle/real-timers.ts'

/** What a monitor needs of the test it belongs to. All of it may be missing: then it watches this process. */
export interface MemoryContext {
  readonly lifetime?: Lifetime | undefined
  /** The test's server now; a restart changes it. */
  readonly server?: (() => MemoryTarget | undefined) | undefined
  readonly defaults?: Partial<MemoryConfig> | undefined
  /** Requests that loads of this test have completed, for servers that cannot count them themselves. */
  readonly requestsCompleted?: (() => number) | undefined
  /** Called for each forced collection, so that a load can say which latencies it hit. Unix time and milliseconds. */
  readonly onCollection?: ((pause: ForcedPause) => void) | undefined
  readonly observe?: MemoryObserver | undefined
  /** Begins to watch over what the test runner keeps of the code that is measured in this process. */
  readonly watchRecords?: WatchRecords | undefined
}

interface Run {
  readonly config: ResolvedMemoryConfig
  readonly planned: number | undefined
}

/** Time that a planned watch needs beyond its duration: the last sample and the diagnosis. */
const CONCLUSION_RESERVE = 500

/** A verdict on the spec's process, where the requests went to a server, would look like one on the server. */
const WRONG_TARGET =
  "This watch began before a load on a path started the test's server, so it watched this process and not the server. Name the `server` fixture in the test, or set `target: 'self'` to watch this process."

/** Milliseconds that an abort waits for the first sample. */
const LATE_SAMPLE_LIMIT = 100

let watches = 0

// Imported by the first watch: a spec without one must not pay for it.
const watching = () => import('./watching.ts')

const ownMemory = {
  read(): NodeMemorySnapshot {
    const { heapUsed, heapTotal, external, arrayBuffers, rss } = process.memoryUsage()
    return { timestamp: readWallClock(), heapUsed, heapTotal, external, arrayBuffers, rss }
  },
}

/** Watches memory: of the server under test, of this process or of any pid. */
export class MemoryMonitor {
  readonly #context: MemoryContext
  readonly #loading = new Set<Promise<unknown>>()
  readonly #running = new Set<RunningWatch>()

  constructor(context: MemoryContext = {}) {
    this.#context = context
  }

  /** Memory of this process, now. */
  takeSnapshot(): NodeMemorySnapshot {
    return this.createSnapshot(ownMemory)
  }

  /** Watches for `duration`: a number of milliseconds, or text such as `'10s'`. */
  monitor(duration: Duration, config?: MemoryConfig): Promise<MemoryResult> {
    return this.#follow('monitor', this.#monitor(duration, config), config)
  }

  async #monitor(length: Duration, config: MemoryConfig | undefined): Promise<MemoryResult> {
    const { resolveMemoryOptions } = await this.#load()
    const resolved = resolveMemoryOptions(config, this.#context.defaults, { duration: length })
    const duration = milliseconds(length)
    this.#refuseEndless(duration)
    const { result } = await this.#watch({ config: resolved, planned: duration }, (watch) => {
      const timer = setTimeout(() => watch.end({ how: 'completed' }), duration)
      return { over: () => clearTimeout(timer) }
    })
    return result
  }

  /** Watches while `work` runs; the result carries what `work` returned as `value`. */
  during<Value>(
    work: (signal: AbortSignal) => Value | Promise<Value>,
    config?: MemoryConfig,
  ): Promise<MemoryResult & { value: Value }> {
    return this.#follow('during', this.#during(work, config), config)
  }

  async #during<Value>(
    work: (signal: AbortSignal) => Value | Promise<Value>,
    config: MemoryConfig | undefined,
  ): Promise<MemoryResult & { value: Value }> {
    const { resolveMemoryOptions } = await this.#load()
    const resolved = resolveMemoryOptions(config, this.#context.defaults, { work })
    const cancel = new AbortController()
    let done: Promise<Value> | undefined
    const { result } = await this.#watch({ config: resolved, planned: undefined }, (watch) => {
      done = Promise.resolve().then(() => work(cancel.signal))
      done.then(
        () => watch.end({ how: 'completed' }),
        (error: unknown) => watch.end({ how: 'failed', cause: error as Error }),
      )
      return {
        over: (end) => {
          if (end.how === 'aborted') cancel.abort(end.signal.reason)
          else if (end.how === 'failed') cancel.abort(end.cause)
        },
      }
    })
    // After `stop()` the watch is over before the work is.
    const value = await this.#raceAbort(done as Promise<Value>, resolved, () => result)
    return { ...result, value }
  }

  /** Whether `fn` leaks per call, in this process: blocks of calls with full collections between them. */
  measure(fn: () => unknown, options: MeasureOptions, config?: Omit<MemoryConfig, 'target'>): Promise<MemoryResult> {
    return this.#follow('measure', this.#measure(fn, options, config), config)
  }

  async #measure(
    fn: () => unknown,
    options: MeasureOptions,
    config: Omit<MemoryConfig, 'target'> | undefined,
  ): Promise<MemoryResult> {
    const { measureCalls, resolveMemoryOptions } = await this.#load()
    const resolved = resolveMemoryOptions(config, this.#context.defaults, { fn, measure: options })
    return measureCalls(fn, options.iterations, resolved, {
      read: (source, watch) => this.createSnapshot(source, watch),
      signals: this.#signals(resolved),
      running: this.#running,
      observe: this.#context.observe,
      watchRecords: this.#context.watchRecords,
      timeLeft: this.#timeLeft,
      id: nextId(),
    })
  }

  /** Ends every watch and measurement that runs: each resolves with what it sampled. Resolves with the latest one's result, if one ran. */
  stop(): Promise<MemoryResult | undefined> {
    return this.#follow('stop', this.#stop())
  }

  #follow<T>(method: string, work: Promise<T>, config?: Partial<MemoryConfig>): Promise<T> {
    const call = { name: `memoryMonitor.${method}()`, signal: config?.signal }
    return inLifetime(this.#context.lifetime, call, work)
  }

  async #stop(): Promise<MemoryResult | undefined> {
    // A watch that was asked for just now is still being started.
    while (this.#loading.size > 0) {
      await Promise.allSettled(this.#loading)
      await turn()
    }
    const running = [...this.#running]
    for (const watch of running) watch.end({ how: 'stopped' })
    return running.at(-1)?.result()
  }

  #load(): Promise<typeof import('./watching.ts')> {
    return this.#beforeStart(watching())
  }

  /** What a watch waits for before it is one that `stop()` finds. */
  async #beforeStart<T>(work: Promise<T>): Promise<T> {
    this.#loading.add(work)
    try {
      return await work
    } finally {
      this.#loading.delete(work)
    }
  }

  /** The one place that reads memory: every snapshot and every sample of every target comes from here. */
  private createSnapshot<Reading>(source: { read(watch?: string): Reading }, watch?: string): Reading {
    return source.read(watch)
  }

  async #watch(
    { config, planned }: Run,
    begin: (watch: MemoryWatch) => { over(end: WatchEnd): void },
  ): Promise<{ result: MemoryResult }> {
    const signals = this.#signals(config)
    const { observe } = this.#context
    const { findSource, MemoryWatch } = await this.#load()
    const isDefault = config.target === undefined && !this.#context.server?.()
    const source = await this.#find(this.#beforeStart(findSource(config.target, this.#context)), signals)
    const id = nextId()
    const watch = new MemoryWatch({
      id,
      source,
      config,
      planned,
      read: (from, name) => this.createSnapshot(from as MemorySource, name),
      requestsCompleted: this.#context.requestsCompleted,
      onCollection: this.#context.onCollection,
      timeLeft: this.#timeLeft,
      onProgress: (progress) => observe?.onProgress?.(id, progress),
    })
    observe?.onStart?.(id, { title: config.title, target: source.name, planned })
    const release = followSignals(signals, (signal) => watch.end({ how: 'aborted', signal }))
    this.#running.add(watch)
    watch.start()
    const work = signals.some(({ aborted }) => aborted) ? undefined : begin(watch)
    let end = await watch.ended
    work?.over(end)
    this.#running.delete(watch)
    try {
      // Ended before its first sample: what is read now is what it saw.
      if ((end.how === 'aborted' || end.how === 'stopped') && !watch.result()) {
        await withDeadline(watch.lookOnce(), LATE_SAMPLE_LIMIT).catch(swallow('last sample'))
      }
      if (end.how === 'completed') await raceSignals(watch.conclude(), signals)
      const hasVerdict = end.how === 'completed' || end.how === 'stopped'
      if (isDefault && hasVerdict && this.#context.server?.()) throw new MemoryError(WRONG_TARGET)
    } catch (error) {
      const aborted = signals.find((signal) => signal.aborted)
      end = aborted ? { how: 'aborted', signal: aborted } : { how: 'failed', cause: error as Error }
    } finally {
      release()
      watch.release()
    }
    const result = watch.result()
    const error =
      result && (end.how === 'completed' || end.how === 'stopped') ? undefined : watchError(end, source.name, result)
    observe?.onEnd?.(id, {
      outcome: end.how,
      target: source.name,
      ...(result && { result }),
      ...(error && { error: error.message }),
    })
    if (error || !result) throw error
    return { result }
  }

  /** A server that is being restarted may take a while to be found. */
  async #find(finding: Promise<MemorySource>, signals: readonly AbortSignal[]): Promise<MemorySource> {
    const aborted = () => signals.find((signal) => signal.aborted)
    try {
      if (!aborted()) return await raceSignals(finding, signals)
      const found = await withDeadline(finding, LATE_SAMPLE_LIMIT)
      if (found !== 'timeout') return found
    } catch (error) {
      if (!aborted()) throw error
    }
    throw watchError({ how: 'aborted', signal: aborted() as AbortSignal }, 'server', undefined)
  }

  readonly #timeLeft = (): number => {
    const { lifetime } = this.#context
    return lifetime ? timeLeft(lifetime) : Infinity
  }

  #signals({ signal }: ResolvedMemoryConfig): AbortSignal[] {
    return [this.#context.lifetime?.signal, signal].filter((given) => given !== undefined)
  }

  async #raceAbort<Value>(
    work: Promise<Value>,
    config: ResolvedMemoryConfig,
    partial: () => MemoryResult,
  ): Promise<Value> {
    try {
      return await raceSignals(work, this.#signals(config))
    } catch (error) {
      const aborted = this.#signals(config).find((signal) => signal.aborted)
      if (!aborted) throw error
      throw watchError({ how: 'aborted', signal: aborted }, 'work', { ...partial(), aborted: true })
    }
  }

  /** A watch that cannot end before its test does is refused before it starts. */
  #refuseEndless(duration: number): void {
    const { lifetime } = this.#context
    if (!lifetime) return
    const left = timeLeft(lifetime)
    if (duration + CONCLUSION_RESERVE <= left) return
    const needed = Math.ceil(((lifetime.timeout ?? 0) - left + duration + 2 * CONCLUSION_RESERVE) / 1_000) * 1_000
    rejectIssues('memory options', [
      optionIssue(
        'duration',
        `at most ${Math.max(0, Math.floor(left - CONCLUSION_RESERVE))}, which is what the test's timeout of ${lifetime.timeout} ms leaves (set the test's timeout to ${needed})`,
        duration,
      ),
    ])
  }
}

function nextId(): string {
  watches += 1
  return `memory-${process.pid}-${watches}`
}

/** Calls `onEnd` with the first signal that aborts; returns how to stop listening. */
function followSignals(signals: readonly AbortSignal[], onEnd: (signal: AbortSignal) => void): () => void {
  const aborted = signals.find((signal) => signal.aborted)
  if (aborted) onEnd(aborted)
  const unlisten = signals.map((signal) => onAbort(signal, () => onEnd(signal)))
  return () => {
    for (const stop of unlisten) stop()
  }
}

function raceSignals<T>(work: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  return signals.reduce((raced, signal) => raceSignal(raced, signal), work)
}

/** Returns the memory of a server now: of all isolates of its tree, or `rss` alone if it is not Node. */
export async function snapshotOfServer(target: MemoryTarget): Promise<MemorySnapshot> {
  const { sourceOfServer } = await watching()
  const source = await sourceOfServer(target)
  return (await source.read()).snapshot
}
