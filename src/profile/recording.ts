import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { WatchedIsolate } from '../probe/protocol.ts'
import type { LoadProfile } from '../results/profile-result.ts'
import { joinProfiles, type RecordedIsolate } from './join-profiles.ts'
import { summarizeProfile, type ProfiledLoad } from './summary.ts'

export interface ProfileTarget {
  isolates(): readonly WatchedIsolate[]
}

/** Microseconds between two samples. */
const INTERVAL = 1_000
/** Milliseconds that an isolate has to start, and to write its profile. */
const START_LIMIT = 2_000
const STOP_LIMIT = 10_000

/** The profilers of all isolates of a server, while a load runs. */
export class ProfileRecording {
  readonly #isolates: readonly WatchedIsolate[]
  #ended = false

  private constructor(isolates: readonly WatchedIsolate[]) {
    this.#isolates = isolates
  }

  /** Starts a profiler in each isolate; one that does not answer in time (its loop is blocked) is left out. */
  static async start(target: ProfileTarget): Promise<ProfileRecording> {
    const isolates = target.isolates().filter(({ wrapper, connected }) => connected && !wrapper)
    const started = await Promise.all(
      isolates.map(async (isolate) => {
        const answer = await isolate.ask('record', { interval: INTERVAL }, START_LIMIT).catch(() => undefined)
        return answer === null
      }),
    )
    return new ProfileRecording(isolates.filter((_, index) => started[index]))
  }

  /** Ends the profilers and says what they saw; their `.cpuprofile` files stand in `folder`. Isolates that died are left out. */
  async stop(folder: string, name: string, load: ProfiledLoad): Promise<Omit<LoadProfile, 'repeated'>> {
    this.#ended = true
    mkdirSync(folder, { recursive: true })
    const recorded = await Promise.all(
      this.#isolates.map(async (isolate): Promise<RecordedIsolate | undefined> => {
        const { pid, threadId } = isolate
        const file = join(folder, `${name}-${pid}${threadId === 0 ? '' : `-${threadId}`}.cpuprofile`)
        const profile = await isolate.ask('endRecord', { file }, STOP_LIMIT).catch(() => undefined)
        return profile ? { pid, threadId, profile, file } : undefined
      }),
    )
    const isolates = recorded.filter((isolate) => isolate !== undefined)
    const joined = joinProfiles(isolates)
    const requestTime = isolates.reduce((sum, { profile }) => sum + profile.requestTime, 0)
    return { ...joined, summary: summarizeProfile(joined, requestTime, load) }
  }

  /** Ends the profilers and keeps nothing. Idempotent. */
  async discard(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await Promise.all(this.#isolates.map((isolate) => isolate.ask('dropRecord', {}, STOP_LIMIT).catch(() => {})))
  }
}
