import { formatBytes, formatCount, formatDuration } from '../units.ts'
import { largestFall, typicalSlope } from './growth-shape.ts'
import type { LeakVerdict, MemoryFloor, MemoryMetric } from './memory-result.ts'
import { mannKendall, theilSen, type Point, type Slope } from './trend.ts'

/** What a sound server's floors may still drift by: growth below it accuses nobody. Half a V8 page. */
export const SERVER_MINIMUM_GROWTH = 128 * 1024
/** The same for calls of a function in this process, where less else happens. */
export const CALLS_MINIMUM_GROWTH = 64 * 1024
/** The same for `rss`, which rises with every lazily touched page. */
export const RSS_MINIMUM_GROWTH = 16 * 1024 * 1024

/** Fewer floors than this (after the first quarter is cut) decide nothing. */
export const MINIMUM_FLOORS = 6
/** Fewer requests than this accuse nobody. */
const MINIMUM_REQUESTS = 1_000
const SIGNIFICANCE = 0.01
/** A cache that has filled stops growing: the last half, and the last third, must still grow at this share of the whole. */
const STILL_GROWING = 0.4
/** What leaks comes with the requests: where it typically grows at less than this share, it grew in a few steps. */
const TYPICAL_SHARE = 0.25
/** What leaks does not go away again: a fall of half the growth, if it is no small one, is that of a cycle. */
const FALL_SHARE = 0.5
/**
 * What is held for a while (a session, a timeout) grows with the rate, and a leak with the requests, at any rate: where the
 * rate rose so much and the first half grew at less than this share of the whole, it was the rate.
 */
const RATE_RISE = 1.5
const EARLY_SHARE = 0.5
const FALL_MINIMUM = 192 * 1024
/** From this share of the minimum on, steady growth is not called stable either. */
const SUSPICIOUS_SHARE = 0.5

export interface LeakEvidence {
  /** After warm-up, ascending in time. */
  readonly floors: readonly MemoryFloor[]
  /** Growth that a sound target may show, in bytes. */
  readonly minimumGrowth: number
  /** What `requests` of a floor counts. */
  readonly unit?: 'request' | 'call'
  /** Where `bytes` is the resident set: can rise without a leak, so little of it decides nothing. */
  readonly resident?: boolean
  /** Why there are fewer floors than there could be, as a clause. */
  readonly hindrance?: string
}

export interface LeakDecision {
  readonly leak: LeakVerdict
  readonly growth: { bytes: number; bytesPerSecond: number; interval: [low: number, high: number] }
}

interface Trend {
  readonly pValue: number
  /** Bytes per second, and per request where requests were counted. */
  readonly perSecond: Slope
  readonly perRequest: Slope | undefined
  /** Growth over all floors at the trend's slope, and at the lower end of its interval. */
  readonly bytes: number
  readonly lowest: number
  /** Slopes of the first half, the last half and the last third, divided by that of the whole. */
  readonly early: number
  readonly half: number
  readonly third: number
  /** Typical slope between neighbours divided by that of the whole. */
  readonly typical: number
  readonly fall: number
  /** Requests a second in the last third divided by those in the first. */
  readonly rateRise: number
  readonly seconds: number
  readonly requests: number | undefined
}

/**
 * Whether memory leaks: a leak is growth that is left after full collections, steady (Mann-Kendall), surely above zero (Sen's
 * interval), larger than the drift of sound programs, and still going on at the end.
 */
export function decideLeak(evidence: LeakEvidence): LeakDecision {
  const { floors, minimumGrowth } = evidence
  const trend = findTrend(floors)
  const growth = {
    bytes: (floors.at(-1)?.bytes ?? 0) - (floors[0]?.bytes ?? 0),
    bytesPerSecond: trend.perSecond.slope,
    interval: trend.perSecond.interval,
  }
  const { verdict, reason } = judge(evidence, trend, minimumGrowth)
  const leak: LeakVerdict = {
    verdict,
    metric: evidence.resident ? 'rss' : fastestPart(floors),
    bytesPerSecond: trend.perSecond.slope,
    ...(trend.perRequest && { bytesPerRequest: trend.perRequest.slope, interval: trend.perRequest.interval }),
    pValue: trend.pValue,
    reason,
  }
  return { leak, growth }
}

/** The floors that count: the first quarter is still warm-up. */
function settled(floors: readonly MemoryFloor[]): readonly MemoryFloor[] {
  return floors.slice(Math.floor(floors.length / 4))
}

