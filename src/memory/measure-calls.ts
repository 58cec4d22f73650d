import type { HeapRecord } from './verdict/heap-record.ts'
import { PerfAbortError } from '../errors.ts'
import { abortReason, raceSignal } from '../lifecycle/abort.ts'
import { CALLS_MINIMUM_GROWTH, looksLikeLeak } from './verdict/leak-rule.ts'
import type { ForcedCollections, MemoryResult } from '../results/memory-result.ts'
import { Diagnosis } from './diagnosis.ts'
import { LiveSamples } from './live-samples.ts'
import type { ResolvedMemoryConfig } from './memory-options.ts'
import type { SourceReading } from './memory-source.ts'
import type { MemoryObserver } from './memory-observer.ts'
import { OwnProcess } from './own-process.ts'
import type { WatchRecords } from './runner-records.ts'
import type { RunningWatch } from './running-watch.ts'
import { memoryResult } from './watch-result.ts'
import { readClock, readWallClock, turn } from '../lifecycle/real-timers.ts'

const WARMUP_BLOCKS = 12
const BLOCKS = 24
/** What is called again between two heap snapshots, of a function that leaks. */
const REPEATED_SHARE = 1 / 4
/** Calls of a warm-up block: enough to compile the function, few against what is measured. */
const WARMUP_CALLS = 50
/** Synchronous calls give way to timers and signals this often, in milliseconds. */
const YIELD_EVERY = 50

export interface Measuring {
  readonly id: string
  readonly read: (source: OwnProcess, watch: string) => SourceReading
  readonly signals: readonly AbortSignal[]
  /** Where it can be stopped while it runs. */
  readonly running: Set<RunningWatch>
  readonly observe: MemoryObserver | undefined
  readonly watchRecords?: WatchRecords | undefined
  /** Milliseconds until the test must be over. */
  readonly timeLeft: () => number
}

/** Calls `fn` `iterations` times in blocks, with a full collection after each, and decides whether calls leave memory behind. */
export async function measureCalls(
  fn: () => unknown,
  iterations: number,
  config: ResolvedMemoryConfig,
  measuring: Measuring,
): Promise<MemoryResult> {
  const { id, observe, running } = measuring
  const run = new CallMeasurement(fn, config, measuring)
  observe?.onStart?.(id, { title: config.title, target: run.source.name, planned: undefined })
  running.add(run)
  const endTurn = run.waitForTurn(takeTurn())
  try {
    const outcome = await run.run(iterations)
    const result = run.result(outcome === 'stopped')
    observe?.onEnd?.(id, { outcome, target: run.source.name, result })
    return result
  } catch (error) {
    const aborted = error instanceof PerfAbortError
    observe?.onEnd?.(id, {
      outcome: aborted ? 'aborted' : 'failed',
      target: run.source.name,
      result: run.result(true),
      error: error instanceof Error ? error.message : String(error),
    })
    throw error
  } finally {
    endTurn()
    running.delete(run)
    run.release()
  }
}

let lastTurn: Promise<void> = Promise.resolve()

/** One measurement at a time: what another leaves behind meanwhile would be blamed on it. */
function takeTurn(): { come: Promise<void>; over: () => void } {
  const come = lastTurn
  let over!: () => void
  const own = new Promise<void>((resolve) => (over = resolve))
  // Who gives up waiting does not end the turn of the one it waited for.
  lastTurn = come.then(() => own)
  return { come, over }
}

class CallMeasurement implements RunningWatch {
  readonly source: OwnProcess
  readonly #fn: () => unknown
  #turn: Promise<void> = Promise.resolve()
  readonly #config: ResolvedMemoryConfig
  readonly #measuring: Measuring
  readonly #live = new LiveSamples(0)
  readonly #startedAt = readWallClock()
  readonly #started = readClock()
  readonly #records: HeapRecord[] = []
  readonly #collections: ForcedCollections = { count: 0, time: 0 }
  readonly #stopping = new AbortController()
  /** Whatever can end it early. */
  readonly #endings: readonly AbortSignal[]
  readonly #diagnosis: Diagnosis
  #iterations = 0
  #blocks = BLOCKS
  #calls = 0
  #yielded = readClock()

