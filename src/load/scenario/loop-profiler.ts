import { Session, type Profiler } from 'node:inspector'
import { findSourceMap } from 'node:module'
import { swallow } from '../../lifecycle/debug.ts'
import { limitInlining, resumeInlining } from '../../probe/inlined-code.ts'
import { readClock } from '../../lifecycle/real-timers.ts'
import { loopUsage } from '../measure/loop-usage.ts'
import { busyShare, hottestLine, type HotLine, type SourcePosition } from './hot-line.ts'
import { RecordingRule } from './recording-rule.ts'

/** Microseconds between two samples: costs about 5 % of CPU time while it records. */
const INTERVAL = 5_000

/** Records what keeps this process busy while it runs a scenario, when it is busy. */
export class LoopProfiler {
  #rule: RecordingRule | undefined
  #session: Session | undefined
  /** The recording in which the process was busiest. */
  #kept: Profiler.Profile | undefined

  begin(): void {
    this.#rule = new RecordingRule(readClock(), loopUsage.read())
  }

  /** To be called every `interval` milliseconds. */
  look(now: number, interval: number): void {
    const act = this.#rule?.look(now, interval, loopUsage.read())
    if (act === 'begin') this.#record()
    else if (act === 'end') this.#stop()
  }

  #record(): void {
    loopUsage.beginRecording()
    try {
      const session = new Session()
      session.connect()
      session.post('Profiler.enable')
      session.post('Profiler.setSamplingInterval', { interval: INTERVAL })
      session.post('Profiler.start')
      limitInlining(session).catch(swallow('profile of a scenario'))
      this.#session = session
    } catch {
      // Somebody else profiles this process: then there is no line to name.
      loopUsage.endRecording()
    }
  }

  /** Keeps the recording if there is none in which the process was busier. */
  #stop(): void {
    const session = this.#session
    if (!session) return
    this.#session = undefined
    // Within one thread the answer is there when `post` returns.
    session.post('Profiler.stop', (error, result) => {
      if (!error && !(this.#kept && busyShare(this.#kept) >= busyShare(result.profile))) this.#kept = result.profile
    })
    resumeInlining(session)
      .catch(swallow('profile of a scenario'))
      .finally(() => session.disconnect())
    loopUsage.endRecording()
  }

  /** Ends; returns the line of the user's that costs most. `isOwn` says whether a source is the user's. */
  end(isOwn: (file: string) => boolean): HotLine | undefined {
    this.#rule = undefined
    this.#stop()
    const profile = this.#kept
    this.#kept = undefined
    return profile && hottestLine(profile, (url, line, column) => originalPosition(url, line, column, isOwn))
  }
}

interface Entry {
  readonly originalSource: string
  readonly originalLine: number
}

function originalPosition(
  url: string,
  line: number,
  column: number,
  isOwn: (file: string) => boolean,
): SourcePosition | undefined {
  const map = url.startsWith('file:') ? findSourceMap(url) : undefined
  // An empty object where nothing is mapped.
  const { originalSource, originalLine } = (map?.findEntry(line, column) ?? {}) as Partial<Entry>
  if (originalSource === undefined || originalLine === undefined || !isOwn(originalSource)) return undefined
  return { file: originalSource, line: originalLine + 1 }
}
