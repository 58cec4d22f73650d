import type { OptionIssue } from '../errors.ts'
import { formatGrowth } from '../results/constructor-growth.ts'
import type { LeakVerdict, MemoryResult } from '../results/memory-result.ts'
import { optionIssue, rejectIssues, unknownOption } from '../option-issues.ts'
import { formatBytes, formatDuration } from '../units.ts'

/** Options of `toLeakMemory`. */
export interface LeakOptions {
  /** Also fail where the verdict is 'inconclusive'. Default: the `strict` option of the watch, which is on where `CI` is set. */
  strict?: boolean
  /** A leak of at most so many bytes a request is accepted. */
  maxBytesPerRequest?: number
}

/** What `toLeakMemory` says of a result. */
export interface LeakDescription {
  /** Whether `toLeakMemory` passes, and so `not.toLeakMemory` fails. */
  readonly leaking: boolean
  readonly message: string
}

// By hand: this is the one check that every spec file would load the schema library for.
function findLeakOptionIssue(name: string, value: unknown): OptionIssue[] {
  if (value === undefined) return []
  switch (name) {
    case 'strict':
      return typeof value === 'boolean' ? [] : [optionIssue(name, 'true or false', value)]
    case 'maxBytesPerRequest': {
      const sound = typeof value === 'number' && Number.isFinite(value) && value > 0
      return sound ? [] : [optionIssue(name, 'a positive number', value)]
    }
    default:
      return [unknownOption(name, ['strict', 'maxBytesPerRequest'], value)]
  }
}

function findLeakIssues(received: unknown, options: LeakOptions): OptionIssue[] {
  const verdict = (received as Partial<MemoryResult> | null | undefined)?.leak?.verdict
  return [
    ...(verdict === undefined
      ? [optionIssue('expect(…)', 'what `monitor`, `during` or `measure` of a memory monitor returned', received)]
      : []),
    ...(typeof options === 'object' && options !== null ? [] : [optionIssue('options', 'an object', options)]),
    ...Object.entries(options ?? {}).flatMap(([name, value]) => findLeakOptionIssue(name, value)),
  ]
}

/**
 * Describes whether memory leaks: the verdict's reason, then what holds the memory. An 'inconclusive' verdict is not a
 * leak, but fails `not.toLeakMemory()` (`negated`) with `strict`.
 *
 * @throws {PerfOptionsError} if `received` is not a memory result, or an option is invalid.
 */
export function describeLeak(received: unknown, options: LeakOptions = {}, negated = true): LeakDescription {
  rejectIssues('use of `toLeakMemory`', findLeakIssues(received, options))
  const result = received as MemoryResult
  const { leak, title } = result
  const unsure = leak.verdict === 'inconclusive'
  const strict = options.strict ?? result.strict ?? false
  const leaking = unsure ? negated && strict : leak.verdict === 'leak' && !isAccepted(leak, options)
  const lines = [
    headline(result, title === undefined ? 'the watched target' : `'${title}'`, leaking),
    leak.reason,
    unsure && leaking ? strictLine(options) : '',
    ...diagnosisLines(leak),
    collectionLine(result),
  ]
  const message = lines.filter(Boolean).join('\n')
  return { leaking, message }
}

function headline({ leak }: MemoryResult, name: string, leaking: boolean): string {
  switch (leak.verdict) {
    case 'leak':
      return leaking
        ? `Memory leak (${leak.metric}) in ${name}.`
        : `Memory leak in ${name}, but a smaller one than allowed.`
    case 'stable':
      return `No memory leak in ${name}.`
    case 'inconclusive':
      return `No verdict whether ${name} leaks memory.`
  }
}

function strictLine(options: LeakOptions): string {
  return options.strict === undefined
    ? "It fails because `strict` is on, as it is where `CI` is set: load for longer, or set `memory: { strict: false }` in the plugin's options."
    : 'It fails because `strict` is set: load for longer.'
}

function isAccepted({ bytesPerRequest }: LeakVerdict, { maxBytesPerRequest }: LeakOptions): boolean {
  return maxBytesPerRequest !== undefined && bytesPerRequest !== undefined && bytesPerRequest <= maxBytesPerRequest
}

/** Three lines say enough; the rest is in the result. */
function diagnosisLines({ suspects = [], constructors }: LeakVerdict): string[] {
  const grown = formatGrowth(constructors)
  const places = suspects.slice(0, grown === '' ? 3 : 2).map(({ function: name, location, bytes, share }) => {
    const part = share === undefined ? '' : `, ${Math.round(share * 100)} % of what is still alive`
    return `  ${name} (${location}): ${formatBytes(bytes)}${part}`
  })
  return grown === '' ? places : [...places, `  grew: ${grown}`]
}

function collectionLine({ collections, floors }: MemoryResult): string {
  if (!collections || collections.count === 0) return ''
  return `(${floors.length} readings of memory after ${collections.count} forced collections, which took ${formatDuration(collections.time)})`
}
