import { inLifetime } from '../lifecycle/attempt.ts'
import { swallow } from '../lifecycle/debug.ts'
import { expect } from 'vitest'
import { describeRegression, type RegressOptions } from '../compare/regression.ts'
import type { CompareTolerance } from '../compare/tolerance.ts'
import type { HealthCheckOptions } from '../server/health.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { OptionIssue } from '../errors.ts'
import { describeLeak, type LeakOptions } from '../memory/leak-description.ts'
import { figureKindOf, namesIn } from '../results/figures.ts'
import { saturationLead } from '../results/saturation-lead.ts'
import { measurementId } from '../results/measurement-id.ts'
import {
  evaluateThresholds,
  formatOutcomes,
  negateOutcomes,
  parseThresholds,
  type Thresholds,
  type LoadFigure,
  type CapacityFigure,
  type MemoryFigure,
  type ThresholdIssue,
} from '../results/threshold.ts'
import { isRecord, optionIssue, rejectIssues } from '../option-issues.ts'
import { runningAttempt } from './test-attempt.ts'

interface MatcherContext {
  isNot: boolean
  task?: unknown
}

function attemptOf(context: MatcherContext) {
  return runningAttempt(context.task as Parameters<typeof runningAttempt>[0])
}

let judgements = 0

function nameOf(result: unknown): { measurement?: string; title?: string } {
  const measurement = typeof result === 'object' && result !== null ? measurementId(result) : undefined
  const title = (result as { title?: unknown } | null)?.title
  return { ...(measurement && { measurement }), ...(typeof title === 'string' && { title }) }
}

/** A promise was meant to be awaited; what it would give is no matter here, and its rejection no second failure. */
function refusePromise(received: unknown, matcher: string): void {
  if (typeof (received as PromiseLike<unknown> | undefined | null)?.then !== 'function') return
  void Promise.resolve(received).catch(swallow(`promise given to ${matcher}`))
  const message = `\`expect(…)\` got a promise; await what you give it: \`expect(await …).${matcher}()\``
  const issue = { option: 'expect(…)', expected: 'a value, not a promise', received: 'a promise', message }
  rejectIssues(`use of \`${matcher}\``, [issue])
}

function findThresholdIssues(result: unknown, issues: readonly ThresholdIssue[]): OptionIssue[] {
  const malformed = issues.map(({ metric, message, expression }) => ({
    option: metric,
    expected: 'a condition such as <50',
    received: expression,
    message,
  }))
  return isRecord(result)
    ? malformed
    : [optionIssue('expect(…)', 'a result of a load or a memory watch', result), ...malformed]
}

function toMeetThresholds(
  this: MatcherContext,
  result: unknown,
  thresholds: Thresholds<LoadFigure | MemoryFigure | CapacityFigure>,
) {
  refusePromise(result, 'toMeetThresholds')
  const rule = { kind: figureKindOf(result), names: namesIn(result) }
  const { conditions, issues } = parseThresholds(thresholds, rule)
  rejectIssues('use of `toMeetThresholds`', findThresholdIssues(result, issues))
  const outcomes = evaluateThresholds(result, conditions)
  // What has no data meets nothing; and `not.toMeetThresholds` does not hold of it either.
  const unknown = outcomes.some(({ value }) => value === null)
  const pass = this.isNot && unknown ? true : outcomes.every((outcome) => outcome.passed)
  judgements += 1
  const attempt = attemptOf(this)
  if (!pass && !this.isNot) attempt?.profiler?.noteFailure(result as object, outcomes)
  attempt?.recorder.record({
    type: 'perf:threshold',
    id: `threshold-${judgements}`,
    outcomes: this.isNot ? negateOutcomes(outcomes) : outcomes,
    ...nameOf(result),
  })
  return {
    pass,
    message: () =>
      `${saturationLead(result)}Expected the result ${this.isNot ? 'not ' : ''}to meet its thresholds:\n${formatOutcomes(outcomes)}`,
  }
}

function toLeakMemory(this: MatcherContext, memory: unknown, options?: LeakOptions) {
  refusePromise(memory, 'toLeakMemory')
  const { leaking, message } = describeLeak(memory, options, this.isNot)
  return { pass: leaking, message: () => message }
}

function toBeHealthy(this: MatcherContext, server: unknown, options?: HealthCheckOptions) {
  refusePromise(server, 'toBeHealthy')
  return inLifetime(attemptOf(this), { name: 'expect(…).toBeHealthy()' }, judgeHealth.call(this, server, options))
}

async function judgeHealth(this: MatcherContext, server: unknown, options?: HealthCheckOptions) {
  const health = await checkHealth(server, options)
  return {
    pass: health.healthy,
    message: () => `Expected ${health.url} ${this.isNot ? 'not ' : ''}to be healthy: ${health.message}`,
  }
}

async function checkHealth(server: unknown, options?: HealthCheckOptions) {
  if (typeof server === 'string') {
    const { checkServerHealth } = await import('../server/health.ts')
    return checkServerHealth(server, options)
  }
  if (typeof (server as PerfServer | null)?.health !== 'function') {
    throw new TypeError('Expected the argument of `expect(…).toBeHealthy()` to be a server or a URL')
  }
  return (server as PerfServer).health(options)
}

function toRegress(this: MatcherContext, comparison: unknown, tolerance?: CompareTolerance, options?: RegressOptions) {
  const { regressed, message } = describeRegression(comparison, tolerance, options, this.isNot)
  return { pass: regressed, message: () => message }
}

expect.extend({ toMeetThresholds, toLeakMemory, toBeHealthy, toRegress })

declare global {
  // Vitest's own `Matchers` takes one type parameter on 4 and two on 5; the interface of chai that both build on takes none.
  namespace Chai {
    interface Assertion {
      /**
       * Every figure of a `LoadResult`, `MemoryResult` or `Capacity`, named by its path, meets its condition. A count of what did not happen
       * is 0; a figure without data fails. A figure that cannot exist, and a malformed condition, is a `PerfOptionsError` that
       * shows where.
       */
      toMeetThresholds(thresholds: Thresholds<LoadFigure | MemoryFigure | CapacityFigure>): void
      /** The memory watch found a leak. Mostly used as `expect(memory).not.toLeakMemory()`. */
      toLeakMemory(options?: LeakOptions): void
      /**
       * Head is slower than base. Mostly used as `expect(comparison).not.toRegress()`: a comparison that decided nothing passes
       * then, unless `strict` is set. `tolerance` takes the place of the comparison's own.
       */
      toRegress(tolerance?: CompareTolerance, options?: RegressOptions): void
      /** The server (or URL) answers its health check now. */
      toBeHealthy(options?: HealthCheckOptions): Promise<void>
    }
  }
}
