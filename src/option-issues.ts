import { PerfOptionsError, type OptionIssue } from './errors.ts'

// Apart from `options.ts`, so that modules that only word issues do not load the schema library.

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The longest delay of Node's timers in milliseconds. A timer with a longer one fires at once. */
export const LONGEST_TIMER = 2_147_483_647

/** The option's value as it would stand in code, short enough for a message. */
export function describeValue(value: unknown): string {
  if (value === undefined) return '`undefined`'
  if (typeof value === 'function') return 'a function'
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : typeof value === 'object' && value !== null && !(value instanceof RegExp)
        ? safeJson(value)
        : String(value)
  const short = text.length > 80 ? `${text.slice(0, 77)}...` : text
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  return value === null ? '`null`' : `\`${short}\` (${type})`
}

function safeJson(value: object): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

/** Words a mistake in an option. All messages about options have this form. */
export function optionIssue(option: string, expected: string, received: unknown): OptionIssue {
  return {
    option,
    expected,
    received,
    message: `Expected \`${option}\` to be ${expected}, got ${describeValue(received)}`,
  }
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** Returns the known name nearest to a mistyped one, or `undefined` if none is near enough to be meant. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  const near = name.length <= 3 ? 1 : Math.max(2, Math.floor(name.length / 3))
  return best && best.distance <= near ? best.candidate : undefined
}

/** Words an unknown option, with the name that may have been meant. */
export function unknownOption(option: string, known: readonly string[], received: unknown): OptionIssue {
  const last = option.split('.').at(-1) ?? option
  const nearest = nearestName(last, known)
  const hint = nearest ? `did you mean \`${nearest}\`?` : `known here: ${known.join(', ')}`
  return {
    option,
    expected: `one of ${known.join(', ')}`,
    received,
    message: `Unknown option \`${option}\` (${describeValue(received)}); ${hint}`,
  }
}

/** Throws one `PerfOptionsError` with all of `issues`, if there are any. */
export function rejectIssues(subject: string, issues: readonly OptionIssue[]): void {
  if (issues.length > 0) throw new PerfOptionsError(subject, issues)
}
