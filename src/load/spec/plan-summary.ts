import { URL } from 'node:url'
import { loadName, type LoadPlanSummary } from '../../results/load-plan-summary.ts'
import type { LoadPlan } from '../plan/load-plan.ts'

/** What a report shows of a plan. */
export function summarizePlan(plan: LoadPlan): LoadPlanSummary {
  const { url, connections, rate, duration, amount, pipelining, requests, scenario } = plan
  const peak = (segments: LoadPlan['connections']) => Math.max(...segments.flatMap(({ from, to }) => [from, to]))
  const [first] = requests
  return {
    ...(first ? { method: first.method, url: new URL(first.path, url).href } : { url }),
    ...(requests.length > 1 ? { requests: requests.length } : {}),
    ...(scenario
      ? { scenario: scenario.name, mix: weightsOf(scenario.mix), virtualUsers: peak(scenario.virtualUsers) }
      : { connections: peak(connections) }),
    ...(rate ? { rate: peak(rate) } : {}),
    ...(duration === undefined ? {} : { duration }),
    ...(amount === undefined ? {} : { amount }),
    ...(pipelining === 1 ? {} : { pipelining }),
  }
}

/** The weights of a mix; none of the default export alone, whose name says nothing. */
function weightsOf(mix: readonly (readonly [name: string, weight: number])[]): Record<string, number> {
  return mix.length === 1 && mix[0]?.[0] === 'default' ? {} : Object.fromEntries(mix)
}

/** The title of a load, or the name that it has in every report. */
export function titleOf(plan: LoadPlan): string {
  return plan.title ?? loadName(summarizePlan(plan))
}
