import { availableParallelism } from 'node:os'
import type { Clock } from '../../lifecycle/clock.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { countProcesses } from '../plan/share.ts'
import type { LoadEngine } from './load-engine.ts'
import type { LoadProcesses } from './load-processes.ts'
import { severalProcesses } from './several-processes.ts'

/** What generates the loads of a worker. */
export interface LoadWorker {
  readonly clock: Clock
  readonly processes: LoadProcesses
}

/** Returns who generates a load. */
export async function chooseEngine(plan: LoadPlan, { clock, processes }: LoadWorker): Promise<LoadEngine> {
  if (typeof plan.engine === 'object') {
    // Imported by the first load over workers: others must not pay for it.
    const { locustEngine } = await import('./locust-engine.ts')
    return locustEngine(plan.engine, clock)
  }
  const count = countProcesses(plan, availableParallelism())
  if (count === 1) return processes.engine()
  return severalProcesses(
    Array.from({ length: count }, (_, slot) => processes.engine(slot)),
    clock,
  )
}
