import { swallow } from '../lifecycle/debug.ts'
import type { HeapRecord } from './verdict/heap-record.ts'
import { withDeadline } from '../lifecycle/abort.ts'
import { joinFloors } from './verdict/joined-floors.ts'
import { decideLeak, looksLikeLeak } from './verdict/leak-rule.ts'
import type { ConstructorGrowth } from '../results/memory-result.ts'
import type { AllocationProfile } from '../probe/protocol.ts'
import { HeapGrowth } from './heap-growth.ts'
import type { ForcedPause, MemorySource } from './memory-source.ts'
import { readWallClock } from '../lifecycle/real-timers.ts'

/** Milliseconds for what grew by constructor at the most, and what is left to the test for its end. */
const COMPARISON_AT_MOST = 20_000
const COMPARISON_RESERVE = 1_500

export interface DiagnosisPlan {
  readonly source: MemorySource
  /** Whether it is asked for whatever the verdict. */
  readonly always: boolean
  /** Smallest growth that can be a leak, in bytes. */
  readonly minimumGrowth: number
  /** Milliseconds until the test must be over. */
  readonly timeLeft: () => number
  /** Does some of the work again. */
  readonly repeat?: () => Promise<void>
  readonly onPause: (pause: ForcedPause) => void
}

/** Who holds the memory. */
export interface Diagnosed {
  readonly profile?: AllocationProfile | undefined
  readonly constructors?: ConstructorGrowth[] | undefined
}

/**
 * Finds what a leak consists of: where it was allocated (V8's sampling profiler), and what the heap has more of (two
 * snapshots). Both cost time. The profile begins when a leak begins to show. Snapshots are taken when the verdict would
 * be a leak. If a snapshot would shift the heap after later collections, they are taken around a repetition, once the
 * verdict stands.
 */
export class Diagnosis {
  found: Diagnosed = {}
  readonly #plan: DiagnosisPlan
  #profiling = false
  /** After it nothing is begun any more, whatever was under way: nobody is left to end it. */
  #released = false
  #growth: HeapGrowth | undefined
  #remembered = false

  constructor(plan: DiagnosisPlan) {
    this.#plan = plan
  }

  async begin(): Promise<void> {
    if (this.#plan.always) await this.#startProfile()
  }

  async onRecord(records: readonly HeapRecord[]): Promise<void> {
    const { source, always, minimumGrowth } = this.#plan
    const { floors } = joinFloors(records)
    if (!this.#profiling && looksLikeLeak(floors)) await this.#startProfile()
    if (source.snapshotShiftsHeap) return
    // What costs more than a collection does is not done on a mere suspicion.
    const leaks = decideLeak({ floors, minimumGrowth }).leak.verdict === 'leak'
    if (leaks && this.#profiling && !this.#remembered) {
      this.#remembered = true
      await source.rememberSites?.()
    }
    if (!this.#growth && (leaks || always)) await this.#beginGrowth(mostGrown(records))
  }

  /** Ends it; what was found is kept where it `leaks` or was asked for in any case. */
  async conclude(leaks: boolean): Promise<void> {
    if (!this.#profiling || this.#released) return
    const wanted = leaks || this.#plan.always
    const constructors = wanted ? await this.#compareHeaps() : undefined
    if (!this.#stopProfile()) return
    const profile = await this.#plan.source.sites?.()
    if (wanted) this.found = { profile, constructors }
  }

  /** Stops what runs for it, wherever that is; idempotent. */
  release(): void {
    this.#released = true
    void this.#growth?.close()
    if (this.#stopProfile()) void this.#plan.source.sites?.().catch(swallow('allocation profile'))
  }

  /** Takes the profile that runs, so that only one caller ends it. Returns whether there was one. */
  #stopProfile(): boolean {
    const runs = this.#profiling
    this.#profiling = false
    return runs
  }

  /** Within the time that there is: a verdict must not be lost for a detail. */
  async #compareHeaps(): Promise<ConstructorGrowth[] | undefined> {
    const left = Math.min(COMPARISON_AT_MOST, this.#plan.timeLeft() - COMPARISON_RESERVE)
    if (left <= 0) return undefined
    const grown = await withDeadline(this.#growth ? this.#growth.end() : this.#repeat(), left)
    return grown === 'timeout' ? undefined : grown
  }

  async #repeat(): Promise<ConstructorGrowth[] | undefined> {
    const { repeat } = this.#plan
    if (!repeat) return undefined
    await this.#beginGrowth('')
    await repeat()
    return this.#growth?.end()
  }

  async #beginGrowth(isolate: string): Promise<void> {
    const { source, onPause, timeLeft } = this.#plan
    if (this.#released || !source.snapshot || timeLeft() < COMPARISON_RESERVE) return
    this.#growth = new HeapGrowth(source, isolate)
    const startedAt = readWallClock()
    const duration = await this.#growth.begin()
    if (duration !== undefined && !this.#released) onPause({ startedAt, duration })
  }

  async #startProfile(): Promise<void> {
    if (this.#released || this.#profiling || !this.#plan.source.profile) return
    this.#profiling = true
    await this.#plan.source.profile()
  }
}

/** The isolate whose heap after collection rose the most. */
function mostGrown(records: readonly HeapRecord[]): string {
  const [first, last] = [records[0], records.at(-1)]
  const bytes = (record: HeapRecord | undefined, id: string) => {
    const { heapData = 0, external = 0 } = record?.isolates.get(id) ?? {}
    return heapData + external
  }
  const rise = (id: string) => bytes(last, id) - (first === last ? 0 : bytes(first, id))
  return [...(last?.isolates.keys() ?? [])].sort((a, b) => rise(b) - rise(a))[0] ?? ''
}
