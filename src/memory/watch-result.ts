import { countAt, joinFloors } from '../metrics/floor-series.ts'
import { decideLeak, RSS_MINIMUM_GROWTH, type LeakDecision } from '../metrics/leak-rule.ts'
import type {
  ForcedCollections,
  LeakVerdict,
  MemoryFloor,
  MemoryResult,
  MemorySuspect,
  NodeMemorySnapshot,
  ProcessMemorySnapshot,
} from '../metrics/memory-result.ts'
import type { AllocationProfile } from '../probe/protocol.ts'
import type { Diagnosed } from './diagnosis.ts'
import type { LiveSample, LiveSamples } from './live-samples.ts'
import type { FloorRecord } from './memory-source.ts'

/** A watch of `rss` alone is cut into so many blocks, and the lowest of each is its floor. */
const RESIDENT_BLOCKS = 24

/** All that one watch saw. */
export interface Watched {
  readonly kind: 'node' | 'process'
  readonly title: string | undefined
  readonly startedAt: number
  readonly duration: number
  readonly live: LiveSamples
  readonly records: readonly FloorRecord[]
  readonly warmupSamples: number
  /** Smallest growth that can be a leak. */
  readonly minimumGrowth: number
  readonly unit?: 'request' | 'call'
  /** Why there are few floors or none, where something stood in the way. */
  readonly hindrance?: string | undefined
  /** Why there can be no verdict at all: the target is lost, or no collection was allowed. */
  readonly undecided?: string | undefined
  readonly collections?: ForcedCollections | undefined
  readonly diagnosed?: Diagnosed | undefined
  readonly aborted: boolean
}

/** The result of a watch that took at least one sample. */
export function memoryResult(watched: Watched): MemoryResult {
  const { live, title, startedAt, duration, collections, aborted } = watched
  const samples = live.rows()
  const { floors, decision } = decide(watched, samples)
  const shared = {
    ...(title !== undefined && { title }),
    startedAt,
    duration,
    floors,
    growth:
      watched.kind === 'node' && floors.length < 2 ? { ...decision.growth, bytes: rawGrowth(live) } : decision.growth,
    leak: withDiagnosis(decision.leak, watched.diagnosed),
    ...(collections && { collections: { ...collections } }),
    aborted,
  }
  if (watched.kind === 'process') {
    return {
      kind: 'process',
      ...shared,
      samples: samples as (ProcessMemorySnapshot & LiveSample)[],
      ...(ends(live) as { baseline: ProcessMemorySnapshot; peak: ProcessMemorySnapshot; final: ProcessMemorySnapshot }),
    }
  }
  const { p50 = NaN, p99 = NaN, max = NaN } = live.reading?.loop ?? {}
  return {
    kind: 'node',
    ...shared,
    samples: samples as (NodeMemorySnapshot & LiveSample)[],
    ...(ends(live) as { baseline: NodeMemorySnapshot; peak: NodeMemorySnapshot; final: NodeMemorySnapshot }),
    eventLoopDelay: { p50, p99, max },
    gc: live.reading?.gc ?? { count: 0, time: 0 },
  }
}

function ends({ baseline, peak, latest }: LiveSamples) {
  return { baseline, peak, final: latest }
}

function rawGrowth({ baseline, latest }: LiveSamples): number {
  const bytes = (snapshot: unknown) => {
    const { heapUsed = 0, external = 0 } = (snapshot ?? {}) as Partial<NodeMemorySnapshot>
    return heapUsed + external
  }
  return bytes(latest) - bytes(baseline)
}

function decide(watched: Watched, samples: readonly LiveSample[]): { floors: MemoryFloor[]; decision: LeakDecision } {
  const { floors, hindrance } = watched.kind === 'node' ? nodeFloors(watched) : residentFloors(samples, watched)
  const why = hindrance ?? watched.hindrance
  const decision = decideLeak({
    floors,
    minimumGrowth: watched.kind === 'node' ? watched.minimumGrowth : RSS_MINIMUM_GROWTH,
    ...(watched.unit && { unit: watched.unit }),
    ...(why !== undefined && { hindrance: why }),
    resident: watched.kind === 'process',
  })
  if (watched.undecided === undefined) return { floors, decision }
  return {
    floors,
    decision: { ...decision, leak: { ...decision.leak, verdict: 'inconclusive', reason: watched.undecided } },
  }
}

/** Floors with the requests that the server counted itself or, where it cannot, those that the load counted. */
function nodeFloors({ records, live }: Watched): { floors: MemoryFloor[]; hindrance?: string } {
  const joined = joinFloors(records)
  const byServer = joined.floors.some((floor) => floor.requests !== undefined)
  const ticks = live.ticks()
  const countOf = (floor: MemoryFloor) => (byServer ? (floor.requests ?? 0) : countAt(ticks, floor.timestamp))
  return {
    ...joined,
    floors: joined.floors.map((floor) => {
      const requests = countOf(floor)
      return requests === undefined ? floor : { ...floor, requests }
    }),
  }
}

function residentFloors(
  samples: readonly LiveSample[],
  { warmupSamples, live }: Watched,
): ReturnType<typeof joinFloors> {
  const kept = samples.slice(Math.min(warmupSamples, samples.length - 1))
  const size = Math.max(1, kept.length / RESIDENT_BLOCKS)
  const floors: MemoryFloor[] = []
  for (let start = 0; Math.round(start) < kept.length; start += size) {
    const block = kept.slice(Math.round(start), Math.round(start + size))
    const lowest = block.reduce<LiveSample | undefined>(
      (low, row) => (low && low.rss <= row.rss ? low : row),
      undefined,
    )
    if (!lowest) continue
    const requests = countAt(live.ticks(), lowest.timestamp)
    floors.push({ timestamp: lowest.timestamp, ...(requests !== undefined && { requests }), bytes: lowest.rss })
  }
  return { floors }
}

function withDiagnosis(leak: LeakVerdict, { profile, constructors }: Diagnosed = {}): LeakVerdict {
  return { ...withSuspects(leak, profile), ...(constructors?.length && { constructors }) }
}

function withSuspects(leak: LeakVerdict, profile: AllocationProfile | undefined): LeakVerdict {
  if (!profile || profile.sites.length === 0) return leak
  const suspects = new Map<string, MemorySuspect>()
  for (const site of profile.sites) {
    const key = `${site.function} ${site.location}`
    const bytes = (suspects.get(key)?.bytes ?? 0) + site.bytes
    suspects.set(key, { ...site, bytes, share: profile.total > 0 ? bytes / profile.total : 0 })
  }
  const ranked = [...suspects.values()].sort((a, b) => b.bytes - a.bytes)
  return { ...leak, suspects: ranked.slice(0, 10) }
}
