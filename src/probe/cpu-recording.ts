import type { Session } from 'node:inspector'
import { clearTimeout, setTimeout } from '../lifecycle/real-timers.ts'
import type { CpuProfile } from './cpu-samples.ts'
import { post } from './inspector-post.ts'
import { joinStretches } from './joined-profile.ts'

/**
 * A sample adds 255 nodes at most, each of some 300 bytes of JSON. V8 hands a profile over as one string, and the process ends if that
 * is longer than 512 MB.
 */
export const MOST_SAMPLES = 7_000

/**
 * V8's sampling CPU profiler, for a load of unknown length: when it has `MOST_SAMPLES`, every other one is dropped, and from then on
 * samples are taken half as often.
 */
export class CpuRecording {
  readonly #session: Session
  #interval: number
  #before: CpuProfile | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #renewal: Promise<void> | undefined

  private constructor(session: Session, interval: number) {
    this.#session = session
    this.#interval = interval
  }

  /** `interval`: microseconds between two samples. */
  static async start(session: Session, interval: number, mostSamples = MOST_SAMPLES): Promise<CpuRecording> {
    const recording = new CpuRecording(session, interval)
    await post(session, 'Profiler.enable', {})
    await recording.#begin(mostSamples)
    return recording
  }

  /** Ends it. Returns all that was sampled. */
  async stop(): Promise<CpuProfile> {
    this.close()
    await this.#renewal
    const profile = await this.#end()
    return this.#before ? joinStretches([this.#before, profile]) : profile
  }

  /** Lets the profiler end with its session. Idempotent. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  async #begin(mostSamples: number): Promise<void> {
    await post(this.#session, 'Profiler.setSamplingInterval', { interval: this.#interval })
    await post(this.#session, 'Profiler.start', {})
    if (this.#isClosed) return
    const left = mostSamples - (this.#before?.samples?.length ?? 0)
    // Where this fails, `stop` fails as well, and says why.
    const renew = (): void => void (this.#renewal = this.#renew(mostSamples).catch(() => {}))
    this.#timer = setTimeout(renew, (left * this.#interval) / 1_000)
    this.#timer.unref()
  }

  async #end(): Promise<CpuProfile> {
    return ((await post(this.#session, 'Profiler.stop', {})) as { profile: CpuProfile }).profile
  }

  async #renew(mostSamples: number): Promise<void> {
    const profile = await this.#end()
    this.#before = joinStretches(this.#before ? [this.#before, profile] : [profile], 2)
    this.#interval *= 2
    await this.#begin(mostSamples)
  }
}
