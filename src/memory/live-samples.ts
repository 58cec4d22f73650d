import { sleep } from '../lifecycle/abort.ts'
import type { MemorySnapshot } from '../results/memory-result.ts'
import { ThinnedSeries } from '../results/thinned-series.ts'
import type { SourceReading } from './memory-source.ts'
import { readClock } from '../lifecycle/real-timers.ts'

/** An hour at 100 ms are 36 000 rows; so many are kept, of about 200 bytes each. */
const ROWS = 2_000

/** A row of the live series. */
export type LiveSample = MemorySnapshot & { eventLoopDelay?: number; gcTime?: number; stale?: boolean }

/** The live series of one watch and what is folded from it while it grows. */
export class LiveSamples {
  readonly #series = new ThinnedSeries<LiveSample>(ROWS, mergeSamples)
  readonly #ticks = new ThinnedSeries<readonly [number, number]>(ROWS, (_, later) => later)
  readonly #warmup: number
  taken = 0
  baseline: MemorySnapshot | undefined
  peak: MemorySnapshot | undefined
  latest: MemorySnapshot | undefined
  reading: SourceReading | undefined

  constructor(warmup: number) {
    this.#warmup = warmup
  }

  add(reading: SourceReading, requests: number | undefined): void {
    const { snapshot, stale, loop, gc } = reading
    const gcTime = gc && gc.time - (this.reading?.gc?.time ?? 0)
    this.taken += 1
    this.reading = reading
    this.latest = snapshot
    if (this.taken === 1 || this.taken === this.#warmup + 1) this.baseline = snapshot
    this.peak = this.peak ? higher(this.peak, snapshot) : snapshot
    if (requests !== undefined) this.#ticks.add([snapshot.timestamp, requests])
    this.#series.add({
      ...snapshot,
      ...(loop && { eventLoopDelay: rounded(loop.latest) }),
      ...(gcTime !== undefined && { gcTime: rounded(gcTime) }),
      ...(stale && { stale }),
    })
  }

  rows(): LiveSample[] {
    return this.#series.rows()
  }

  /** Requests completed, by time, as the load counted them. */
  ticks(): (readonly [timestamp: number, count: number])[] {
    return this.#ticks.rows()
  }
}

/** Looks every `interval` milliseconds until `signal` aborts; what one look costs does not move the next. */
export async function sampleEvery(interval: number, look: () => Promise<void>, signal: AbortSignal): Promise<void> {
  let due = readClock()
  while (!signal.aborted) {
    await look()
    due = Math.max(due + interval, readClock())
    await sleep(Math.max(0, due - readClock()), signal)
  }
}

/** The highest of each figure, at the time of the highest heap (or `rss`). */
function higher<Snapshot extends MemorySnapshot>(a: Snapshot, b: Snapshot): Snapshot {
  const figures = Object.keys(a) as (keyof Snapshot)[]
  const merged = { ...a }
  for (const figure of figures) if (b[figure] > merged[figure]) merged[figure] = b[figure]
  const rank = (snapshot: MemorySnapshot) => ('heapUsed' in snapshot ? snapshot.heapUsed : snapshot.rss)
  return { ...merged, timestamp: rank(b) > rank(a) ? b.timestamp : a.timestamp }
}

/** Two rows as one: the later memory, the worse delay, all of the collector's time. */
function mergeSamples(earlier: LiveSample, later: LiveSample): LiveSample {
  const delays = [earlier.eventLoopDelay, later.eventLoopDelay].filter((delay) => delay !== undefined)
  const times = [earlier.gcTime, later.gcTime].filter((time) => time !== undefined)
  return {
    ...later,
    ...(delays.length > 0 && { eventLoopDelay: Math.max(...delays) }),
    ...(times.length > 0 && { gcTime: rounded(times.reduce((sum, time) => sum + time, 0)) }),
    ...((earlier.stale || later.stale) && { stale: true }),
  }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100
}
