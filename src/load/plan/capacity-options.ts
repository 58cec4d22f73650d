import type { OptionIssue } from '../../errors.ts'
import { isRecord, optionIssue, unknownOption } from '../../option-issues.ts'
import { milliseconds, type Duration } from '../../units.ts'
import { findLoadOptionIssues } from './load-option-issues.ts'
import { loadOptionNames } from './load-option-schema.ts'
import type { LoadOptions } from './load-options.ts'

/** Options of `findCapacity`: a load without its rate and its length, and where to look. */
export interface CapacityOptions extends Omit<
  LoadOptions,
  'rate' | 'stages' | 'amount' | 'duration' | 'warmup' | 'abortOnFail' | 'pipelining' | 'profile' | 'progressInterval'
> {
  /** What must hold at a rate, such as `{ 'latency.p99': '<100', errorRate: '<0.001' }`. */
  thresholds: NonNullable<LoadOptions['thresholds']>
  /** Arrivals per second of the first step: one that the server surely keeps up with. */
  from: number
  /** The highest rate to try. Default: as high as it holds. */
  to?: number
  /** Relative width of the interval at which the search ends: a share such as `'5%'` (default) or 0.05. */
  precision?: string | number
  /** The most that the whole search may take. Default 60 000 ms, at least 10 000. */
  duration?: Duration
}

export const CAPACITY_DEFAULTS = { precision: 0.05, duration: 60_000, connections: 100, virtualUsers: 100 } as const

const LEAST_DURATION = 10_000
const HIGHEST_RATE = 1_000_000
const OWN = ['from', 'to', 'precision', 'duration']
const RATE = `a positive number of arrivals per second, up to ${HIGHEST_RATE}`
const DECIDED = 'left out: the search decides it'
const OF_SEARCH = ['rate', 'stages', 'amount', 'warmup', 'abortOnFail', 'pipelining', 'profile', 'progressInterval']

export function parsePrecision(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  const match = typeof value === 'string' ? /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(value) : null
  return match ? Number(match[1]) / 100 : undefined
}

function isRate(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= HIGHEST_RATE
}

/** Every mistake in options of `findCapacity`. */
export function findCapacityOptionIssues(input: unknown, rule: { absoluteUrl: boolean }): OptionIssue[] {
  if (!isRecord(input)) return [optionIssue('options', 'an object', input)]
  const { from, to, precision, duration } = input
  const issues: OptionIssue[] = []
  for (const name of OF_SEARCH) {
    if (input[name] !== undefined) issues.push(optionIssue(name, DECIDED, input[name]))
  }
  if (!isRate(from)) issues.push(optionIssue('from', RATE, from))
  if (to !== undefined && !isRate(to)) issues.push(optionIssue('to', RATE, to))
  if (isRate(from) && isRate(to) && to < from) issues.push(optionIssue('to', 'at least `from`', to))
  const share = precision === undefined ? CAPACITY_DEFAULTS.precision : parsePrecision(precision)
  if (share === undefined || !(share >= 0.01 && share <= 1)) {
    issues.push(optionIssue('precision', "a share of 1 % to 100 %, such as '5%'", precision))
  }
  const time = duration === undefined ? CAPACITY_DEFAULTS.duration : milliseconds(duration as Duration)
  if (!(time >= LEAST_DURATION && Number.isFinite(time))) {
    issues.push(
      optionIssue(
        'duration',
        `a number of milliseconds or a text such as '60s', at least ${LEAST_DURATION} ms`,
        duration,
      ),
    )
  }
  if (input.thresholds === undefined) {
    issues.push(
      optionIssue('thresholds', "an object such as { 'latency.p99': '<100' }: without one every rate holds", undefined),
    )
  }
  const given = Object.entries(input).filter(([name]) => !OWN.includes(name) && !OF_SEARCH.includes(name))
  const ofLoad = loadOptionNames.filter((name) => !OWN.includes(name) && !OF_SEARCH.includes(name))
  const foreign = given.filter(([name]) => !ofLoad.includes(name))
  const load = Object.fromEntries(given.filter(([name]) => ofLoad.includes(name)))
  return [
    ...issues,
    ...foreign.map(([name, value]) => unknownOption(name, [...OWN, ...ofLoad], value)),
    ...findLoadOptionIssues(load, '', rule),
  ]
}