function findTrend(floors: readonly MemoryFloor[]): Trend {
  const kept = settled(floors)
  const seconds = ((floors.at(-1)?.timestamp ?? 0) - (floors[0]?.timestamp ?? 0)) / 1_000
  const counted = countedRequests(floors)
  const byTime = (floor: MemoryFloor): Point => [floor.timestamp / 1_000, floor.bytes]
  const byRequest = (floor: MemoryFloor): Point => [floor.requests ?? 0, floor.bytes]
  const perSecond = theilSen(kept.map(byTime))
  const perRequest = counted === undefined ? undefined : theilSen(kept.map(byRequest))
  const whole = perRequest ?? perSecond
  const slopeOfLast = (count: number) => theilSen(kept.slice(-count).map(perRequest ? byRequest : byTime)).slope
  const early = theilSen(kept.slice(0, Math.ceil(kept.length / 2)).map(perRequest ? byRequest : byTime)).slope
  const half = slopeOfLast(Math.ceil(kept.length / 2))
  const third = slopeOfLast(Math.max(3, Math.ceil(kept.length / 3)))
  const span = counted ?? seconds
  return {
    pValue: mannKendall(kept.map((floor) => floor.bytes)).pValue,
    perSecond,
    perRequest,
    bytes: whole.slope * span,
    lowest: whole.interval[0] * span,
    early: early / whole.slope,
    half: half / whole.slope,
    third: third / whole.slope,
    typical: typicalSlope(kept.map(perRequest ? byRequest : byTime)) / whole.slope,
    fall: largestFall(kept.map((floor) => floor.bytes)),
    rateRise: counted === undefined ? 1 : rateRise(kept),
    seconds,
    requests: counted,
  }
}

/** Requests between the first floor and the last; `undefined` where nobody counted. */
function countedRequests(floors: readonly MemoryFloor[]): number | undefined {
  if (floors.some((floor) => floor.requests === undefined)) return undefined
  const counted = (floors.at(-1)?.requests ?? 0) - (floors[0]?.requests ?? 0)
  return counted > 0 ? counted : undefined
}

function rateRise(floors: readonly MemoryFloor[]): number {
  const third = Math.max(1, Math.floor(floors.length / 3))
  const rate = (part: readonly MemoryFloor[]) => {
    const [first, last] = [part[0], part.at(-1)]
    return ((last?.requests ?? 0) - (first?.requests ?? 0)) / ((last?.timestamp ?? 0) - (first?.timestamp ?? 0))
  }
  return rate(floors.slice(-third - 1)) / rate(floors.slice(0, third + 1))
}

type Judgement = Pick<LeakVerdict, 'verdict' | 'reason'>

function judge(evidence: LeakEvidence, trend: Trend, minimumGrowth: number): Judgement {
  const tooFew = judgeCount(evidence, trend)
  if (tooFew) return tooFew
  const steady = trend.pValue < SIGNIFICANCE && trend.lowest > 0
  const large = trend.bytes >= minimumGrowth
  const text = describe(evidence, trend)
  if (steady && large && !(trend.half >= STILL_GROWING)) {
    return {
      verdict: 'stable',
      reason: `${text.what} grew at first (${text.rate}) but has levelled off, as a cache does that fills to its bound.`,
    }
  }
  if (steady && large) {
    const uneven = judgeShape(trend, text)
    if (uneven) return uneven
    if (trend.requests !== undefined && trend.requests < MINIMUM_REQUESTS && evidence.unit !== 'call') {
      return {
        verdict: 'inconclusive',
        reason: `${text.what} grew by ${text.rate}, but over ${formatCount(trend.requests)} requests only; ${moreRequests(trend, MINIMUM_REQUESTS)} would decide.`,
      }
    }
    return {
      verdict: 'leak',
      reason: `${text.what} kept growing by ${text.rate}, ${formatBytes(trend.bytes)} over ${text.span}, and had not stopped at the end (${formatP(trend.pValue)}).`,
    }
  }
  if (steady && trend.bytes >= minimumGrowth * SUSPICIOUS_SHARE && trend.half >= STILL_GROWING) {
    return {
      verdict: 'inconclusive',
      reason: `${text.what} grew steadily by ${text.rate}, but ${formatBytes(trend.bytes)} in all is what sound programs drift by as well; ${moreGrowth(trend, minimumGrowth)} would decide.`,
    }
  }
  if (large && trend.pValue < 5 * SIGNIFICANCE && trend.half >= STILL_GROWING) {
    return {
      verdict: 'inconclusive',
      reason: `${text.what} seems to grow by ${text.rate}, but too unevenly to be sure (${formatP(trend.pValue)}); twice the load (${text.span} more) would decide.`,
    }
  }
  return { verdict: 'stable', reason: `${text.what} did not keep growing over ${text.span}; ${text.sensitivity}.` }
}

