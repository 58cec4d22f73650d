import { Session } from 'node:inspector'
import type { FlameNode, HotFunction, LoopBlock, ProfiledIsolate } from '../results/profile-result.ts'
import { nanoseconds, readClock } from '../lifecycle/real-timers.ts'
import {
  callTree,
  cpuTimes,
  heaviestStack,
  type CallNode,
  type CpuFrame,
  type CpuProfile,
  type FunctionTime,
} from './cpu-samples.ts'
import { CpuRecording } from './cpu-recording.ts'
import { limitInlining, resumeInlining } from './inlined-code.ts'
import { post } from './inspector-post.ts'
import { LoopTimer } from './loop-delay.ts'
import type { IsolateProfile } from './protocol.ts'
import { writeProfile } from './profile-file.ts'
import { readProcessorTimes, type ProcessorTimes } from './processor-time.ts'
import { SourceLines } from './source-lines.ts'
import { WaitRecorder } from './wait-recorder.ts'

/** Functions of a profile that are worth naming. */
const MOST_FUNCTIONS = 20
const MOST_FRAMES = 8
/** Milliseconds without a turn of the event loop that are worth a word. */
const SHORTEST_BLOCK = 50
/** A callee is named where it took this part of the time that its caller answers for. */
const MOSTLY = 0.5

interface Recording {
  readonly session: Session
  cpu: CpuRecording | undefined
  startedAt: number
  processor: ProcessorTimes | undefined
  readonly waits: WaitRecorder
  readonly timer: LoopTimer
  /** The longest time without a turn, in milliseconds, and when it ended, in microseconds of V8's clock. */
  block: { duration: number; endedAt: number }
}

/** V8's sampling CPU profiler and the record of waits, for the isolate that this module runs in. One recording at a time. */
export class IsolateProfiler {
  #recording: Recording | undefined

