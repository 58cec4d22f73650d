import * as v from 'valibot'
import type { OptionIssue } from '../errors.ts'
import { isRecord, rejectIssues } from '../option-issues.ts'
import {
  abortSignal,
  findOptionIssues,
  flag,
  nonNegativeInteger,
  positiveInteger,
  text,
  timerDuration,
} from '../options.ts'
import { milliseconds, type Duration } from '../units.ts'

/** How memory is watched. */
export interface MemoryConfig {
  /**
   * What is watched: `'server'` (the test's), `'self'` (this process), a pid, or a server that `startServer` returned.
   * Default: the test's server if it has one, else this process.
   */
  target?: 'server' | 'self' | number | { readonly pid: number | undefined }
  /** Time between live samples. Default 100 (ms). */
  intervalMs?: Duration
  /** Ends the watch after so many samples. */
  sampleCount?: number
  /** Samples at the start that `baseline` and `growth` leave out. Default 3. */
  warmupSamples?: number
  /** Compare heaps after full collections: what the leak verdict is built on. Default true. */
  gc?: boolean
  /** Name the allocation sites that hold memory whatever the verdict, not only of a leak. Default false. */
  diagnose?: boolean
  /**
   * `expect(memory).not.toLeakMemory()` fails where the verdict is 'inconclusive' too.
   * Default true where the environment variable `CI` is set (and is not `false` or `0`), else false.
   */
  strict?: boolean
  /** Ends the watch, which then rejects with what was sampled. */
  signal?: AbortSignal
  /** What the watch is called in reports. */
  title?: string
}

/** Options of `measure`. */
export interface MeasureOptions {
  /**
   * How often the function is called after its warm-up. Where memory grew and the verdict would be `inconclusive`, it is
   * called as often again, if the test has the time.
   */
  iterations: number
}

function isTarget(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && value > 0
  return value === 'server' || value === 'self' || (typeof value === 'object' && value !== null && 'pid' in value)
}

const target = v.custom<MemoryConfig['target']>(isTarget, "'server', 'self', a process id or a server")

const memoryConfig = v.strictObject(
  {
    target: v.optional(target),
    intervalMs: v.optional(timerDuration),
    sampleCount: v.optional(positiveInteger),
    warmupSamples: v.optional(nonNegativeInteger),
    gc: v.optional(flag),
    diagnose: v.optional(flag),
    strict: v.optional(flag),
    signal: v.optional(abortSignal),
    title: v.optional(text),
  },
  'an object',
)

/** Every mistake in a `MemoryConfig`. */
export function findMemoryOptionIssues(input: unknown, prefix = ''): OptionIssue[] {
  return findOptionIssues(memoryConfig, input, prefix)
}

const watchDuration = v.object({ duration: timerDuration })
const measureOptions = v.strictObject({ iterations: positiveInteger }, 'an object')
const callable = (name: string) => v.object({ [name]: v.function('a function') })

/** A `MemoryConfig` with every default in place. */
export interface ResolvedMemoryConfig {
  target: MemoryConfig['target']
  intervalMs: number
  sampleCount: number
  warmupSamples: number
  gc: boolean
  diagnose: boolean
  strict: boolean
  signal: AbortSignal | undefined
  title: string | undefined
}

/** What a watch is asked for: throws one `PerfOptionsError` with all that is wrong. */
export function resolveMemoryOptions(
  config: MemoryConfig = {},
  defaults: Partial<MemoryConfig> = {},
  given: { duration?: unknown; work?: unknown; fn?: unknown; measure?: unknown } = {},
): ResolvedMemoryConfig {
  // What is no object is told, not spread.
  const merged: MemoryConfig = isRecord(config) && isRecord(defaults) ? { ...defaults, ...config } : config
  rejectIssues('memory options', [
    ...('duration' in given ? findOptionIssues(watchDuration, { duration: given.duration }) : []),
    ...('work' in given ? findOptionIssues(callable('work'), { work: given.work }) : []),
    ...('fn' in given ? findOptionIssues(callable('fn'), { fn: given.fn }) : []),
    ...('measure' in given ? findOptionIssues(measureOptions, given.measure) : []),
    ...findMemoryOptionIssues(merged),
  ])
  return {
    target: merged.target,
    intervalMs: milliseconds(merged.intervalMs ?? 100),
    sampleCount: merged.sampleCount ?? Infinity,
    warmupSamples: merged.warmupSamples ?? 3,
    gc: merged.gc ?? true,
    diagnose: merged.diagnose ?? false,
    strict: merged.strict ?? isContinuousIntegration(),
    signal: merged.signal,
    title: merged.title,
  }
}

function isContinuousIntegration(): boolean {
  return !['', 'false', '0'].includes(process.env['CI'] ?? '')
}
