import type { PerfLoadArtifact, PerfMemoryArtifact, PerfProgressArtifact } from '../vitest/artifacts.ts'
import { formatBytes, formatCount, formatDuration, formatRatio, isMeasured } from '../units.ts'
import { plannedDuration } from './live-state.ts'
import type { Paint } from './paint.ts'
import { oneLine } from './screen-text.ts'
import { loadName, roundRate } from '../results/load-plan-summary.ts'
import { memoryFigure } from './test-tables.ts'

const MARK = 'perf'

/** The line of a measurement that has just started, for output that is no terminal. */
export function startLine(artifact: PerfProgressArtifact, test: string, paint: Paint): string {
  const what = artifact.kind === 'memory' ? 'memory watch' : artifact.kind
  const whole = plannedDuration(artifact)
  const planned = whole ? `, ${formatDuration(whole)} planned` : ''
  return line('▸', `${titleOf(artifact.title, test)}: ${what} starts${planned}`, paint)
}

/** The line of a measurement that runs. */
export function runningLine(artifact: PerfProgressArtifact, test: string, paint: Paint): string {
  const planned = plannedDuration(artifact)
  const done = formatDuration(artifact.elapsed) + (planned ? ` of ${formatDuration(planned)}` : '')
  const figures = [
    artifact.note ? oneLine(artifact.note) : '',
    isMeasured(artifact.requestsPerSecond) ? `${formatCount(roundRate(artifact.requestsPerSecond))} requests/s` : '',
    isMeasured(artifact.p50) ? `p50 ${formatDuration(artifact.p50)}` : '',
    isMeasured(artifact.p99) ? `p99 ${formatDuration(artifact.p99)}` : '',
    isMeasured(artifact.errors) ? `${formatCount(artifact.errors)} errors` : '',
    artifact.memory ? `memory ${formatBytes(memoryFigure(artifact.memory))}` : '',
  ]
  return line('·', [`${titleOf(artifact.title, test)}: ${done}`, ...figures.filter(Boolean)].join(', '), paint)
}

/** The line of a load that has ended. */
export function loadEndLine({ result, plan, outcome, error }: PerfLoadArtifact, paint: Paint): string {
  const { latency, errors } = result
  const rate = isMeasured(result.errorRate) && errors.total > 0 ? ` (${formatRatio(result.errorRate)})` : ''
  const figures = [
    `${formatCount(roundRate(result.requestsPerSecond))} requests/s`,
    `p50 ${formatDuration(latency.p50)}`,
    `p95 ${formatDuration(latency.p95)}`,
    `p99 ${formatDuration(latency.p99)}`,
    `${formatCount(errors.total)} errors${rate}`,
  ]
  const ended = `${outcome} after ${formatDuration(result.duration)}${error ? ` (${oneLine(error.split('\n')[0] ?? '')})` : ''}`
  return line(
    outcome === 'failed' ? '✗' : '■',
    `${titleOf(result.title, loadName({ url: result.url, ...plan }))}: ${[ended, ...figures].join(', ')}`,
    paint,
  )
}

/** The line of a memory watch that has ended. */
export function memoryEndLine({ result, outcome, target }: PerfMemoryArtifact, paint: Paint): string {
  const [start, peak, end] = [result.baseline, result.peak, result.final].map((at) => formatBytes(memoryFigure(at)))
  const figures = [
    `${outcome} after ${formatDuration(result.duration)}`,
    `memory at start ${start}`,
    `peak ${peak}`,
    `end ${end}`,
    result.leak.verdict,
  ]
  const mark = result.leak.verdict === 'leak' ? '✗' : '■'
  return line(mark, `${titleOf(result.title, `memory of ${target}`)}: ${figures.join(', ')}`, paint)
}

function titleOf(title: string | undefined, test: string): string {
  return oneLine(title || test)
}

function line(mark: string, text: string, paint: Paint): string {
  return ` ${paint.cyan(MARK)} ${mark} ${text}`
}
