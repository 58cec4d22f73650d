import { join } from 'node:path'
import { inject } from 'vitest'
import { LoadError } from '../errors.ts'
import type { LoadOptions } from '../load/plan/load-options.ts'
import { planTime } from '../load/plan/load-time.ts'
import { REPEAT_LIMIT, repeatedLoad } from '../load/plan/repeated-load.ts'
import { LoadGenerator } from '../load/spec/load-generator.ts'
import { timeLeft } from '../lifecycle/attempt.ts'
import { knownTarget } from '../memory/memory-target.ts'
import { ProfileRecording, type ProfileTarget } from '../profile/recording.ts'
import type { LoadResult } from '../results/load-result.ts'
import { measurementId } from '../results/measurement-id.ts'
import type { LoadProfile } from '../results/profile-result.ts'
import { formatDuration } from '../units.ts'
import type { ThresholdOutcome } from '../results/threshold.ts'
import { serverOfUrl } from './server-of-url.ts'
import type { TestAttempt } from './test-attempt.ts'

/** Milliseconds that must be left of the test's time besides the repeated load. */
const MARGIN = 2_000
/** Failed results that are looked into at the end of a test. */
const MOST_REPEATS = 2

type Load = () => Promise<LoadResult>

/** Records the profiles of an attempt's loads: while they run, or by running one again that missed a threshold. */
export class LoadProfiler {
  readonly #attempt: TestAttempt
  readonly #defaults: Partial<LoadOptions>
  /** What each load of this attempt was, by the id of its measurement. */
  readonly #loads = new Map<string, LoadOptions>()
  readonly #failed = new Map<LoadResult, LoadOptions>()
  #files = 0
  #repeats = 0

  readonly #requestsCompleted: () => number

  constructor(attempt: TestAttempt, defaults: Partial<LoadOptions>, requestsCompleted: () => number) {
    this.#attempt = attempt
    this.#defaults = defaults
    this.#requestsCompleted = requestsCompleted
  }

