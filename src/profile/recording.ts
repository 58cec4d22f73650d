import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { MOST_SAMPLES } from '../probe/cpu-recording.ts'
import type { WatchedIsolate } from '../probe/protocol.ts'
import type { LoadProfile } from '../results/profile-result.ts'
import { formatBytes, formatDuration } from '../units.ts'
import { joinProfiles, type RecordedIsolate } from './join-profiles.ts'
import { asksItself, type LoadRequests } from './load-requests.ts'
import { summarizeProfile, type ProfiledLoad } from './summary.ts'

export interface ProfileTarget {
  isolates(): readonly WatchedIsolate[]
}

/** Microseconds between two samples. */
const SHORTEST_INTERVAL = 1_000
/** Milliseconds that an isolate has to start, and to write its profile. */
const START_LIMIT = 2_000
const STOP_LIMIT = 10_000

/** A file that DevTools opens slowly or not at all, in bytes. */
const LARGE_FILE = 100 * 2 ** 20

/** What became of the recording in one isolate: its profile, or why there is none. */
type Outcome = RecordedIsolate | { readonly lost: string }

/** The profilers of all isolates of a server, while a load runs. */
export class ProfileRecording {
  readonly #isolates: readonly WatchedIsolate[]
  readonly #lost: readonly string[]
  #ended = false

  private constructor(isolates: readonly WatchedIsolate[], lost: readonly string[]) {
    this.#isolates = isolates
    this.#lost = lost
  }

  /**
   * Starts a profiler in each isolate. `duration`: the milliseconds that the load is to take, if they are known: a long one is
   * sampled less often.
   */
  static async start(target: ProfileTarget, duration = 0): Promise<ProfileRecording> {
    const interval = samplingInterval(duration)
    const isolates = target.isolates().filter(({ wrapper, connected }) => connected && !wrapper)
    const problems = await Promise.all(isolates.map((isolate) => startIn(isolate, interval)))
    for (const [index, isolate] of isolates.entries()) {
      // One that begins later, when its loop turns again, must not go on for ever.
      if (problems[index] !== undefined) void isolate.ask('dropRecord', {}, STOP_LIMIT).catch(() => {})
    }
    return new ProfileRecording(
      isolates.filter((_, index) => problems[index] === undefined),
      problems.filter((problem) => problem !== undefined),
    )
  }

  /** Ends the profilers and says what they saw, and which isolates are missing. Their `.cpuprofile` files stand in `folder`. */
  async stop(
    folder: string,
    name: string,
    { asked, ...load }: Omit<ProfiledLoad, 'lost'> & { asked?: LoadRequests },
  ): Promise<Omit<LoadProfile, 'repeated'>> {
    this.#ended = true
    tryToMake(folder)
    const outcomes = await Promise.all(this.#isolates.map((isolate) => stopIn(isolate, folder, name)))
    const isolates = outcomes.filter((outcome): outcome is RecordedIsolate => !('lost' in outcome))
    const lost = [
      ...this.#lost,
      ...outcomes.flatMap((outcome) => ('lost' in outcome ? outcome.lost : fileRemark(outcome))),
    ]
    const sum = (of: (profile: RecordedIsolate['profile']) => number) =>
      isolates.reduce((total, { profile }) => total + of(profile), 0)
    const answered = sum((profile) => profile.requests)
    const called = sum(({ waits }) => waits.reduce((all, { kind, count }) => all + (kind === 'http' ? count : 0), 0))
    const own = asksItself({ answered, called }, asked) ? asked : undefined
    const joined = joinProfiles(isolates, own)
    const requestTime = own?.time ?? sum((profile) => profile.requestTime)
    return { ...joined, summary: summarizeProfile(joined, requestTime, { ...load, lost }) }
  }

  /** Ends the profilers and keeps nothing. Idempotent. */
  async discard(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await Promise.all(this.#isolates.map((isolate) => isolate.ask('dropRecord', {}, STOP_LIMIT).catch(() => {})))
  }
}

/** Microseconds between two samples of a recording that takes so many milliseconds. */
export function samplingInterval(duration: number): number {
  const longest = Math.ceil((duration * 1_000) / MOST_SAMPLES)
  return Number.isFinite(longest) ? Math.max(SHORTEST_INTERVAL, longest) : SHORTEST_INTERVAL
}

function nameOf({ pid, threadId }: Pick<WatchedIsolate, 'pid' | 'threadId'>): string {
  return threadId === 0 ? `Process ${pid}` : `Thread ${threadId} of process ${pid}`
}

function tryToMake(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch {
    // Each isolate then says that it could not write its file.
  }
}

/** Starts the profiler of an isolate, or says why it did not start. */
async function startIn(isolate: WatchedIsolate, interval: number): Promise<string | undefined> {
  try {
    if ((await isolate.ask('record', { interval }, START_LIMIT)) === null) return undefined
    return isolate.connected
      ? `${nameOf(isolate)} is not in the profile: its event loop did not turn for ${formatDuration(START_LIMIT)}.`
      : `${nameOf(isolate)} ended before its profile began.`
  } catch (error) {
    return `${nameOf(isolate)} is not in the profile: ${(error as Error).message}.`
  }
}

async function stopIn(isolate: WatchedIsolate, folder: string, name: string): Promise<Outcome> {
  const { pid, threadId } = isolate
  const file = join(folder, `${name}-${pid}${threadId === 0 ? '' : `-${threadId}`}.cpuprofile`)
  try {
    const profile = await isolate.ask('endRecord', { file }, STOP_LIMIT)
    if (profile) return { pid, threadId, profile, file }
    return {
      lost: isolate.connected
        ? `${nameOf(isolate)} did not hand over its profile within ${formatDuration(STOP_LIMIT)}.`
        : `${nameOf(isolate)} ended while it was recorded, and its profile with it.`,
    }
  } catch (error) {
    return { lost: `The profile of ${nameOf(isolate).toLowerCase()} is lost: ${(error as Error).message}.` }
  }
}

function fileRemark({ profile, file, ...isolate }: RecordedIsolate): string[] {
  if ('problem' in profile.file) return [`${nameOf(isolate)} could not write ${file}: ${profile.file.problem}.`]
  const { bytes } = profile.file
  if (bytes < LARGE_FILE) return []
  return [`The profile of ${nameOf(isolate).toLowerCase()} has ${formatBytes(bytes)}: DevTools may not open ${file}.`]
}
