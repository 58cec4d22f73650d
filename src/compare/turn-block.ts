import { randomUUID } from 'node:crypto'
import type { TurnsEnd, TurnsPlan } from '../load/plan/turns-plan.ts'
import type { TurnsReportMessage } from '../load/messages.ts'
import { openLoadProcess } from '../load/spec/shared-load-processes.ts'
import { clearTimeout, setTimeout } from '../lifecycle/real-timers.ts'

/** Milliseconds that the load process has to answer an abort. */
const ABORT_GRACE = 150

/**
 * Runs a block of turns in the load process. Resolves with how it ended; an abort ends it with 'aborted', within `ABORT_GRACE`.
 *
 * @throws {LoadError} when the load process is lost.
 */
export function runTurnBlock(plan: TurnsPlan, signal: AbortSignal): Promise<TurnsEnd> {
  if (signal.aborted) return Promise.resolve({ outcome: 'aborted' })
  return new Promise((resolve, reject) => {
    const id = randomUUID()
    let grace: NodeJS.Timeout | undefined
    const settle = (act: () => void) => {
      clearTimeout(grace)
      signal.removeEventListener('abort', onAbort)
      line.close()
      act()
    }
    const line = openLoadProcess({
      onMessage(message) {
        const report = message as unknown as TurnsReportMessage
        if (report.type === 'turns-end' && report.id === id) settle(() => resolve(report.end))
      },
      onLost: (error) => settle(() => reject(error)),
    })
    const onAbort = () => {
      line.send({ type: 'abort', id })
      grace = setTimeout(() => {
        if (!line.isShared()) line.kill()
        settle(() => resolve({ outcome: 'aborted' }))
      }, ABORT_GRACE)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    line.send({ type: 'turns', id, plan })
  })
}
