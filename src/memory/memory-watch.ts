import { MemoryError } from '../errors.ts'
import { abortReason, onAbort, withDeadline } from '../lifecycle/abort.ts'
import { SERVER_MINIMUM_GROWTH } from './verdict/leak-rule.ts'
import type { MemoryProgress, MemoryResult } from '../results/memory-result.ts'
import { Diagnosis } from './diagnosis.ts'
import { CollectionLoop } from './collection-loop.ts'
import { LiveSamples, sampleEvery } from './live-samples.ts'
import type { ResolvedMemoryConfig } from './memory-options.ts'
import type { ForcedPause, MemorySource, SourceReading } from './memory-source.ts'
import type { RunningWatch, WatchEnd } from './running-watch.ts'
import { memoryResult } from './watch-result.ts'
import { readClock, readWallClock } from '../lifecycle/real-timers.ts'

const PROGRESS_DISTANCE = 500
/** Milliseconds that the collection under way at the end has to be counted. */
const LAST_PAUSE = 500

/** What a watch is to do, and whom it tells. */
export interface WatchPlan {
  readonly id: string
  readonly source: MemorySource
  readonly config: ResolvedMemoryConfig
  /** Milliseconds, where they are known. */
  readonly planned?: number | undefined
  readonly read: (source: MemorySource, watch: string) => SourceReading | Promise<SourceReading>
  readonly requestsCompleted?: (() => number) | undefined
  /** Milliseconds until the test must be over. */
  readonly timeLeft: () => number
  readonly onCollection?: ((pause: ForcedPause) => void) | undefined
  readonly onProgress?: ((progress: MemoryProgress) => void) | undefined
}

/** One running watch: live samples and forced collections until it is ended. */
export class MemoryWatch implements RunningWatch {
  readonly ended: Promise<WatchEnd>
  readonly #plan: WatchPlan
  readonly #live: LiveSamples
  readonly #collecting: CollectionLoop | undefined
  readonly #diagnosis: Diagnosis
  readonly #running = new AbortController()
  readonly #startedAt = readWallClock()
  readonly #started = readClock()
  readonly #loadAtStart: number | undefined
  #stoppedAfter: number | undefined
  #progressDue = PROGRESS_DISTANCE
  #end: WatchEnd | undefined
  #unlisten: (() => void) | undefined
  #settle: (end: WatchEnd) => void = () => {}