  constructor(fn: () => unknown, config: ResolvedMemoryConfig, measuring: Measuring) {
    this.#fn = fn
    this.#config = config
    this.#measuring = measuring
    this.source = new OwnProcess(measuring.watchRecords?.('calls'))
    this.#endings = [...measuring.signals, this.#stopping.signal]
    this.#diagnosis = new Diagnosis({
      source: this.source,
      always: config.diagnose,
      minimumGrowth: CALLS_MINIMUM_GROWTH,
      timeLeft: measuring.timeLeft,
      repeat: () => this.#callTimes(Math.ceil(this.#iterations * REPEATED_SHARE)),
      onPause: ({ duration }) => this.#countPause(duration),
    })
    this.#sample()
  }

  /** Has it begin when its turn has come; returns how that turn ends. */
  waitForTurn({ come, over }: { come: Promise<void>; over: () => void }): () => void {
    this.#turn = come
    return over
  }

  /** Runs to its end, or to an earlier one by a signal or `end`: those do not wait for a call that hangs. */
  async run(iterations: number): Promise<'completed' | 'stopped'> {
    try {
      await this.#endings.reduce((work, signal) => raceSignal(work, signal), this.#runBlocks(iterations))
      return 'completed'
    } catch (error) {
      const aborted = this.#measuring.signals.find((signal) => signal.aborted)
      if (aborted) {
        throw new PerfAbortError(`The memory measurement was aborted: ${abortReason(aborted).message}`, {
          cause: aborted.reason,
          partial: this.result(true),
        })
      }
      if (this.#stopping.signal.aborted) return 'stopped'
      throw error
    }
  }

  /** Ends it early. */
  end(): void {
    this.#stopping.abort()
  }

  release(): void {
    this.end()
    this.#diagnosis.release()
    this.source.release(this.#measuring.id)
  }

  async #runBlocks(iterations: number): Promise<void> {
    this.#iterations = iterations
    await this.#turn
    this.#throwIfEnded()
    const warmup = Math.max(1, Math.min(WARMUP_CALLS, Math.floor(iterations / WARMUP_BLOCKS)))
    for (let block = 0; block < WARMUP_BLOCKS; block += 1) {
      await this.#callTimes(warmup)
      if (this.#config.gc) await this.#collect()
    }
    await this.#diagnosis.begin()
    this.#calls = 0
    const started = readClock()
    for (let block = 1; block <= this.#blocks; block += 1) {
      await this.#callTimes(Math.round((iterations * block) / BLOCKS) - this.#calls)
      await this.#record()
      this.#sample()
      if (block === BLOCKS && this.#isWorthAsMuchAgain(readClock() - started)) this.#blocks = 2 * BLOCKS
      this.#report(block / this.#blocks)
    }
    await this.#diagnosis.conclude(this.result().leak.verdict === 'leak')
  }

  /** Whether growth was seen and is not sure, and the test has time for as many calls again. */
  #isWorthAsMuchAgain(taken: number): boolean {
    const { leak, floors } = this.result()
    return leak.verdict === 'inconclusive' && looksLikeLeak(floors) && this.#measuring.timeLeft() > 2 * taken
  }

  result(aborted = false): MemoryResult {
    return memoryResult({
      kind: 'node',
      title: this.#config.title,
      strict: this.#config.strict,
      startedAt: this.#startedAt,
      duration: readClock() - this.#started,
      live: this.#live,
      records: this.#records,
      warmupSamples: 0,
      // The measurement keeps a record of each block itself.
      minimumGrowth: (CALLS_MINIMUM_GROWTH * this.#blocks) / BLOCKS,
      unit: 'call',
      undecided: this.#config.gc
        ? undefined
        : 'No collection was forced (`gc: false`), and without one growth and garbage look the same.',
      collections: this.#collections,
      diagnosed: this.#diagnosis.found,
      aborted,
    })
  }

  async #callTimes(times: number): Promise<void> {
    for (let call = 0; call < times; call += 1) {
      await this.#giveWay()
      // Called by the engine, the function is never inlined into this one. So a profile shows its allocations as its
      // own.
      await Promise.resolve().then(this.#fn)
      this.#calls += 1
      this.#throwIfEnded()
    }
  }

  async #giveWay(): Promise<void> {
    if (readClock() - this.#yielded > YIELD_EVERY) {
      await turn()
      this.#yielded = readClock()
    }
    this.#throwIfEnded()
  }

  #throwIfEnded(): void {
    for (const signal of this.#endings) if (signal.aborted) throw abortReason(signal)
  }

  async #collect(): Promise<HeapRecord> {
    const record = await this.source.collect(this.#measuring.id)
    this.#throwIfEnded()
    this.#countPause(record.time)
    return record
  }

  #countPause(duration: number): void {
    this.#collections.count += 1
    this.#collections.time += duration
  }

  async #record(): Promise<void> {
    if (!this.#config.gc) return
    this.#records.push({ ...(await this.#collect()), requests: this.#calls })
    await this.#diagnosis.onRecord(this.#records)
  }

  #sample(): void {
    this.#live.add(this.#measuring.read(this.source, this.#measuring.id), undefined)
  }

  #report(progress: number): void {
    const { observe, id } = this.#measuring
    if (!this.#live.latest) return
    observe?.onProgress?.(id, {
      ...(this.#config.title !== undefined && { title: this.#config.title }),
      progress,
      elapsed: readClock() - this.#started,
      latest: this.#live.latest,
      samples: this.#live.taken,
      floors: this.#records.length,
    })
  }
}
