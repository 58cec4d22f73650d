import type { TestContext } from 'vitest'
import type { RunnerRecords, WatchRecords } from '../memory/runner-records.ts'
import { watchAssertions } from './assertion-records.ts'
import { SnapshotRecords } from './snapshot-records.ts'
import { SpyRecords } from './spy-records.ts'

/** What Vitest keeps of a test's code while that is measured. */
export function watchRunner(task: TestContext['task']): WatchRecords {
  return (of): RunnerRecords => {
    const assertions = watchAssertions(task)
    const snapshots = new SnapshotRecords(task.id)
    const spies = new SpyRecords()
    return {
      release() {
        assertions.release()
        snapshots.release({ keys: of === 'calls' })
        if (of === 'calls') spies.release()
      },
      giveBack() {
        if (of === 'calls') spies.giveBack()
      },
      keptCalls: () => (of === 'calls' ? 0 : spies.calls),
      end() {
        assertions.end()
        if (of === 'calls') spies.end()
      },
    }
  }
}
