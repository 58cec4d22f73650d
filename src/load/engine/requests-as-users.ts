import type { LoadPlan, PlannedRequest } from '../plan/load-plan.ts'
import type { PlannedScenario } from '../plan/scenario-plan.ts'
import { WHOLE } from '../plan/share.ts'
import type { ScenarioModule } from '../scenario/scenario-module.ts'
import type { ScenarioUser } from '../scenario/scenario-user.ts'

/** The scenario of a plan with `requests`: each connection is a user that sends one request an iteration. */
export function usersOf(plan: LoadPlan): PlannedScenario {
  return {
    name: plan.url,
    file: '',
    root: '',
    code: '',
    mix: [],
    data: undefined,
    seed: 0,
    headers: {},
    virtualUsers: plan.connections,
    share: plan.share ?? WHOLE,
  }
}

/** What those users do. */
export function requestsModule({ requests, order, share = WHOLE }: LoadPlan): ScenarioModule {
  let next = share.first
  const send = (user: ScenarioUser) => {
    const index = order === 'shared' ? next : user.iteration
    next += share.step
    return user.sendPlanned(requests[index % requests.length] as PlannedRequest)
  }
  return {
    start: ((user: ScenarioUser) => user.connect()) as never,
    stop: undefined,
    functions: new Map([['send', send as never]]),
    mix: [['send', 1]],
    url: '',
  }
}
