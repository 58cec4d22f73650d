import { inject } from 'vitest'
import type { CompareOptions } from '../compare/compare-options.ts'
import { compareServers, type ComparisonObserver } from '../compare/compare-servers.ts'
import type { ComparisonProgress } from '../compare/comparison-run.ts'
import { leftBehindBy } from '../lifecycle/abort.ts'
import type { LoadOptions } from '../load/plan/load-options.ts'
import type { ComparedMetricName, Comparison } from '../results/comparison.ts'
import { describeMetric, judgedMetrics } from '../results/comparison-text.ts'
import type { ServerOptions } from '../server/server-options.ts'
import type { TestAttempt } from './test-attempt.ts'

export interface CompareFixtureOptions {
  server: ServerOptions
  load: Partial<LoadOptions>
  compare: Partial<CompareOptions>
}

/** The `compareServers` fixture: servers, load process and base end with the attempt. */
export function createCompareServers(attempt: TestAttempt, { server, load, compare }: CompareFixtureOptions) {
  return (options: CompareOptions = {}): Promise<Comparison> => {
    const work = compareServers(options, {
      root: inject('perfRoot'),
      server,
      load,
      defaults: compare,
      lifetime: attempt,
      observe: observeComparisons(attempt),
    })
    // The attempt waits until servers and folders are given back. A rejection stays the caller's: one that nobody hears fails the run.
    let end!: () => void
    const ended = new Promise<void>((resolve) => (end = resolve))
    attempt.onClose(() => ended)
    return leftBehindBy(attempt.signal, work.finally(end))
  }
}

const PROPERTIES: readonly (readonly [property: string, metric: ComparedMetricName])[] = [
  ['compare_cpu_per_request_change', 'cpuPerRequest'],
  ['compare_p50_change', 'latency.p50'],
]

/** Pairs below which an interval is too wide to say anything. */
const FEWEST_SHOWN = 3

/** `8 of 14 pairs, CPU per request +6.1 % (+2 % to +10.4 %)` */
function noteOf({ pairs, most, metrics }: ComparisonProgress): string {
  const figures =
    pairs < FEWEST_SHOWN ? [] : judgedMetrics({ metrics }).map(([name, metric]) => describeMetric(name, metric))
  return [`${pairs} of up to ${most} pairs`, ...figures].join(', ')
}

/** Turns what comparisons say into artifacts of the attempt, and their key figures into JUnit properties. */
function observeComparisons({ recorder }: TestAttempt): ComparisonObserver {
  let title = ''
  let planned = 0
  return {
    onStart(id, named, duration) {
      title = named
      planned = duration
      recorder.recordProgress({ id, kind: 'compare', title, progress: 0, elapsed: 0, planned })
    },
    onPrepare(id, step, elapsed) {
      recorder.recordProgress({ id, kind: 'compare', title, progress: 0, elapsed, note: step })
    },
    onProgress(id, progress) {
      const { elapsed } = progress
      recorder.recordProgress({
        id,
        kind: 'compare',
        title,
        progress: Math.min(1, elapsed / planned),
        elapsed,
        planned,
        note: noteOf(progress),
      })
    },
    onEnd(id, { outcome, comparison, error }) {
      const failure = error === undefined ? {} : { error }
      recorder.record({ type: 'perf:compare', id, title, outcome, ...(comparison ? { comparison } : {}), ...failure })
      if (!comparison) return
      recorder.note('compare', `${title}: ${comparison.reason}`)
      for (const [property, metric] of PROPERTIES) recorder.property(property, comparison.metrics[metric].change)
      recorder.property('compare_pairs', comparison.pairs)
    },
  }
}