function judgeCount({ floors, hindrance, unit }: LeakEvidence, trend: Trend): Judgement | undefined {
  if (settled(floors).length >= MINIMUM_FLOORS) return undefined
  const needed = (MINIMUM_FLOORS * 4) / 3
  const why = hindrance ? ` (${hindrance})` : ''
  const each = floors.length > 1 ? trend.seconds / (floors.length - 1) : 0.25
  const more =
    unit === 'call'
      ? 'more iterations'
      : `about ${formatDuration((needed - floors.length) * each * 1_000)} more under load`
  return {
    verdict: 'inconclusive',
    reason: `Only ${floors.length} of at least ${needed} memory floors could be taken${why}; ${more} would decide.`,
  }
}

/** Growth that is none of requests, by its shape. */
function judgeShape(trend: Trend, text: ReturnType<typeof describe>): Judgement | undefined {
  const grew = `${text.what} grew by ${formatBytes(trend.bytes)}`
  const more = `twice the load (${text.span} more) would decide`
  if (!(trend.typical >= TYPICAL_SHARE)) {
    const reason = `${grew}, but in a few steps, as parts do that are loaded late; ${more}.`
    return { verdict: 'inconclusive', reason }
  }
  if (!(trend.third >= STILL_GROWING)) {
    return {
      verdict: 'inconclusive',
      reason: `${grew}, but hardly at the end, as a cache does that is nearly full; ${more}.`,
    }
  }
  if (trend.rateRise >= RATE_RISE && trend.early < EARLY_SHARE) {
    const times = trend.rateRise.toFixed(1)
    const reason = `${grew}, but so did the load (${times} times the rate at the end), and what is held for a while grows with it; a load at a constant rate would decide.`
    return { verdict: 'inconclusive', reason }
  }
  if (trend.fall > Math.max(FALL_SHARE * trend.bytes, FALL_MINIMUM)) {
    const reason = `${grew}, but also fell by ${formatBytes(trend.fall)} in between, as in a cycle; ${more}.`
    return { verdict: 'inconclusive', reason }
  }
  return undefined
}

function describe({ minimumGrowth, unit = 'request', resident }: LeakEvidence, trend: Trend) {
  const { perRequest, perSecond, requests, seconds } = trend
  const { slope, interval } = perRequest ?? perSecond
  const per = perRequest ? unit : 'second'
  const span = perRequest ? `${formatCount(requests)} ${unit}s` : formatDuration(seconds * 1_000)
  return {
    what: resident ? 'Resident memory' : 'Memory left after full collections',
    span,
    rate: `${formatBytes(slope)} per ${per} (${formatBytes(interval[0])} to ${formatBytes(interval[1])} with 99 % confidence)`,
    sensitivity: `a leak of less than ${formatBytes(minimumGrowth / (requests ?? seconds))} per ${per} could not have been seen`,
  }
}

function moreRequests(trend: Trend, wanted: number): string {
  const requests = trend.requests ?? 0
  const more = Math.max(0, wanted - requests)
  return `about ${formatCount(more)} more${trend.seconds > 0 && requests > 0 ? ` (${formatDuration((more * trend.seconds * 1_000) / requests)} at this rate)` : ''}`
}

/** How much longer until the growth stands out, with a tenth to spare. */
function moreGrowth(trend: Trend, wanted: number): string {
  const factor = (1.1 * wanted) / trend.bytes
  if (trend.requests === undefined) return `about ${formatDuration((factor - 1) * trend.seconds * 1_000)} more`
  return `${moreRequests(trend, Math.ceil(trend.requests * factor))} requests`
}

function formatP(pValue: number): string {
  return pValue < 0.0001 ? 'p < 0.0001' : `p = ${pValue.toPrecision(2)}`
}

/** The part of memory that grew the most. */
function fastestPart(floors: readonly MemoryFloor[]): MemoryMetric {
  const kept = settled(floors)
  const slopeOf = (part: (floor: MemoryFloor) => number) =>
    theilSen(kept.map((floor): Point => [floor.timestamp, part(floor)])).slope
  const buffers = slopeOf((floor) => floor.arrayBuffers ?? 0)
  const external = slopeOf((floor) => (floor.external ?? 0) - (floor.arrayBuffers ?? 0))
  const heap = slopeOf((floor) => floor.heapData ?? 0)
  if (buffers > heap && buffers > external) return 'arrayBuffers'
  return external > heap ? 'external' : 'heapUsed'
}

/** Whether a watch that still runs may end in a `leak`: reason enough to begin to look for who holds the memory. */
export function looksLikeLeak(floors: readonly MemoryFloor[]): boolean {
  if (settled(floors).length < MINIMUM_FLOORS - 2) return false
  const trend = findTrend(floors)
  return trend.pValue < 5 * SIGNIFICANCE && trend.bytes >= CALLS_MINIMUM_GROWTH
}
