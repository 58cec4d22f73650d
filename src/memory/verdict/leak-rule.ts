import { formatBytes, formatCount, formatDuration, isMeasured } from '../../units.ts'
import { fastestPart, findTrend, measuredGrowth, settled, type Trend } from './leak-trend.ts'
import type { LeakVerdict, MemoryFloor } from '../../results/memory-result.ts'

/** What a sound server's floors may still drift by (up to 115 KB were seen): growth below it accuses nobody. */
export const SERVER_MINIMUM_GROWTH = 160 * 1024
/** The same for calls of a function in this process, where less else happens. */
export const CALLS_MINIMUM_GROWTH = 64 * 1024
/** The same for `rss`, which rises with every lazily touched page. */
export const RSS_MINIMUM_GROWTH = 16 * 1024 * 1024

/** Fewer floors than this (after the first quarter is cut) decide nothing. */
export const MINIMUM_FLOORS = 6
/** Fewer than this accuse nobody: a cache that fills looks the same for so long. */
const FLOORS_TO_ACCUSE = 8
/** Fewer requests than this accuse nobody. */
const MINIMUM_REQUESTS = 1_000
const SIGNIFICANCE = 0.01
/** Memory as a whole, heap alone, external memory alone: who looks three times finds something by chance three times as often. */
const LOOKS = 3
/** Lower than for the trend, as removing spikes makes a random walk smoother: in simulations this accuses 1 of 100. */
const SIGNIFICANCE_OF_STEPS = 0.0075
/** Student's t of the mean step that is about enough; it grows with the root of the time. */
const ENOUGH_T = 3.5
/** A cache that has filled stops growing: the last half, and the last third, must still grow at this share of the whole. */
const STILL_GROWING = 0.4
/** What leaks comes with the requests: where it typically grows at less than this share, it grew in a few steps. */
const TYPICAL_SHARE = 0.25
/** What leaks does not go away again: a fall of half the growth, if it is no small one, is that of a cycle. */
const FALL_SHARE = 0.5
/**
 * What is held for a while (a session, a timeout) grows with the rate; a leak grows with the requests, at any rate.
 * Growth came from the rate if the rate rose by this factor, and the first half grew at less than `EARLY_SHARE` of the
 * whole.
 */
const RATE_RISE = 1.5
const EARLY_SHARE = 0.5
const FALL_MINIMUM = 192 * 1024
/** Fewer calls of a function, or seconds of `rss`, than this show nothing that is worth to be called stable. */
const FEWEST_CALLS = 100
const SHORTEST_RESIDENT = 3
/** From this share of the minimum on, steady growth is not called stable either. */
const SUSPICIOUS_SHARE = 0.5

const PART_NAMES = { heap: 'Heap', external: 'External memory' }

export interface LeakEvidence {
  /** After warm-up, ascending in time. */
  readonly floors: readonly MemoryFloor[]
  /** Growth that a sound target may show, in bytes. */
  readonly minimumGrowth: number
  /** What `requests` of a floor counts. */
  readonly unit?: 'request' | 'call'
  /** Where `bytes` is the resident set: can rise without a leak, so little of it decides nothing. */
  readonly resident?: boolean
  /** Where `bytes` is one part of memory only. */
  readonly part?: 'heap' | 'external'
  /** Why there are fewer floors than there could be, as a clause; and what would decide, where more load would not. */
  readonly hindrance?: string | undefined
  readonly remedy?: string | undefined
}

export interface LeakDecision {
  readonly leak: LeakVerdict
  readonly growth: { bytes: number; bytesPerSecond: number; interval: [low: number, high: number] }
}

/**
 * Decides whether memory leaks. A leak is growth after full collections that is
 * - steady (Mann-Kendall), larger than memory wanders (its steps), and surely above zero (Sen's interval),
 * - larger than the drift of sound programs,
 * - surely still going on in the last half.
 *
 * Heap and external memory are judged together, and each alone. Otherwise, what comes and goes in one (buffers of
 * answers under way) would hide what the other keeps.
 */
export function decideLeak(evidence: LeakEvidence): LeakDecision {
  const whole = decide(evidence)
  if (whole.leak.verdict === 'leak') return whole
  const parts = partsOf(evidence.floors).map((alone) => decide({ ...evidence, ...alone }))
  // What one part loses as surely as the other gains has only moved.
  const moved = parts.some(({ growth }) => growth.interval[1] < 0)
  const found = moved ? undefined : parts.find(({ leak }) => leak.verdict === 'leak')
  return found ? { ...whole, leak: found.leak } : whole
}

