import { availableParallelism } from 'node:os'
import type { LoadPlan } from '../plan/load-plan.ts'
import { countProcesses } from '../plan/share.ts'
import type { LoadEngine } from './load-engine.ts'
import { oneProcess } from './load-process.ts'
import { severalProcesses } from './several-processes.ts'

/** Who generates a load. */
export function chooseEngine(plan: LoadPlan): LoadEngine {
  const processes = countProcesses(plan, availableParallelism())
  if (processes === 1) return oneProcess()
  return severalProcesses(Array.from({ length: processes }, (_, slot) => oneProcess(slot)))
}
