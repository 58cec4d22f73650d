import type { OptionIssue } from '../../errors.ts'
import { optionIssue } from '../../option-issues.ts'
import type { LoadPlan } from './load-plan.ts'
import type { Segment } from './schedule.ts'

/** The part of a load that one of several processes runs: of everything that is counted from 0, `first`, `first + step`, … */
export interface Share {
  readonly first: number
  readonly step: number
}

/** The share of a process that runs a load alone. */
export const WHOLE: Share = { first: 0, step: 1 }

/** How many of `total` things belong to a share. Over all shares these add up to `total`. */
export function shareOf(total: number, { first, step }: Share): number {
  return total === Infinity ? Infinity : Math.max(0, Math.ceil((total - first) / step))
}

/**
 * Returns the plans of so many processes, which together are `plan`. Each knows its share. None has thresholds, which
 * are judged on the whole. Connections, virtual users, arrivals and requests are shared out where they are counted, in
 * the load process.
 */
export function dividePlan(plan: LoadPlan, processes: number): LoadPlan[] {
  return Array.from({ length: processes }, (_, first) => {
    const share = { first, step: processes }
    const { amount, scenario } = plan
    return {
      ...plan,
      share,
      thresholds: [],
      abortOnFail: false,
      ...(amount === undefined ? {} : { amount: shareOf(amount, share) }),
      ...(scenario === undefined ? {} : { scenario: { ...scenario, share } }),
    }
  })
}

function peakOf(segments: readonly Segment[]): number {
  return Math.round(Math.max(...segments.flatMap(({ from, to }) => [from, to])))
}

/** What every process needs one of: a connection, or a virtual user. */
export function widthOf(plan: LoadPlan): { option: string; count: number } {
  return plan.scenario
    ? { option: 'virtualUsers', count: peakOf(plan.scenario.virtualUsers) }
    : { option: 'connections', count: peakOf(plan.connections) }
}

/** How many processes run a load: not more than have something to send. `'auto'` leaves one of `cores` free. */
export function countProcesses(plan: LoadPlan, cores: number): number {
  const asked = plan.processes === 'auto' ? Math.max(1, cores - 1) : plan.processes
  return Math.min(asked, plan.amount ?? Infinity, plan.processes === 'auto' ? widthOf(plan).count : Infinity)
}

/** Returns the mistake of a load with fewer connections (or virtual users) than processes. */
export function findShareIssues(plan: LoadPlan): OptionIssue[] {
  const { option, count } = widthOf(plan)
  if (plan.processes === 'auto' || plan.processes <= count) return []
  return [optionIssue(option, `at least ${plan.processes}, one for each of the ${plan.processes} \`processes\``, count)]
}
