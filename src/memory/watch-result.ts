import { formatBytes } from '../units.ts'
import type { HeapRecord } from './verdict/heap-record.ts'
import { countAt, joinFloors, type JoinedFloors } from './verdict/joined-floors.ts'
import { decideLeak, RSS_MINIMUM_GROWTH, type LeakDecision } from './verdict/leak-rule.ts'
import type {
  ForcedCollections,
  LeakVerdict,
  MemoryFloor,
  MemoryResult,
  MemorySuspect,
  NodeMemorySnapshot,
  ProcessMemorySnapshot,
} from '../results/memory-result.ts'
import type { AllocationProfile } from '../probe/protocol.ts'
import type { Diagnosed } from './diagnosis.ts'
import type { LiveSample, LiveSamples } from './live-samples.ts'

/** A watch of `rss` alone is cut into so many blocks, and the lowest of each is its floor. */
const RESIDENT_BLOCKS = 24

/** All that one watch saw. */
export interface Watched {
  readonly kind: 'node' | 'process'
  readonly title: string | undefined
  /** Whether an 'inconclusive' verdict is to fail its test. */
  readonly strict: boolean
  readonly startedAt: number
  readonly duration: number
  readonly live: LiveSamples
  readonly records: readonly HeapRecord[]
  readonly warmupSamples: number
  /** Smallest growth that can be a leak. */
  readonly minimumGrowth: number
  readonly unit?: 'request' | 'call'
  /** Why there are few floors or none, where something stood in the way. */
  readonly hindrance?: string | undefined
  /** What of the target was not looked into. */
  readonly unseen?: string | undefined
  /** Processes of its tree that cannot be looked into, by pid and name. */
  readonly otherProcesses?: string | undefined
  /** Calls of spies that the test runner keeps until the test ends. */
  readonly keptCalls?: number | undefined
  /** Why there can be no verdict at all: the target is lost, or no collection was allowed. */
  readonly undecided?: string | undefined
  readonly collections?: ForcedCollections | undefined
  readonly diagnosed?: Diagnosed | undefined
  readonly aborted: boolean
}

/** The result of a watch that took at least one sample. */
export function memoryResult(watched: Watched): MemoryResult {
  const { live, title, strict, startedAt, duration, collections, aborted } = watched
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
    ...(collections && {
      collections: { ...collections, ...(collections.pauses && { pauses: [...collections.pauses] }) },
    }),
    ...(strict && { strict }),
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
  const joined = watched.kind === 'node' ? nodeFloors(watched) : residentFloors(samples, watched)
  const { floors } = joined
  const { leak, growth } = decideLeak({
    floors,
    minimumGrowth: watched.kind === 'node' ? watched.minimumGrowth : RSS_MINIMUM_GROWTH,
    ...(watched.unit && { unit: watched.unit }),
    hindrance: joined.hindrance ?? watched.hindrance,
    remedy: joined.remedy,
    resident: watched.kind === 'process',
  })
  const seen =
    watched.unseen === undefined ? leak : { ...leak, reason: `${leak.reason} Not watched: ${watched.unseen}.` }
  const undecided =
    watched.undecided ??
    { leak: keptByRunner(watched, growth.bytes), stable: servedElsewhere(watched), inconclusive: undefined }[
      leak.verdict
    ]
  if (undecided === undefined) return { floors, decision: { leak: seen, growth } }
  return { floors, decision: { leak: { ...leak, verdict: 'inconclusive', reason: undecided }, growth } }
}

/** A spy keeps 250 bytes of a call and, of unknown size, its arguments and its result. Growth above so many bytes a call is not the spy's alone. */
const KEPT_OF_A_CALL = 4_096

/** Growth that the records of spies may explain: the test may ask for those calls, so they cannot be let go. */
function keptByRunner({ keptCalls = 0 }: Watched, growth: number): string | undefined {
  if (keptCalls === 0 || growth / keptCalls > KEPT_OF_A_CALL) return undefined
  return (
    `Memory grew by ${formatBytes(growth)}, but Vitest's spies recorded ${keptCalls} calls meanwhile, and keep their arguments and results. ` +
    'Use a plain function instead of `vi.fn()` in what is watched, or call its `mockClear()` there.'
  )
}

/** Server and load count the same where they differ by no more than this. */
const SAME_COUNT = 0.1
/** Where the server has counted less than this share of the requests of a load, others have served them. */
const SERVED_HERE = 0.1
/** What Node's main thread is called, on its several versions. */
const NODE = /\((node|MainThread)\)/
/** Fewer requests a second are health checks, not what memory grows with. */
const WORTH_COUNTING = 2

/** Of the server's own count and the load's, which are of the same requests where they agree. */
function requestsOf({ records, live }: Watched): { byServer: number; byLoad: number } {
  const last = records.at(-1)
  return { byServer: last?.requests ?? 0, byLoad: (last && countAt(live.ticks(), last.timestamp)) ?? 0 }
}

/** What we look into has not served the requests: a process of its tree has, which took no probe along. */
function servedElsewhere(watched: Watched): string | undefined {
  const { byServer, byLoad } = requestsOf(watched)
  const { kind, unit, records, otherProcesses = '' } = watched
  if (kind !== 'node' || unit === 'call' || records.length === 0 || otherProcesses === '') return undefined
  // Without a load of ours nobody knows how many there were; where none came here another Node process is the likely server.
  const elsewhere = byLoad > 0 ? byServer < SERVED_HERE * byLoad : byServer === 0 && NODE.test(otherProcesses)
  if (!elsewhere) return undefined
  return (
    `The watched processes served ${byLoad > 0 ? `${byServer} of ${Math.round(byLoad)} requests` : 'no request'}. Beside them runs ${otherProcesses}, which has no memory probe: ` +
    "it was started with a `NODE_OPTIONS` or an environment of its own. Start it with its parent's environment, or watch its pid."
  )
}

/**
 * Returns the floors with the requests by then: the server's own count, which is exact, or the load's. They differ if a
 * gateway counts each request again, or other clients send requests. A few health checks do not count.
 */
function nodeFloors(watched: Watched): JoinedFloors {
  const { records, live } = watched
  const joined = joinFloors(records)
  const ticks = live.ticks()
  const { byServer, byLoad } = requestsOf(watched)
  const seconds = ((records.at(-1)?.timestamp ?? 0) - (records[0]?.timestamp ?? 0)) / 1_000
  const agree = Math.abs(byServer - byLoad) <= SAME_COUNT * byLoad
  const useServer = watched.unit === 'call' || (byLoad === 0 ? byServer >= WORTH_COUNTING * seconds : agree)
  const countOf = (floor: MemoryFloor) => {
    if (useServer) return floor.requests ?? 0
    return byLoad > 0 ? countAt(ticks, floor.timestamp) : undefined
  }
  const floors = joined.floors.map((floor) => withRequests(floor, countOf(floor)))
  return { ...joined, floors }
}

function withRequests(floor: MemoryFloor, requests: number | undefined): MemoryFloor {
  const counted = { ...floor }
  if (requests === undefined) delete counted.requests
  else counted.requests = requests
  return counted
}

function residentFloors(samples: readonly LiveSample[], { warmupSamples, live }: Watched): JoinedFloors {
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