/** Heap and external memory as if there were nothing else; none where memory is not known by parts. */
function partsOf(floors: readonly MemoryFloor[]): Pick<LeakEvidence, 'part' | 'floors'>[] {
  if (floors.some(({ heapData, external }) => heapData === undefined || external === undefined)) return []
  return [
    {
      part: 'heap',
      floors: floors.map((floor) => ({ ...floor, bytes: floor.heapData ?? 0, external: 0, arrayBuffers: 0 })),
    },
    { part: 'external', floors: floors.map((floor) => ({ ...floor, bytes: floor.external ?? 0, heapData: 0 })) },
  ]
}

function decide(evidence: LeakEvidence): LeakDecision {
  const { floors, minimumGrowth } = evidence
  const trend = findTrend(floors)
  const growth = {
    bytes: measuredGrowth(floors),
    bytesPerSecond: trend.perSecond.slope,
    interval: trend.perSecond.interval,
  }
  const { verdict, reason } = judge(evidence, trend, minimumGrowth)
  const leak: LeakVerdict = {
    verdict,
    metric: evidence.resident ? 'rss' : fastestPart(floors),
    bytesPerSecond: trend.perSecond.slope,
    ...(trend.perRequest && { bytesPerRequest: trend.perRequest.slope, interval: trend.perRequest.interval }),
    pValue: pValueOf(trend),
    reason,
  }
  return { leak, growth }
}

/** It has to rise steadily, and by more than it wanders: the p-value of both is the larger one. */
function pValueOf({ pValue, pOfSteps }: Trend): number {
  return Math.min(1, Math.max(LOOKS * pValue, pOfSteps))
}

type Judgement = Pick<LeakVerdict, 'verdict' | 'reason'>

function judge(evidence: LeakEvidence, trend: Trend, minimumGrowth: number): Judgement {
  const tooFew = judgeCount(evidence, trend)
  if (tooFew) return tooFew
  const steady = trend.pValue * LOOKS < SIGNIFICANCE && trend.lowest > 0
  const large = trend.bytes >= minimumGrowth
  const text = describe(evidence, trend)
  if (steady && large && !(trend.half >= STILL_GROWING)) {
    return {
      verdict: 'stable',
      reason: `${text.what} grew at first (${text.rate}) but has levelled off, like a cache that is full.`,
    }
  }
  if (steady && large) {
    const uneven = judgeShape(trend, text)
    if (uneven) return uneven
    const few = judgeFew(evidence, trend, text)
    if (few) return few
    if (trend.requests !== undefined && trend.requests < MINIMUM_REQUESTS && evidence.unit !== 'call') {
      return {
        verdict: 'inconclusive',
        reason: `${text.what} grew by ${text.rate}, but over ${formatCount(trend.requests)} requests only; ${moreRequests(trend, MINIMUM_REQUESTS)} would decide.`,
      }
    }
    return {
      verdict: 'leak',
      reason: `${text.what} kept growing by ${text.rate}, ${formatBytes(trend.bytes)} over ${text.span}, and had not stopped at the end (${formatP(pValueOf(trend))}).`,
    }
  }
  if (steady && trend.bytes >= minimumGrowth * SUSPICIOUS_SHARE && trend.half >= STILL_GROWING) {
    return {
      verdict: 'inconclusive',
      reason: `${text.what} grew steadily by ${text.rate}, but only by ${formatBytes(trend.bytes)} in all, as programs without a leak may; ${moreGrowth(trend, minimumGrowth)} would decide.`,
    }
  }
  if (large && trend.pValue < 5 * SIGNIFICANCE && trend.half >= STILL_GROWING) {
    return {
      verdict: 'inconclusive',
      reason: `${text.what} seems to grow by ${text.rate}, but too unevenly to be sure (${formatP(trend.pValue)}); twice the load (${text.span} more) would decide.`,
    }
  }
  const verdict = isTooLittle(evidence, trend) ? 'inconclusive' : 'stable'
  const more = verdict === 'stable' ? '' : `; ten times as much would decide`
  return { verdict, reason: `${text.what} did not keep growing over ${text.span}; ${text.sensitivity}${more}.` }
}

/** Whether the watch was too short to exclude a leak. */
function isTooLittle({ unit, resident }: LeakEvidence, { requests = Infinity, seconds }: Trend): boolean {
  return (unit === 'call' && requests < FEWEST_CALLS) || (resident === true && seconds < SHORTEST_RESIDENT)
}

function judgeCount({ floors, hindrance, remedy, unit }: LeakEvidence, trend: Trend): Judgement | undefined {
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
    reason: `Only ${floors.length} of the ${needed} readings of memory that a verdict needs could be taken${why}; ${remedy ?? `${more} would decide`}.`,
  }
}

