import type { LoadObserver } from '../load/spec/load-generator.ts'
import type { MemoryObserver } from '../memory/memory-observer.ts'
import { drawLatency } from '../results/load-chart.ts'
import { describeLoad, loadName, roundRate, type LoadPlanSummary } from '../results/load-plan-summary.ts'
import type { LoadResult } from '../results/load-result.ts'
import type { MemoryResult, MemorySnapshot } from '../results/memory-result.ts'
import { formatBytes, formatCount, formatDuration } from '../units.ts'
import type { ServerEvent } from '../server/perf-server.ts'
import { formatRate } from '../units.ts'
import type { TestAttempt } from './test-attempt.ts'

/** A load in a sentence. */
function loadNote(result: LoadResult, plan: LoadPlanSummary): string {
  const { latency, errors } = result
  const figures = [
    `${formatCount(roundRate(result.requestsPerSecond))} requests/s`,
    `p50 ${formatDuration(latency.p50)}`,
    `p95 ${formatDuration(latency.p95)}`,
    `p99 ${formatDuration(latency.p99)}`,
    `${formatCount(errors.total)} errors`,
  ]
  const load = describeLoad({ url: result.url, ...plan }, result.requestsPerSecond, result.duration)
  return `${result.title ?? loadName(plan)}: ${figures.join(', ')} (${load})`
}

/** A memory watch in a sentence. */
function memoryNote({ title, peak, growth, leak }: MemoryResult, target: string): string {
  const highest = formatBytes('heapUsed' in peak ? peak.heapUsed : peak.rss)
  return `${title ?? `memory of ${target}`}: ${leak.verdict}, peak ${highest}, growth ${formatBytes(growth.bytes)}. ${leak.reason}`
}

/** Turns what a load generator says into artifacts of the attempt, and its key figures into JUnit properties. */
export function observeLoads(attempt: TestAttempt): LoadObserver {
  const { recorder } = attempt
  const plans = new Map<string, { title: string; planned?: number }>()
  let memory: MemorySnapshot | undefined
  return {
    onStart(id, { duration }, title) {
      const plan = { title, ...(duration !== undefined && { planned: duration }) }
      plans.set(id, plan)
      recorder.recordProgress({ id, kind: 'load', ...plan, progress: 0, elapsed: 0 })
    },
    onProgress(id, progress) {
      void attempt.startedServer?.memory().then(
        (snapshot) => (memory = snapshot),
        () => (memory = undefined),
      )
      recorder.recordProgress({
        id,
        kind: 'load',
        title: progress.title ?? progress.url,
        ...plans.get(id),
        progress: progress.progress,
        elapsed: progress.duration,
        requestsPerSecond: progress.interval.requestsPerSecond,
        p50: progress.interval.latency.p50,
        p99: progress.interval.latency.p99,
        errors: progress.errors.total,
        ...(memory && { memory }),
      })
    },
    onEnd(id, { result, ...end }) {
      plans.delete(id)
      if (!result) return
      recorder.record({ type: 'perf:load', id, result, ...end })
      const body = drawLatency(result)
      recorder.note(
        'load',
        loadNote(result, end.plan),
        body === undefined ? undefined : { contentType: 'image/svg+xml', body },
      )
      recorder.property('requests_per_second', result.requestsPerSecond)
      recorder.property('p50_ms', result.latency.p50)
      recorder.property('p95_ms', result.latency.p95)
      recorder.property('p99_ms', result.latency.p99)
      recorder.property('max_ms', result.latency.max)
      recorder.property('error_rate', result.errorRate)
    },
    onCapacityProgress(id, { title, progress, elapsed, planned, rate, holds, fails, load }) {
      const bounds =
        fails === undefined ? `holds ${formatRate(holds)}` : `between ${formatRate(holds)} and ${formatRate(fails)}`
      recorder.recordProgress({
        id,
        kind: 'capacity',
        title,
        progress,
        elapsed,
        planned,
        note: holds === 0 && fails === undefined ? `tries ${formatRate(rate)}` : `tries ${formatRate(rate)}, ${bounds}`,
        ...(load && { p99: load.interval.latency.p99, errors: load.errors.total }),
      })
    },
    onCapacityEnd(id, { outcome, title, capacity, error }) {
      const failure = error === undefined ? {} : { error }
      recorder.record({ type: 'perf:capacity', id, outcome, title, ...(capacity ? { capacity } : {}), ...failure })
      if (!capacity) return
      recorder.property('capacity_per_second', capacity.rate)
      recorder.note('capacity', `${title}: ${capacity.reason}`)
    },
  }
}

/** Turns what a memory monitor says into artifacts of the attempt, and its key figures into JUnit properties. */
export function observeMemory(attempt: TestAttempt): MemoryObserver {
  const { recorder } = attempt
  const watches = new Map<string, { title: string; planned?: number }>()
  return {
    onStart(id, { title, target, planned }) {
      const watch = { title: title ?? `memory of ${target}`, ...(planned !== undefined && { planned }) }
      watches.set(id, watch)
      recorder.recordProgress({ id, kind: 'memory', ...watch, progress: 0, elapsed: 0 })
    },
    onProgress(id, progress) {
      recorder.recordProgress({
        id,
        kind: 'memory',
        title: 'memory',
        ...watches.get(id),
        progress: progress.progress,
        elapsed: progress.elapsed,
        memory: progress.latest,
      })
    },
    onEnd(id, { result, ...end }) {
      watches.delete(id)
      if (!result) return
      recorder.record({ type: 'perf:memory', id, result, ...end })
      recorder.note('memory', memoryNote(result, end.target))
      recorder.property('memory_peak_bytes', 'heapUsed' in result.peak ? result.peak.heapUsed : result.peak.rss)
      recorder.property('memory_growth_bytes', result.growth.bytes)
    },
  }
}

let servers = 0

/** Turns what happens to a server into artifacts of the attempt that started it. */
export function observeServer(attempt: TestAttempt): (event: ServerEvent) => void {
  servers += 1
  const id = `server-${servers}`
  return (event) => attempt.recorder.record({ type: 'perf:server', id, ...event })
}