  constructor(plan: WatchPlan) {
    const { source, config } = plan
    this.#plan = plan
    this.#live = new LiveSamples(config.warmupSamples)
    this.#loadAtStart = plan.requestsCompleted?.()
    this.ended = new Promise((resolve) => (this.#settle = resolve))
    if (config.gc && source.collect) {
      this.#collecting = new CollectionLoop({
        collect: async () => source.collect?.(plan.id),
        underLoad: () => this.#underLoad(),
        planned: plan.planned,
        onCollection: plan.onCollection,
        onRecord: (records) => this.#diagnosis.onRecord(records),
      })
    }
    this.#diagnosis = new Diagnosis({
      source,
      always: config.diagnose,
      minimumGrowth: SERVER_MINIMUM_GROWTH,
      timeLeft: plan.timeLeft,
      onPause: (pause) => this.#collecting?.noteSnapshot(pause),
    })
  }

  /** Begins. An error from here on ends the watch; it does not reject. */
  start(): void {
    const { config, source } = this.#plan
    if (this.#end) return
    const fail = (error: unknown) => this.end({ how: 'failed', cause: unreadable(error, source.name) })
    this.#diagnosis.begin().catch(fail)
    sampleEvery(config.intervalMs, () => this.#look(), this.#running.signal).catch(fail)
    this.#collecting?.run(this.#running.signal).catch(fail)
    if (source.gone?.aborted) this.#onGone()
    else if (source.gone) this.#unlisten = onAbort(source.gone, this.#onGone)
  }

  /** Ends the watch; only the first call counts. */
  end(end: WatchEnd): void {
    if (this.#end) return
    this.#end = end
    this.#stoppedAfter = readClock() - this.#started
    this.#unlisten?.()
    this.#running.abort()
    this.#settle(end)
  }

  /** A sample that no interval asks for. */
  async lookOnce(): Promise<void> {
    this.#record(await this.#plan.read(this.#plan.source, this.#plan.id))
  }

  /**
   * Takes one more sample after an end that is not a failure, and finds what holds the memory if that was asked for.
   */
  async conclude(): Promise<void> {
    if (this.#collecting) await withDeadline(this.#collecting.settled(), LAST_PAUSE)
    if (this.#live.taken < this.#plan.config.sampleCount) await this.lookOnce()
    await this.#diagnosis.conclude(this.result()?.leak.verdict === 'leak')
  }

  /** Stops what runs in the target for this watch. */
  release(): void {
    this.#diagnosis.release()
    this.#plan.source.release(this.#plan.id)
  }

  /** What was seen so far; `undefined` before the first sample. */
  result(): MemoryResult | undefined {
    if (this.#live.taken === 0) return undefined
    const { source, config } = this.#plan
    return memoryResult({
      kind: source.kind,
      title: config.title,
      strict: config.strict,
      startedAt: this.#startedAt,
      duration: this.#stoppedAfter ?? readClock() - this.#started,
      live: this.#live,
      records: this.#collecting?.records() ?? [],
      warmupSamples: config.warmupSamples,
      minimumGrowth: SERVER_MINIMUM_GROWTH,
      hindrance: this.#hindrance(),
      unseen: source.unseen,
      otherProcesses: source.otherProcesses,
      keptCalls: source.keptCalls,
      undecided: this.#undecided(),
      collections: this.#collecting?.collections,
      diagnosed: this.#diagnosis.found,
      aborted: this.#end !== undefined && this.#end.how !== 'completed',
    })
  }

  #onGone = (): void => {
    const reason = this.#plan.source.gone ? abortReason(this.#plan.source.gone) : undefined
    this.end({
      how: 'failed',
      cause: new MemoryError(`The ${this.#plan.source.name} ended while its memory was watched: ${reason?.message}`, {
        cause: reason,
      }),
    })
  }

  async #look(): Promise<void> {
    const reading = await this.#plan.read(this.#plan.source, this.#plan.id)
    if (this.#end) return
    this.#record(reading)
    this.#report(reading)
    if (this.#live.taken >= this.#plan.config.sampleCount) this.end({ how: 'completed' })
  }

  #record(reading: SourceReading): void {
    this.#live.add(reading, this.#loadAtStart === undefined ? undefined : this.#loadCount())
  }

  #loadCount(): number {
    return (this.#plan.requestsCompleted?.() ?? 0) - (this.#loadAtStart ?? 0)
  }

  #underLoad(): boolean | undefined {
    if (this.#plan.source.name === 'this process' && this.#loadAtStart === undefined) return undefined
    return (this.#live.reading?.requests ?? 0) > 0 || this.#loadCount() > 0
  }

  #report({ snapshot }: SourceReading): void {
    const elapsed = readClock() - this.#started
    if (elapsed < this.#progressDue) return
    this.#progressDue = elapsed + PROGRESS_DISTANCE
    const { planned, onProgress, config } = this.#plan
    onProgress?.({
      ...(config.title !== undefined && { title: config.title }),
      progress: planned === undefined ? 0 : Math.min(1, elapsed / planned),
      elapsed,
      latest: snapshot,
      samples: this.#live.taken,
      floors: this.#collecting?.records().length ?? 0,
    })
  }

  #targetName(): string {
    const { name } = this.#plan.source
    return name === 'server' ? `the ${name}` : name
  }

  #hindrance(): string | undefined {
    if (!this.#collecting) return undefined
    if (this.#collecting.missed > 0) return 'its event loop was blocked when it was to collect'
    return this.#collecting.warm ? undefined : `the watch ended while ${this.#targetName()} was still warming up`
  }

  #undecided(): string | undefined {
    if (this.#end?.how === 'failed') return 'The watch was cut short: what was sampled until then decides nothing.'
    if (this.#plan.source.kind === 'node' && !this.#plan.config.gc) {
      return 'No collection was forced (`gc: false`), and without one growth and garbage look the same; leave `gc` on for a verdict.'
    }
    return undefined
  }
}

function unreadable(error: unknown, target: string): MemoryError {
  if (error instanceof MemoryError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new MemoryError(`The memory of ${target} could not be read: ${why}`, { cause: error })
}
