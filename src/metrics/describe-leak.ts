import * as v from 'valibot'
import type { OptionIssue } from '../errors.ts'
import { findOptionIssues, flag, optionIssue, positiveNumber } from '../options.ts'
import { formatBytes, formatDuration } from '../units.ts'
import type { LeakVerdict, MemoryResult, MemorySuspect } from './memory-result.ts'

/** Options of `toLeakMemory`. */
export interface LeakOptions {
  /** Also fail where the verdict is 'inconclusive'. Default false: it passes with a note in the report. */
  strict?: boolean
  /** A leak of at most so many bytes a request is accepted. */
  maxBytesPerRequest?: number
}

const leakOptions = v.strictObject(
  { strict: v.optional(flag), maxBytesPerRequest: v.optional(positiveNumber) },
  'an object',
)

/** What `toLeakMemory` says of a result. */
export interface LeakDescription {
  /** Whether `toLeakMemory` passes, and so `not.toLeakMemory` fails. */
  readonly leaking: boolean
  /** The verdict could not be reached, and that was accepted: to be shown although the matcher passes. */
  readonly note: string | undefined
  readonly message: string
}

/** Every mistake in what a user gave to `toLeakMemory`. */
export function findLeakIssues(received: unknown, options: unknown = {}): OptionIssue[] {
  const verdict = (received as Partial<MemoryResult> | undefined)?.leak?.verdict
  return [
    ...(verdict === undefined
      ? [optionIssue('expect(…)', 'the result of `monitor`, `during` or `measure` of a memory monitor', received)]
      : []),
    ...findOptionIssues(leakOptions, options),
  ]
}

/** Whether memory leaks, in words: the verdict's reason, then who holds the memory. */
export function describeLeak(result: MemoryResult, options: LeakOptions = {}): LeakDescription {
  const { leak } = result
  const unsure = leak.verdict === 'inconclusive'
  const leaking = leak.verdict === 'leak' ? !isAccepted(leak, options) : unsure && options.strict === true
  const name = result.title === undefined ? 'The watched target' : `'${result.title}'`
  const head = {
    leak: leaking ? `${name} leaks memory (${leak.metric}).` : `${name} leaks less than allowed.`,
    stable: `${name} does not leak memory.`,
    inconclusive: `Whether ${name === 'The watched target' ? 'the watched target' : name} leaks memory could not be decided.`,
  }[leak.verdict]
  const message = [head, leak.reason, ...suspectLines(leak.suspects), collectionLine(result)].filter(Boolean).join('\n')
  return { leaking, note: unsure && !leaking ? message : undefined, message }
}

function isAccepted({ bytesPerRequest }: LeakVerdict, { maxBytesPerRequest }: LeakOptions): boolean {
  return maxBytesPerRequest !== undefined && bytesPerRequest !== undefined && bytesPerRequest <= maxBytesPerRequest
}

/** Three lines say enough; the rest is in the result. */
function suspectLines(suspects: readonly MemorySuspect[] | undefined): string[] {
  return (suspects ?? []).slice(0, 3).map(({ function: name, location, bytes, share }) => {
    const part = share === undefined ? '' : `, ${Math.round(share * 100)} % of what is still alive`
    return `  ${name} (${location}): ${formatBytes(bytes)}${part}`
  })
}

function collectionLine({ collections, floors }: MemoryResult): string {
  if (!collections || collections.count === 0) return ''
  return `(${floors.length} floors from ${collections.count} forced collections, which took ${formatDuration(collections.time)})`
}