/** Growth that was looked at too few times to accuse. */
function judgeFew({ floors }: LeakEvidence, trend: Trend, text: ReturnType<typeof describe>): Judgement | undefined {
  if (settled(floors).length >= FLOORS_TO_ACCUSE) return undefined
  const needed = Math.ceil((FLOORS_TO_ACCUSE * 4) / 3)
  const more = formatDuration(((needed - floors.length) * trend.seconds * 1_000) / (floors.length - 1))
  const reason = `${text.what} grew by ${text.rate}, but was read after only ${floors.length} of the ${needed} collections that a verdict needs; about ${more} more under load would decide.`
  return { verdict: 'inconclusive', reason }
}

/** Judges growth that does not follow the requests, by its shape. */
function judgeShape(trend: Trend, text: ReturnType<typeof describe>): Judgement | undefined {
  const grew = `${text.what} grew by ${formatBytes(trend.bytes)}`
  const more = `twice the load (${text.span} more) would decide`
  if (!(trend.typical >= TYPICAL_SHARE)) {
    const reason = `${grew}, but in a few steps, like code that is loaded late; ${more}.`
    return { verdict: 'inconclusive', reason }
  }
  if (!(trend.third >= STILL_GROWING)) {
    return {
      verdict: 'inconclusive',
      reason: `${grew}, but hardly at the end, like a cache that is nearly full; ${more}.`,
    }
  }
  if (!(trend.halfLowest > 0)) {
    const reason = `${grew}, but its last half is too uneven to say that it still grows; ${more}.`
    return { verdict: 'inconclusive', reason }
  }
  if (!(trend.pOfSteps < SIGNIFICANCE_OF_STEPS)) {
    const reason = `${grew}, but so unevenly from one collection to the next that it may be the normal ups and downs of the memory in use (${formatP(trend.pOfSteps)}); ${moreSteps(trend)} would decide.`
    return { verdict: 'inconclusive', reason }
  }
  if (trend.rateRise >= RATE_RISE && trend.early < EARLY_SHARE) {
    const times = trend.rateRise.toFixed(1)
    const reason = `${grew}, but so did the load (${times} times the rate at the end), and more requests at a time need more memory; a load at a constant rate would decide.`
    return { verdict: 'inconclusive', reason }
  }
  if (trend.fall > Math.max(FALL_SHARE * trend.bytes, FALL_MINIMUM)) {
    const reason = `${grew}, but also fell by ${formatBytes(trend.fall)} in between; ${more}.`
    return { verdict: 'inconclusive', reason }
  }
  return undefined
}

function describe({ minimumGrowth, unit = 'request', resident, part }: LeakEvidence, trend: Trend) {
  const { perRequest, perSecond, requests, seconds } = trend
  const { slope, interval } = perRequest ?? perSecond
  const per = perRequest ? unit : 'second'
  const span = perRequest ? `${formatCount(requests)} ${unit}s` : formatDuration(seconds * 1_000)
  // Too little to count, or too little to stand out from how the floors vary.
  const visible = Math.max(minimumGrowth / (requests ?? seconds), isMeasured(interval[1]) ? interval[1] : 0)
  return {
    what: resident ? 'Resident memory' : `${part ? PART_NAMES[part] : 'Memory'} left after full collections`,
    span,
    rate: `${formatBytes(slope)} per ${per} (${formatBytes(interval[0])} to ${formatBytes(interval[1])} with 99 % confidence)`,
    sensitivity: `a leak of less than ${formatBytes(visible)} per ${per} could not have been seen`,
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

/**
 * Estimates how much longer a watch must be until the mean step exceeds the spread of the steps, at the present growth.
 */
function moreSteps(trend: Trend): string {
  const factor = Math.min(9, Math.max(1.25, (ENOUGH_T / trend.tOfSteps) ** 2))
  if (trend.requests === undefined) return `about ${formatDuration((factor - 1) * trend.seconds * 1_000)} more`
  return `${moreRequests(trend, Math.ceil(trend.requests * factor))} requests`
}

function formatP(pValue: number): string {
  return pValue < 0.0001 ? 'p < 0.0001' : `p = ${pValue.toPrecision(2)}`
}

/** Whether a watch that still runs may end in a `leak`: reason enough to begin to look for who holds the memory. */
export function looksLikeLeak(floors: readonly MemoryFloor[]): boolean {
  if (settled(floors).length < MINIMUM_FLOORS - 2) return false
  return [floors, ...partsOf(floors).map((alone) => alone.floors)].some((series) => {
    const trend = findTrend(series)
    return trend.pValue < 5 * SIGNIFICANCE && trend.bytes >= CALLS_MINIMUM_GROWTH
  })
}
