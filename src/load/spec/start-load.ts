import { LoadError, PerfAbortError } from '../../errors.ts'
import type { LoadResult } from '../../results/load-result.ts'
import { optionIssue } from '../../option-issues.ts'
import { isSameServer } from '../../server-url.ts'
import type { LoadContext, LoadedServer } from './load-context.ts'
import type { LoadOptions } from '../plan/load-options.ts'
import { resolveLoadOptions, type LoadPlan } from '../plan/load-plan.ts'
import { raceSignal } from '../../lifecycle/abort.ts'
import { realClock } from '../../lifecycle/clock.ts'
import { orNothing } from '../../lifecycle/debug.ts'
import { chooseEngine } from './choose-engine.ts'
import type { OnLoadProgress } from './progress-calls.ts'
import { RunningLoad, type EndingSignal } from './running-load.ts'
import { sharedLoadProcesses } from './shared-load-processes.ts'

/** Checks what was asked for, all of it before the first request, and starts it. */
export async function startLoad(
  options: LoadOptions,
  context: LoadContext,
  onProgress: OnLoadProgress | undefined,
): Promise<RunningLoad> {
  const callable = onProgress === undefined || typeof onProgress === 'function'
  const issues = callable ? [] : [optionIssue('onProgress', 'a function', onProgress)]
  // Only a load on a path stands on the test's server: another one does not get the error of its start.
  const own = needsServer(options, context) ? await ownServer(context) : orNothing('start of a server', context.server)
  const plan = resolveLoadOptions(options, {
    ...context,
    baseUrl: own?.url,
    tlsOf: (url) => serverAt(url, own, context)?.tls,
    issues,
  })
  const scenario = options.scenario ?? context.defaults?.scenario
  const signals = signalsOf(options, context, serverAt(localUrlOf(plan), own, context))
  const whole = plan.scenario && scenario !== undefined ? await bundled(plan, scenario, context, signals) : plan
  const worker = context.worker ?? { clock: realClock, processes: sharedLoadProcesses() }
  return new RunningLoad(whole, {
    engine: await chooseEngine(whole, worker),
    clock: worker.clock,
    observe: context.observe ?? {},
    signals,
    onProgress,
  })
}

/** Returns the plan with its module; or without it if the load is aborted first, since that ends before it is sent. */
async function bundled(
  plan: LoadPlan,
  scenario: string | URL,
  { round }: LoadContext,
  signals: readonly EndingSignal[],
): Promise<LoadPlan> {
  const isAborted = () => signals.some(({ signal }) => signal.aborted)
  if (isAborted()) return plan
  try {
    const whole = await signals.reduce((work, { signal }) => raceSignal(work, signal), bundle(plan, scenario))
    return whole.scenario && round !== undefined ? { ...whole, scenario: { ...whole.scenario, round } } : whole
  } catch (error) {
    if (isAborted()) return plan
    throw error
  }
}

/** Imported by the first scenario: a load without one must not pay for it. */
async function bundle(plan: LoadPlan, scenario: string | URL): Promise<LoadPlan> {
  const { withScenario } = await import('./scenario-source.ts')
  return withScenario(plan, scenario, typeof plan.engine === 'object' ? 'inside' : 'outside')
}

/** The URL of a load as the test knows it. */
function localUrlOf({ engine, url }: LoadPlan): string {
  return typeof engine === 'object' ? engine.localUrl : url
}

/** Whether a load is on a path of the test's server, as far as can be seen before its options are checked. */
function needsServer(options: LoadOptions | undefined, { defaults }: LoadContext): boolean {
  const url = options?.url ?? defaults?.url
  return url === undefined || (typeof url === 'string' && url.startsWith('/'))
}

/** @throws the error of its start. */
async function ownServer({ server, startServer }: LoadContext): Promise<LoadedServer | undefined> {
  if (!server?.()) await startServer?.()
  return server?.()
}

/** The server of the test that a URL leads to. */
function serverAt(url: string, own: LoadedServer | undefined, { servers }: LoadContext): LoadedServer | undefined {
  return [own, ...(servers?.() ?? [])].find((known) => known && isSameServer(known.url, url))
}

function signalsOf(options: LoadOptions, context: LoadContext, server: LoadedServer | undefined): EndingSignal[] {
  const abortedBy = (signal: AbortSignal, by: string): EndingSignal => ({
    signal,
    error: ({ message }, partial) =>
      new PerfAbortError<LoadResult>(`The load was aborted by ${by}: ${message}`, { cause: signal.reason, partial }),
  })
  const signals: EndingSignal[] = []
  if (options.signal) signals.push(abortedBy(options.signal, 'its signal'))
  if (context.lifetime) signals.push(abortedBy(context.lifetime.signal, 'the end of its test'))
  if (server) {
    signals.push({
      signal: server.signal,
      error: (reason, partial) =>
        new LoadError<LoadResult>(`The server under load is gone: ${reason.message}`, { cause: reason, partial }),
    })
  }
  return signals
}