  /** `interval`: microseconds between two samples. */
  async start(interval: number): Promise<void> {
    if (this.#recording) return
    const session = new Session()
    session.connect()
    const block = { duration: 0, endedAt: 0 }
    const timer = new LoopTimer((delay) => {
      if (delay > block.duration) Object.assign(block, { duration: delay, endedAt: microseconds() })
    })
    const waits = new WaitRecorder()
    const recording: Recording = {
      session,
      cpu: undefined,
      startedAt: readClock(),
      processor: undefined,
      waits,
      timer,
      block,
    }
    this.#recording = recording
    recording.cpu = await CpuRecording.start(session, interval)
    await limitInlining(session)
    // To start takes V8 up to some hundred milliseconds of the loop, which are not the server's.
    recording.startedAt = readClock()
    recording.processor = readProcessorTimes()
    waits.start()
    timer.start()
  }

  /** Ends the recording, writes V8's profile to `file`, and says what was in it. */
  async stop(file: string): Promise<IsolateProfile | null> {
    const recording = this.#recording
    if (!recording) return null
    this.#recording = undefined
    const { session, cpu, startedAt, processor, waits, timer, block } = recording
    timer.catchUp()
    timer.stop()
    const { served, waits: calls } = waits.stop()
    const duration = readClock() - startedAt
    try {
      if (!cpu) return null
      const profile = await cpu.stop()
      await resumeInlining(session)
      await post(session, 'Profiler.disable', {})
      const lines = await SourceLines.of(session)
      return {
        file: tryToWrite(file, profile),
        ...describeProfile(profile, lines),
        ...describeBlock(profile, block, lines),
        ...(processor && describeProcessor(processor, duration)),
        duration,
        serving: Math.min(1, served.serving / duration),
        requests: served.requests,
        requestTime: served.time,
        followed: served.followed,
        waits: calls.map(({ stack, ...wait }) => {
          const location = stack === undefined ? undefined : lines.locateCaller(stack)
          return { ...wait, ...(location !== undefined && { location }) }
        }),
      }
    } finally {
      session.disconnect()
    }
  }

  close(): void {
    const recording = this.#recording
    this.#recording = undefined
    if (!recording) return
    recording.timer.stop()
    recording.waits.close()
    recording.cpu?.close()
    void resumeInlining(recording.session)
      .catch(() => {})
      .finally(() => recording.session.disconnect())
  }
}

/** A disk that is full is no reason to lose what the profile says. */
function tryToWrite(file: string, profile: CpuProfile): IsolateProfile['file'] {
  try {
    return { bytes: writeProfile(file, profile) }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

/** Parts of the recording in which threads ran, and in which they were ready to run and had no processor. */
function describeProcessor(before: ProcessorTimes, duration: number): Pick<ProfiledIsolate, 'processor'> {
  const now = readProcessorTimes()
  if (!now) return {}
  const { thread, process } = before
  const running = Math.min(1, Math.max(0, now.thread.running - thread.running) / duration)
  // The account is settled when the thread runs again: it may hold some of the time before.
  const waiting = Math.min(1 - running, Math.max(0, now.thread.ready - thread.ready) / duration)
  const ran = now.process.running - process.running
  const waited = Math.max(0, now.process.ready - process.ready)
  return {
    processor: {
      running,
      waiting,
      slowdown: ran > 0 ? (ran + waited) / ran : 1,
    },
  }
}

/** V8's clock is the monotonic one of the system. */
function microseconds(): number {
  return Number(nanoseconds() / 1_000n)
}

/** Branches of the flame graph that took a smaller part of the busy time are left out. */
const NARROWEST = 0.005

type CpuPart = Pick<ProfiledIsolate, 'eventLoopUtilization' | 'cpu' | 'hot' | 'garbage' | 'flame'>

function describeProfile(profile: CpuProfile, lines: SourceLines): CpuPart {
  const { user, idle, gc, functions, unowned } = cpuTimes(profile)
  const all = user + idle + gc || 1
  const busy = user + gc || 1
  const collector = functions.filter(({ garbage }) => garbage > 0).toSorted((a, b) => b.garbage - a.garbage)[0]
  return {
    // Node's own figure is wrong under the profiler: libuv forgets the idle time before each signal that takes a sample.
    eventLoopUtilization: (user + gc) / all,
    cpu: { user: user / all, idle: idle / all, gc: gc / all },
    hot: rank(functions, unowned).map((found) => describeFunction(found, found === unowned, busy, lines)),
    flame: callTree(profile, NARROWEST).map((node) => flameNode(node, lines)),
    ...(collector && { garbage: { ...place(collector.frame, lines), share: collector.garbage / gc } }),
  }
}

function flameNode({ frame, code, time, children }: CallNode, lines: SourceLines): FlameNode {
  const { function: name, location } = place(frame, lines)
  const below = children.map((child) => flameNode(child, lines))
  return { name, location, code, value: time / 1_000, ...(below.length > 0 && { children: below }) }
}

/** The project's own code first, by the time it answers for; then that of others, by the time they answer for and their own time. */
function rank(functions: readonly FunctionTime[], unowned: FunctionTime | undefined): FunctionTime[] {
  const own = functions.filter(({ code }) => code === 'own').toSorted((a, b) => b.attributed - a.attributed)
  const others = functions
    .filter((found) => found.code !== 'own' && found !== unowned)
    .toSorted((a, b) => b.self - a.self)
  return [...own.slice(0, MOST_FUNCTIONS - 5), ...(unowned ? [unowned] : []), ...others].slice(0, MOST_FUNCTIONS)
}

function describeFunction(found: FunctionTime, isUnowned: boolean, busy: number, lines: SourceLines): HotFunction {
  const { frame, code, self, total, attributed, callees } = found
  const [callee] = [...callees].toSorted(([, a], [, b]) => b - a)
  const isMostly = callee !== undefined && callee[1] >= attributed * MOSTLY
  return {
    ...place(frame, lines),
    self: self / busy,
    total: total / busy,
    code,
    ...(code === 'own' && { attributed: attributed / busy }),
    ...(isUnowned && { attributed: found.unowned / busy }),
    ...(isMostly && { mostlyIn: nameOf(callee[0]) }),
  }
}

function describeBlock(
  profile: CpuProfile,
  { duration, endedAt }: Recording['block'],
  lines: SourceLines,
): { blocked?: LoopBlock } {
  if (duration < SHORTEST_BLOCK) return {}
  const frames = heaviestStack(profile, endedAt - duration * 1_000, endedAt)
  const stack = frames.slice(0, MOST_FRAMES).map((frame) => `${nameOf(frame)} (${place(frame, lines).location})`)
  return { blocked: { duration, stack } }
}

function nameOf({ functionName }: CpuFrame): string {
  return functionName === '' ? '(anonymous)' : functionName
}

function place(frame: CpuFrame, lines: SourceLines): { function: string; location: string } {
  const { scriptId, url, lineNumber: line, columnNumber: column } = frame
  const location = url === '' ? 'native' : lines.locate({ scriptId, url, line, column })
  return { function: nameOf(frame), location }
}
