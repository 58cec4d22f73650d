import type { HeapRecord } from './verdict/heap-record.ts'
import { sleep } from '../lifecycle/abort.ts'
import type { ForcedCollections, ForcedPauseRecord } from '../results/memory-result.ts'
import type { ForcedPause } from './memory-source.ts'
import { clearTimeout, readClock, setTimeout } from '../lifecycle/real-timers.ts'

/** The heap after a collection rises in a program's first collections: so many are forced before one counts. */
const WARMUP_COLLECTIONS = 6
const WARMUP_DISTANCE = 20
/** On a machine so busy that they take longer, what is left of the warm-up is the quarter that the rule cuts. */
const WARMUP_AT_MOST = 1_000
/** How long to wait for the load to begin before warming up without it. */
const LOAD_WAIT = 1_000
/** A planned watch forces about so many collections. One without a plan begins at `FIRST_DISTANCE` ms and doubles it when it has `MOST_RECORDS`. */
const PLANNED_RECORDS = 24
const FIRST_DISTANCE = 200
const MOST_RECORDS = 48
const MOST_PAUSES = 200
/**
 * Collections take at most a tenth of the target's time. Until there are enough for a verdict they may take a third; if they are slow
 * (a busy machine, a large heap), up to half of it. So a short watch has a verdict too.
 */
const SHARE = 10
const FIRST_SHARE = 2
const FIRST_REST_CAP = 500
const ENOUGH_RECORDS = 14
/** Milliseconds after which a collection is not merely long: the event loop is blocked. */
const SLOW = 3_000
/** Of so many last collections the quickest tells what one costs: the others waited for a busy machine. */
const RECENT = 5

export interface CollectionPlan {
  readonly collect: () => Promise<HeapRecord | undefined>
  /** Whether the load has begun; `undefined` where nobody can tell. */
  readonly underLoad: () => boolean | undefined
  /** Milliseconds the watch is planned to take. */
  readonly planned?: number | undefined
  readonly onCollection?: ((pause: ForcedPause) => void) | undefined
  /** Called after each collection that counts. */
  readonly onRecord: (records: readonly HeapRecord[]) => Promise<void>
}

/** Forces the target to collect, again and again, and records the heap after each collection. */
export class CollectionLoop {
  readonly collections: ForcedCollections = { count: 0, time: 0 }
  /** Collections that a blocked event loop did not answer, or has not yet. */
  missed = 0
  warm = false
  #records: HeapRecord[] = []
  #recent: number[] = []
  #segment: number | undefined
  #underWay: Promise<unknown> | undefined
  readonly #plan: CollectionPlan

  constructor(plan: CollectionPlan) {
    this.#plan = plan
  }

  records(): readonly HeapRecord[] {
    return this.#records
  }

  async run(signal: AbortSignal): Promise<void> {
    const started = readClock()
    await this.#warmUp(signal)
    const left = (this.#plan.planned ?? 0) - (readClock() - started)
    let distance = this.#plan.planned === undefined ? FIRST_DISTANCE : Math.max(50, left / PLANNED_RECORDS)
    while (!signal.aborted) {
      const record = await this.#collect()
      if (record && !signal.aborted) {
        this.#records.push(this.#segment === undefined ? record : { ...record, segment: this.#segment })
        if (this.#records.length >= MOST_RECORDS) {
          this.#records = this.#records.filter((_, index) => index % 2 === 0)
          distance *= 2
        }
        await this.#plan.onRecord(this.#records)
      }
      const rest =
        this.#records.length < ENOUGH_RECORDS
          ? Math.min(FIRST_SHARE * this.#cost(), Math.max(FIRST_REST_CAP, this.#cost()))
          : SHARE * this.#cost()
      await sleep(Math.max(distance, rest), signal)
    }
  }

  /** A heap snapshot was taken: records from now on are not comparable with those before. */
  noteSnapshot(pause: ForcedPause): void {
    this.#segment = (this.#segment ?? 0) + 1
    this.notePause(pause, 'snapshot')
  }

  async #warmUp(signal: AbortSignal): Promise<void> {
    const giveUp = readClock() + Math.min(LOAD_WAIT, (this.#plan.planned ?? Infinity) / 8)
    while (this.#plan.underLoad() === false && readClock() < giveUp) {
      if (!(await sleep(WARMUP_DISTANCE, signal))) return
    }
    const enough = readClock() + WARMUP_AT_MOST
    for (let count = 0; count < WARMUP_COLLECTIONS && readClock() < enough; count += 1) {
      await this.#collect()
      if (!(await sleep(Math.max(WARMUP_DISTANCE, 2 * this.#cost()), signal))) return
    }
    this.warm = true
  }

  #cost(): number {
    return this.#recent.length === 0 ? 0 : Math.min(...this.#recent)
  }

  /** Resolves when the collection that is under way, if one is, has been counted. */
  async settled(): Promise<void> {
    await this.#underWay
  }

  async #collect(): Promise<HeapRecord | undefined> {
    const counted = this.#countedCollection()
    this.#underWay = counted.catch(() => {})
    return counted
  }

  async #countedCollection(): Promise<HeapRecord | undefined> {
    const slow = setTimeout(() => (this.missed += 1), SLOW)
    const record = await this.#plan.collect().finally(() => clearTimeout(slow))
    if (!record) return undefined
    this.#recent = [record.cost, ...this.#recent].slice(0, RECENT)
    this.notePause({ startedAt: record.timestamp - record.time, duration: record.time })
    return record
  }

  /** Counts a pause, and reports it. */
  notePause(pause: ForcedPause, kind: ForcedPauseRecord['kind'] = 'collection'): void {
    this.collections.count += 1
    this.collections.time += pause.duration
    this.#keep({ kind, startedAt: pause.startedAt, duration: pause.duration })
    this.#plan.onCollection?.(pause)
  }

  /** An hour of pauses is thousands: the longest are those that show in a latency. */
  #keep(pause: ForcedPauseRecord): void {
    const pauses = (this.collections.pauses ??= [])
    pauses.push(pause)
    if (pauses.length <= MOST_PAUSES) return
    const shortest = pauses.reduce((a, b) => (b.duration < a.duration ? b : a))
    pauses.splice(pauses.indexOf(shortest), 1)
  }
}
