import { LoadError, PerfAbortError, PerfOptionsError } from '../errors.ts'
import { timeLeft, type Lifetime } from '../lifecycle/attempt.ts'
import type { LoadResult } from '../metrics/load-result.ts'
import { optionIssue } from '../option-issues.ts'
import { formatDuration } from '../units.ts'
import type { LoadContext } from './load-context.ts'
import type { LoadOptions } from './load-options.ts'
import { resolveLoadOptions, type LoadPlan } from './load-plan.ts'
import { RunningLoad, type EndingSignal, type OnLoadProgress } from './running-load.ts'
import { ArrivalSchedule } from './schedule.ts'

/** Milliseconds between the end of a load and the end of the test that it must leave. */
const MARGIN = 250

/** Checks what was asked for, all of it before the first request, and starts it. */
export function startLoad(
  options: LoadOptions,
  context: LoadContext,
  onProgress: OnLoadProgress | undefined,
): RunningLoad {
  const plan = resolveLoadOptions(options, { ...context, baseUrl: context.server?.()?.url })
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new PerfOptionsError('load options', [optionIssue('onProgress', 'a function', onProgress)])
  }
  refuseTooLong(plan, context.lifetime)
  return new RunningLoad(plan, context.observe ?? {}, signalsOf(options, context), onProgress)
}

/** The least time a load takes: with `amount` it ends with the last arrival at the earliest, and in the closed model nobody knows. */
function leastDuration({ duration = Infinity, amount, rate }: LoadPlan): number {
  if (amount === undefined) return duration
  return rate ? Math.min(duration, new ArrivalSchedule(rate).dueAt(amount - 1)) : 0
}

function refuseTooLong(plan: LoadPlan, lifetime: Lifetime | undefined): void {
  if (lifetime?.deadline === undefined) return
  const least = leastDuration(plan)
  const needed = least + (plan.warmup?.duration ?? 0) + MARGIN
  const left = timeLeft(lifetime)
  if (needed <= left) return
  const whole = (lifetime.timeout ?? left) + needed - left
  const suggested = Math.ceil(whole / 1_000) * 1_000
  throw new PerfOptionsError('load options', [
    {
      option: plan.amount === undefined ? 'duration' : 'amount',
      expected: `at most ${Math.max(0, Math.floor(left - needed + least))} ms`,
      received: least,
      message:
        `The load takes ${formatDuration(needed - MARGIN)}${plan.warmup ? ' with its warm-up' : ''}, but its test has ${formatDuration(Math.max(0, left))} left` +
        `${lifetime.timeout === undefined ? '' : ` of its ${formatDuration(lifetime.timeout)}`}; ` +
        `give the test a timeout of at least ${suggested} ms: test(name, { timeout: ${suggested} }, fn), or a shorter \`duration\``,
    },
  ])
}

function signalsOf(options: LoadOptions, context: LoadContext): EndingSignal[] {
  const aborted = (by: string) => (reason: Error, partial: LoadResult) =>
    new PerfAbortError<LoadResult>(`The load was aborted by ${by}: ${reason.message}`, { cause: reason, partial })
  const signals: EndingSignal[] = []
  if (options.signal) signals.push({ signal: options.signal, error: aborted('its signal') })
  if (context.lifetime) signals.push({ signal: context.lifetime.signal, error: aborted('the end of its test') })
  const server = context.server?.()
  if (server) {
    signals.push({
      signal: server.signal,
      error: (reason, partial) =>
        new LoadError<LoadResult>(`The server under load is gone: ${reason.message}`, { cause: reason, partial }),
    })
  }
  return signals
}
