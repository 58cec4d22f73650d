import { randomUUID } from 'node:crypto'
import type { TurnsEnd, TurnSide, TurnsPlan } from '../load/plan/turns-plan.ts'
import type { TurnsReportMessage } from '../load/messages.ts'
import { onAbort } from '../lifecycle/abort.ts'
import { swallow } from '../lifecycle/debug.ts'
import { openLoadProcess } from '../load/spec/shared-load-processes.ts'
import { clearTimeout, setTimeout } from '../lifecycle/real-timers.ts'

/** Milliseconds that the load process has to answer an abort. */
const ABORT_GRACE = 150

/** CPU milliseconds of each server so far; `undefined` where that is not known. */
export type AskCpu = () => Promise<Record<TurnSide, number> | undefined>

/**
 * Runs a block of turns in the load process, which asks for the CPU of the servers where it cannot read it. Resolves with how it ended; an abort ends it with 'aborted', within `ABORT_GRACE`.
 *
 * @throws {LoadError} when the load process is lost.
 */
export function runTurnBlock(plan: TurnsPlan, signal: AbortSignal, askCpu: AskCpu): Promise<TurnsEnd> {
  if (signal.aborted) return Promise.resolve({ outcome: 'aborted' })
  return new Promise((resolve, reject) => {
    const id = randomUUID()
    let grace: NodeJS.Timeout | undefined
    const settle = (act: () => void) => {
      clearTimeout(grace)
      unlisten()
      line.close()
      act()
    }
    const line = openLoadProcess({
      onMessage(message) {
        const report = message as unknown as TurnsReportMessage
        if (report.id !== id) return
        if (report.type === 'turns-end') settle(() => resolve(report.end))
        if (report.type === 'turns-ask-cpu') {
          void askCpu()
            .catch(swallow('CPU of the servers'))
            .then((cpu) => line.send({ type: 'turns-cpu', id, cpu }))
        }
      },
      onLost: (error) => settle(() => reject(error)),
    })
    const unlisten = onAbort(signal, () => {
      line.send({ type: 'abort', id })
      grace = setTimeout(() => {
        if (!line.isShared()) line.kill()
        settle(() => resolve({ outcome: 'aborted' }))
      }, ABORT_GRACE)
    })
    line.send({ type: 'turns', id, plan })
  })
}
