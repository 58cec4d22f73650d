import type { OptionIssue } from '../../errors.ts'
import { timeLeft, type Lifetime } from '../../lifecycle/attempt.ts'
import { formatDuration, milliseconds } from '../../units.ts'
import { LOAD_DEFAULTS } from './load-defaults.ts'
import type { LoadOptions } from './load-options.ts'
import { ArrivalSchedule, type Segment } from './schedule.ts'

/** Milliseconds that a load must leave between its end and the end of its test. */
const MARGIN = 250
/** Milliseconds that an open model may need to open its connections and to wait for its last answers. */
const OPENING_AND_DRAIN = 2_000

export interface PlannedStage {
  readonly duration: number
  readonly connections?: number
  readonly rate?: number
  readonly virtualUsers?: number
}

/** When a load does what. */
export interface LoadTime {
  /** Milliseconds of the measured part; absent where `amount` alone ends it. */
  readonly duration?: number
  readonly amount?: number
  /** Connections over time. */
  readonly connections: readonly Segment[]
  /** Arrivals per second over time; absent in the closed model. */
  readonly rate?: readonly Segment[]
  readonly stages?: readonly PlannedStage[]
  readonly warmup?: { readonly duration: number; readonly connections: number }
}

/** Plans the time of a load. `environment` (ms) replaces `duration`, and scales `stages` to that length. */
export function planTime(options: LoadOptions, environment: number | undefined): LoadTime {
  const stages = options.stages ? scaleStages(options.stages, environment) : undefined
  const total = stages?.reduce((sum, stage) => sum + stage.duration, 0)
  const given = options.duration === undefined ? undefined : milliseconds(options.duration)
  const duration = total ?? environment ?? given ?? (options.amount === undefined ? LOAD_DEFAULTS.duration : undefined)
  const span = duration ?? Infinity
  const open = options.rate !== undefined || stages?.some((stage) => stage.rate !== undefined) === true
  const connections = options.connections ?? LOAD_DEFAULTS.connections
  const ramp = stages?.some((stage) => stage.connections !== undefined)
  const first = ramp ? (options.connections ?? (open ? connections : 1)) : connections
  const steady = (value: number): Segment[] => [{ duration: span, from: value, to: value }]
  const rate = stages ? segments(stages, 'rate', options.rate ?? 0) : steady(options.rate ?? 0)
  return {
    ...(duration === undefined ? {} : { duration }),
    ...(options.amount === undefined ? {} : { amount: options.amount }),
    connections: stages ? segments(stages, 'connections', first) : steady(connections),
    ...(open ? { rate } : {}),
    ...(stages ? { stages } : {}),
    ...(options.warmup
      ? {
          warmup: { duration: milliseconds(options.warmup.duration), connections: options.warmup.connections ?? first },
        }
      : {}),
  }
}

/** Virtual users over time. As with connections, a ramp starts with one user unless the options say with how many. */
export function planVirtualUsers(options: LoadOptions, { stages, rate }: LoadTime): Segment[] {
  const ramps = stages?.some(({ virtualUsers }) => virtualUsers !== undefined) === true
  const first = options.virtualUsers ?? (ramps && !rate ? 1 : LOAD_DEFAULTS.virtualUsers)
  return stages ? segments(stages, 'virtualUsers', first) : [{ duration: Infinity, from: first, to: first }]
}

function scaleStages(stages: NonNullable<LoadOptions['stages']>, total: number | undefined): PlannedStage[] {
  const planned = stages.map((stage) => ({ ...stage, duration: milliseconds(stage.duration) }))
  const factor = total === undefined ? 1 : total / planned.reduce((sum, stage) => sum + stage.duration, 0)
  return planned.map((stage) => ({ ...stage, duration: stage.duration * factor }))
}

function segments(
  stages: readonly PlannedStage[],
  of: 'connections' | 'rate' | 'virtualUsers',
  start: number,
): Segment[] {
  let from = start
  return stages.map((stage) => {
    const to = stage[of] ?? from
    const segment = { duration: stage.duration, from, to }
    from = to
    return segment
  })
}

/**
 * Returns the least milliseconds that a load takes. With `amount` and a rate it ends with the last arrival at the
 * earliest. With `amount` in the closed model the time is unknown, and 0 is returned.
 */
function leastDuration({ duration = Infinity, amount, rate }: LoadTime): number {
  if (amount === undefined) return duration
  return rate ? Math.min(duration, new ArrivalSchedule(rate).dueAt(amount - 1)) : 0
}

function neededTime(time: LoadTime): number {
  return leastDuration(time) + (time.warmup?.duration ?? 0) + MARGIN
}

/** Milliseconds that the test has beyond those that the load needs. */
export function spareTime(time: LoadTime, lifetime: Lifetime): number {
  return timeLeft(lifetime) - neededTime(time)
}

/** Returns a mistake if the load cannot end before its test. Its message names the timeout to set. */
export function findTimeIssues(time: LoadTime, lifetime: Lifetime): OptionIssue[] {
  const left = timeLeft(lifetime)
  const least = leastDuration(time)
  const needed = neededTime(time)
  if (needed <= left) return []
  const whole = (lifetime.timeout ?? left) + needed - left + (time.rate ? OPENING_AND_DRAIN : 0)
  const suggested = Math.ceil(whole / 1_000) * 1_000
  const option = time.amount === undefined ? 'duration' : 'amount'
  return [
    {
      option,
      expected: `at most ${Math.max(0, Math.floor(left - needed + least))} ms`,
      received: least,
      message:
        `The load takes ${formatDuration(needed - MARGIN)}${time.warmup ? ' with its warm-up' : ''}, but its test has ${formatDuration(Math.max(0, left))} left` +
        `${lifetime.timeout === undefined ? '' : ` of its ${formatDuration(lifetime.timeout)}`}; ` +
        `give the test a timeout of at least ${suggested} ms: test(name, { timeout: ${suggested} }, fn), or the load ${option === 'amount' ? 'a smaller' : 'a shorter'} \`${option}\``,
    },
  ]
}
