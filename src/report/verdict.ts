import { formatRatio } from '../units.ts'
import { errorShare } from './load-text.ts'
import { lastAttempt, type RunSummary, type TestSummary } from './summary.ts'

/** What the whole run comes to. `unsure`: nothing of ours failed, and something keeps it from being a clean pass. */
export interface Verdict {
  state: 'passed' | 'failed' | 'unsure'
  text: string
}

/** Whether everything holds, in a line. It is `passed` only if nothing in the whole run failed. */
export function verdictOf({ tests, counts, failuresOutside }: RunSummary): Verdict {
  const count = (state: TestSummary['state']) => tests.filter((test) => test.state === state).length
  const failed = count('failed')
  const pending = count('pending')
  const passed = count('passed')
  const inconclusive = tests.flatMap((test) => inconclusiveLeaks(test)).length
  const others = counts.failed - failed
  const noun = tests.length === 1 ? 'perf test' : 'perf tests'
  const head =
    tests.length === 0
      ? 'No perf test ran'
      : failed > 0
        ? `${failed} of ${tests.length} ${noun} failed`
        : `${passed} of ${tests.length} ${noun} ${passed === 1 ? 'holds' : 'hold'}`
  const remarks = [
    pending > 0 ? `${pending} did not finish` : '',
    inconclusive > 0 ? `${inconclusive} leak ${inconclusive === 1 ? 'verdict' : 'verdicts'} inconclusive` : '',
    unasserted(tests),
    others > 0 ? `${others} other ${others === 1 ? 'test' : 'tests'} failed` : '',
    failuresOutside > 0 ? `${failuresOutside} ${failuresOutside === 1 ? 'failure' : 'failures'} outside tests` : '',
  ].filter(Boolean)
  const clean = passed === tests.length && passed > 0 && remarks.length === 0
  return { state: failed > 0 ? 'failed' : clean ? 'passed' : 'unsure', text: [head, ...remarks].join(', ') }
}

function inconclusiveLeaks(test: TestSummary) {
  const attempt = lastAttempt(test)
  return test.memory.filter((watch) => watch.attempt === attempt && watch.result.leak.verdict === 'inconclusive')
}

function unasserted(tests: readonly TestSummary[]): string {
  const count = tests.filter((test) => nothingAsserted(test) !== undefined).length
  return count > 0 ? `${count} asserted nothing` : ''
}

/** That a test measured and stated no expectation: it passes whatever was measured. `undefined` where it did state one. */
export function nothingAsserted(test: TestSummary): string | undefined {
  const attempt = lastAttempt(test)
  const ofAttempt = (entry: { attempt: number }) => entry.attempt === attempt
  const { assertions } = test
  if (test.state !== 'passed' || assertions?.attempt !== attempt || assertions.count > 0) return undefined
  if (test.thresholds.some(ofAttempt)) return undefined
  const loads = test.loads.filter(ofAttempt)
  if (loads.length === 0 && !test.memory.some(ofAttempt)) return undefined
  const share = Math.max(0, ...loads.map(errorShare))
  return `measured, nothing asserted${share > 0 ? `; ${formatRatio(share)} errors` : ''}`
}