  /** Runs a load with the profile that its options ask for. */
  async around(options: LoadOptions, run: Load): Promise<LoadResult> {
    const mode = options?.profile ?? this.#defaults.profile ?? 'on-failure'
    if (mode === true) return this.#profiled(options, run)
    try {
      const result = await run()
      const id = measurementId(result)
      if (mode === 'on-failure' && id !== undefined) this.#loads.set(id, options)
      return result
    } catch (error) {
      const partial = failedThresholds(error)
      if (mode === 'on-failure' && partial) explain(error as Error, await this.#repeat(options, partial), AGAIN)
      throw error
    }
  }

  /** A matcher found that a result misses a threshold: it is looked into when the test's body has ended. */
  noteFailure(result: object, outcomes: readonly ThresholdOutcome[]): void {
    if (!missedTime(outcomes)) return
    const options = this.#loads.get(measurementId(result) ?? '')
    if (options && this.#failed.size < MOST_REPEATS) this.#failed.set(result as LoadResult, options)
  }

  /** Looks into the results that were noted, while their server still runs; the test's error then says what was seen. */
  async explainFailures(): Promise<void> {
    for (const [result, options] of this.#failed) {
      const summary = await this.#repeat(options, result)
      for (const error of this.#attempt.task.result?.errors ?? []) {
        if (/\bthresholds:/.test(error.message)) explain(error, summary, AGAIN)
      }
    }
    this.#failed.clear()
  }

  async #profiled(options: LoadOptions, run: Load): Promise<LoadResult> {
    const target = this.#targetOf(options.url ?? this.#defaults.url)
    const { duration } = planTime({ ...this.#defaults, ...options }, undefined)
    const recording = target && (await ProfileRecording.start(target, duration))
    const before = this.#requestsCompleted()
    const read = (load: LoadResult) => this.#read(recording, load, this.#requestsCompleted() - before)
    try {
      const result = await run()
      this.#keep(result, await read(result), false)
      return result
    } catch (error) {
      const partial = failedThresholds(error)
      if (partial) explain(error as Error, this.#keep(partial, await read(partial), false), 'Why:')
      throw error
    } finally {
      await recording?.discard()
    }
  }

  /** Runs the same load once more, for at most five seconds, with the profiler. Returns what it saw, or why it saw nothing. */
  async #repeat(options: LoadOptions, result: LoadResult): Promise<readonly string[]> {
    const { signal } = this.#attempt
    // With `engine.target` the result has another URL than the test.
    const target = this.#targetOf(result.url) ?? this.#targetOf(options.url ?? this.#defaults.url)
    const repeated = repeatedLoad({ ...this.#defaults, ...options }, result)
    if (!target || signal.aborted) return []
    const left = timeLeft(this.#attempt)
    if (left < REPEAT_LIMIT + MARGIN) return [tooLate(left)]
    const recording = await ProfileRecording.start(target)
    try {
      const generator = new LoadGenerator({
        lifetime: this.#attempt,
        server: () => this.#attempt.server,
        servers: () => this.#attempt.servers,
        round: `again${(this.#repeats += 1)}`,
      })
      const again = await generator.generateLoad(repeated)
      return this.#keep(result, await this.#read(recording, again, generator.requestsCompleted()), true)
    } catch (error) {
      // The failure that is told already is the one that counts.
      const [why] = (error as Error).message.split('\n', 1)
      return signal.aborted ? [] : [`No profile: ${why}`]
    } finally {
      await recording.discard()
    }
  }

  #targetOf(url: string | undefined): ProfileTarget | undefined {
    const { startedServer, servers } = this.#attempt
    const found = serverOfUrl(url, { server: startedServer, servers })
    return found && knownTarget(found)?.channel
  }

  /** `completed`: requests of the load since the recording began. */
  async #read(
    recording: ProfileRecording | undefined,
    load: LoadResult,
    completed: number,
  ): Promise<Omit<LoadProfile, 'repeated'>> {
    if (!recording) {
      const why = `No profile: ${load.url} is not a server that this test started, so there is no profiler in it.`
      return { duration: 0, requests: 0, isolates: [], waits: [], files: [], summary: [why] }
    }
    const folder = join(inject('perfRoot') ?? process.cwd(), 'node_modules/.cache/vitest-plugin-perf/profiles')
    const saturation = load.saturated ? (load.generator.reason ?? 'it was busy') : undefined
    const asked = { requests: completed, time: completed * load.latency.average }
    return recording.stop(folder, this.#fileName(), { saturation, errorRate: load.errorRate, asked })
  }

  #fileName(): string {
    this.#files += 1
    const name = this.#attempt.task.name.replace(/[^\w-]+/g, '-').slice(0, 60)
    return `${name}-${this.#files}`
  }

  /** Puts a profile on the result and into the report. Returns its summary. */
  #keep(result: LoadResult, read: Omit<LoadProfile, 'repeated'>, repeated: boolean): readonly string[] {
    const profile = { ...read, repeated }
    result.profile = profile
    const id = measurementId(result)
    this.#attempt.recorder.record({
      type: 'perf:profile',
      id: `profile-${id ?? this.#files}`,
      profile,
      ...(result.title !== undefined && { title: result.title }),
      ...(id !== undefined && { measurement: id }),
    })
    return profile.summary
  }
}

/** Figures of time: a profile says why they are bad. It says nothing of wrong answers. */
const OF_TIME = /latency|PerSecond|perSecond|duration|dropped|timeout/

function missedTime(outcomes: readonly Pick<ThresholdOutcome, 'metric' | 'passed'>[]): boolean {
  return outcomes.some(({ metric, passed }) => !passed && OF_TIME.test(metric))
}

/** The figures of a load that missed its own thresholds. */
function failedThresholds(error: unknown): LoadResult | undefined {
  if (!(error instanceof LoadError) || !error.thresholds) return undefined
  return missedTime(error.thresholds as readonly ThresholdOutcome[]) ? (error.partial as LoadResult) : undefined
}

const AGAIN = 'Why (the same load once more, with the profiler):'

function tooLate(left: number): string {
  return `No profile: the test had ${formatDuration(Math.max(0, left))} left, and a profile takes ${formatDuration(REPEAT_LIMIT + MARGIN)}. Give it a longer timeout.`
}

/** Puts what a profile saw below what an error says. */
function explain(error: { message: string }, summary: readonly string[], heading: string): void {
  if (summary.length === 0) return
  error.message += `\n\n${heading}\n${summary.map((sentence) => `  ${sentence}`).join('\n')}`
}
