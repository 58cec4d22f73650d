import { Session, type Profiler } from 'node:inspector'
import { findSourceMap } from 'node:module'
import { readClock } from '../../lifecycle/real-timers.ts'
import { hottestLine, type HotLine, type SourcePosition } from './hot-line.ts'

/** Microseconds between two samples: costs about 5 % of CPU time while it records. */
const INTERVAL = 5_000
/** Milliseconds of the first recording. It is discarded if the process was never late. */
const FIRST = 300
/** Milliseconds of a recording that began because the process was late. */
const LONGEST = 5_000
/** Milliseconds of lateness in all that make a recording worth keeping, and that begin one. */
const LATE = 50

/** Records what keeps this process busy while it runs a scenario: at its beginning, and again when its event loop is late. */
export class LoopProfiler {
  #session: Session | undefined
  #recordingSince = 0
  #lastLook = 0
  /** Milliseconds of lateness since the recording began, or was discarded. */
  #late = 0
  #kept: Profiler.Profile | undefined
  #isFirst = true

  begin(): void {
    this.#lastLook = readClock()
    this.#record()
  }

  #record(): void {
    try {
      const session = new Session()
      session.connect()
      session.post('Profiler.enable')
      session.post('Profiler.setSamplingInterval', { interval: INTERVAL })
      session.post('Profiler.start')
      this.#session = session
    } catch {
      // Somebody else profiles this process: then there is no line to name.
    }
    this.#recordingSince = readClock()
  }

  /** To be called every `interval` milliseconds. */
  look(now: number, interval: number): void {
    const late = Math.max(0, now - this.#lastLook - interval)
    this.#lastLook = now
    if (late > interval) this.#late += late
    if (this.#kept) return
    if (!this.#session) {
      if (this.#late >= LATE) this.#record()
      return
    }
    const recorded = now - this.#recordingSince
    if (this.#isFirst && recorded > FIRST && this.#late < LATE) {
      this.#isFirst = false
      this.#late = 0
      this.#stop()
    } else if (recorded > LONGEST) {
      this.#kept = this.#stop()
    }
  }

  #stop(): Profiler.Profile | undefined {
    let profile: Profiler.Profile | undefined
    // Within one thread the answer is there when `post` returns.
    this.#session?.post('Profiler.stop', (error, result) => {
      if (!error) profile = result.profile
    })
    this.#session?.disconnect()
    this.#session = undefined
    return profile
  }

  /** Ends the recording; returns the line of the user's that costs most. `isOwn` says whether a source is the user's. */
  end(isOwn: (file: string) => boolean): HotLine | undefined {
    const profile = this.#kept ?? this.#stop()
    this.#kept = undefined
    this.#stop()
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
