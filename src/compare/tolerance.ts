import type { OptionIssue } from '../errors.ts'
import { isRecord, optionIssue, unknownOption } from '../option-issues.ts'
import { COMPARED_METRICS, type ComparedMetricName } from '../results/comparison.ts'

// Without the schema library: the matchers, which every spec loads, read tolerances too.

/** A share, such as `'5%'` or 0.05. */
export type CompareTolerance = Partial<Record<ComparedMetricName, string | number>>

/** Tolerances as numbers. */
export type Tolerances = Readonly<Partial<Record<ComparedMetricName, number>>>

const LEAST_TOLERANCE = 0.02
/** Numbers above 1 are percentages that were meant for shares: 5 would hold whatever became five times slower. */
const MOST_AS_NUMBER = 1
const MOST_TOLERANCE = 10
/** Block values of p99 scatter by 10 to 32 %: less cannot be decided in a sensible time. */
const LEAST_P99_TOLERANCE = 0.25

/** A tolerance as a number; `undefined` for what is none. */
export function parseTolerance(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return undefined
  const match = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(value)
  return match ? Number(match[1]) / 100 : undefined
}

/** Every mistake in tolerances. Also those of `toRegress`. */
export function findToleranceIssues(tolerance: unknown, option: string): OptionIssue[] {
  if (tolerance === undefined) return []
  if (!isRecord(tolerance)) return [optionIssue(option, "an object such as { cpuPerRequest: '5%' }", tolerance)]
  const entries = Object.entries(tolerance).filter(([, value]) => value !== undefined)
  if (entries.length === 0) return [optionIssue(option, 'an object with at least one metric to judge', tolerance)]
  return entries.flatMap(([name, value]) => {
    const at = `${option}.${name}`
    if (!COMPARED_METRICS.includes(name as ComparedMetricName)) return [unknownOption(at, COMPARED_METRICS, value)]
    const share = parseTolerance(value)
    const least = name === 'latency.p99' ? LEAST_P99_TOLERANCE : LEAST_TOLERANCE
    const why =
      name === 'latency.p99'
        ? 'a smaller difference of p99 cannot be decided in minutes'
        : 'alternating turns are off by up to 1.1 % themselves'
    const most = typeof value === 'number' ? MOST_AS_NUMBER : MOST_TOLERANCE
    if (share !== undefined && share >= least && share <= most) return []
    const example = least < 0.05 ? 5 : 25
    const tooMuch = `a share such as '${example}%' or ${example / 100}, at most '${MOST_TOLERANCE * 100}%' or ${MOST_AS_NUMBER}`
    const tooLittle = `a share of ${least * 100} % or more, such as '${example}%' (${why})`
    return [optionIssue(at, share !== undefined && share > most ? tooMuch : tooLittle, value)]
  })
}

/** Tolerances that were checked, as numbers. */
export function resolveTolerances(tolerance: CompareTolerance): Tolerances {
  return Object.fromEntries(
    Object.entries(tolerance).flatMap(([name, value]) => {
      const share = parseTolerance(value)
      return share === undefined ? [] : [[name, share]]
    }),
  )
}
