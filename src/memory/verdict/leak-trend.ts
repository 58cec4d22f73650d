import { largestFall, typicalSlope } from './growth-shape.ts'
import type { MemoryFloor, MemoryMetric } from '../../results/memory-result.ts'
import { testSteps } from './steps.ts'
import { mannKendall, theilSen, type Point, type Slope } from './trend.ts'

/** What the floors of a watch say about growth, in numbers. */
export interface Trend {
  /** Mann-Kendall's p-value: whether it rises steadily. */
  readonly pValue: number
  /** p-value of the steps: whether it rises by more than it wanders. And Student's t of the mean step. */
  readonly pOfSteps: number
  readonly tOfSteps: number
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
  /** Lower end of the interval of the last half's slope. */
  readonly halfLowest: number
  /** Typical slope between neighbours divided by that of the whole. */
  readonly typical: number
  readonly fall: number
  /** Requests a second in the last third divided by those in the first. */
  readonly rateRise: number
  readonly seconds: number
  readonly requests: number | undefined
}

/** The floors that count: the first quarter is still warm-up. */
export function settled(floors: readonly MemoryFloor[]): readonly MemoryFloor[] {
  return floors.slice(Math.floor(floors.length / 4))
}

export function findTrend(floors: readonly MemoryFloor[]): Trend {
  const kept = settled(floors)
  const slopeOf = (part: readonly MemoryFloor[], point: (floor: MemoryFloor) => Point): Slope =>
    theilSen(...segments(part).map((segment) => segment.map(point)))
  const seconds = ((floors.at(-1)?.timestamp ?? 0) - (floors[0]?.timestamp ?? 0)) / 1_000
  const counted = countedRequests(floors)
  const byTime = (floor: MemoryFloor): Point => [floor.timestamp / 1_000, floor.bytes]
  const byRequest = (floor: MemoryFloor): Point => [floor.requests ?? 0, floor.bytes]
  const perSecond = slopeOf(kept, byTime)
  const perRequest = counted === undefined ? undefined : slopeOf(kept, byRequest)
  const whole = perRequest ?? perSecond
  const point = perRequest ? byRequest : byTime
  const slopeOfLast = (count: number) => slopeOf(kept.slice(-count), point)
  const early = slopeOf(kept.slice(0, Math.ceil(kept.length / 2)), point).slope
  const values = segments(kept).map((segment) => segment.map(({ bytes }) => bytes))
  const half = slopeOfLast(Math.ceil(kept.length / 2))
  const third = slopeOfLast(Math.max(3, Math.ceil(kept.length / 3)))
  const span = counted ?? seconds
  const steps = testSteps(...segments(kept).map((segment) => segment.map(point)))
  return {
    pValue: mannKendall(...values).pValue,
    pOfSteps: steps.pValue,
    tOfSteps: steps.t,
    perSecond,
    perRequest,
    bytes: whole.slope * span,
    lowest: whole.interval[0] * span,
    early: early / whole.slope,
    half: half.slope / whole.slope,
    third: third.slope / whole.slope,
    halfLowest: half.interval[0],
    typical: typicalSlope(...segments(kept).map((segment) => segment.map(point))) / whole.slope,
    fall: Math.max(0, ...values.map(largestFall)),
    rateRise: counted === undefined ? 1 : rateRise(kept),
    seconds,
    requests: counted,
  }
}

/**
 * Splits floors into those that can be compared. A heap snapshot between two floors makes a step that is not the
 * target's.
 */
function segments(floors: readonly MemoryFloor[]): MemoryFloor[][] {
  const parts: MemoryFloor[][] = []
  for (const [index, floor] of floors.entries()) {
    if (index === 0 || floor.segment !== floors[index - 1]?.segment) parts.push([])
    parts.at(-1)?.push(floor)
  }
  return parts
}

/** Bytes from the first floor to the last, without the steps between segments. */
export function measuredGrowth(floors: readonly MemoryFloor[]): number {
  return segments(floors).reduce((sum, part) => sum + (part.at(-1)?.bytes ?? 0) - (part[0]?.bytes ?? 0), 0)
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

/** The part of memory that grew the most. */
export function fastestPart(floors: readonly MemoryFloor[]): MemoryMetric {
  const kept = settled(floors)
  const slopeOf = (part: (floor: MemoryFloor) => number) =>
    theilSen(...segments(kept).map((segment) => segment.map((floor): Point => [floor.timestamp, part(floor)]))).slope
  const buffers = slopeOf((floor) => floor.arrayBuffers ?? 0)
  const external = slopeOf((floor) => (floor.external ?? 0) - (floor.arrayBuffers ?? 0))
  const heap = slopeOf((floor) => floor.heapData ?? 0)
  if (buffers > heap && buffers > external) return 'arrayBuffers'
  return external > heap ? 'external' : 'heapUsed'
}
