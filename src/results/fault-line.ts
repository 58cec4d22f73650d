import stripAnsi from 'strip-ansi'

// Finds, in what a program printed before it ended, the one line that says why.

const LONGEST = 300

/** What package managers, supervisors and shells print about a program that they started, and a runtime around an exception. */
const NOISE = [
  /^npm (ERR!|error|warn|notice|info)(\s|$)/i,
  /^[\s\u2009]*(ELIFECYCLE|ERR_PNPM_)/,
  /^error: script ".*" (exited|was terminated)/i,
  /^error Command failed with (exit code|signal)/,
  /^info Visit https:\/\/yarnpkg\.com/,
  /^> /,
  /^\[nodemon\]/,
  /^exit status \d+$/,
  /^Node\.js v\d+/,
  /^\(Use `node --trace-/,
  /^Emitted '.*' event (at|on)/,
  /^note: run with `RUST_BACKTRACE/,
]

const STACK_FRAME = /^\s+at\s/
const NAMED = /^(?:Uncaught:? )?\[?(?:[\w$]+\.)*(?:[A-Z][\w$]*)?(?:Error|Exception|Rejection|Failure)\b/
const ENDS_A_TRACEBACK = /^(?:[\w$]+\.)*[A-Za-z_][\w$]*(?::\s.*)?$/

/** A line that names a fault by itself, in the words of one runtime. */
const SPEAKING = [
  NAMED,
  /^(?:PHP )?(?:Fatal|Parse) error:/,
  /^(?:panic|fatal error): /,
  /^FATAL ERROR: /,
  /^Exception in thread ".*" /,
  /^Unhandled exception\. /,
  /^Caused by: /,
  /^thread '.*' (?:\(\d+\) )?panicked at /,
  /^\S+:\d+:in ['`].*: .* \(\w+\)$/,
  /^(?:\S*\/)?(?:sh|bash|dash|zsh|ash): .*(?:not found|denied|No such file|cannot|error)/i,
]

const SOUNDS_BAD =
  /\b(error|fatal|panic|exception|failed|failure|cannot|can't|could not|unable to|not found|denied|in use|refused|invalid|missing|required)\b/i

interface Fault {
  readonly at: number
  readonly text: string
}

/**
 * The line of a program's output that names the fault it ended by: the message of the last exception (Node, Python, Go,
 * Java, Ruby, PHP, .NET, Rust), of an error that was logged as JSON, or else the last line that sounds like an error.
 * Lines of package managers are skipped. `undefined` where no line does. Pure.
 */
export function faultLine(output: string): string | undefined {
  const lines = stripAnsi(output)
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter(isTelling)
  const found = [lastStack, lastThrown, lastTraceback, lastSpeaking, lastLogged]
    .map((find) => find(lines))
    .filter((fault) => fault !== undefined)
    .sort((a, b) => b.at - a.at)[0]
  const text = found?.text ?? lines.findLast((line) => SOUNDS_BAD.test(line))
  const line = text?.trim().replace(/ \{$/, '')
  return line && line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line
}

/** The lines of a program's output without what package managers and the like print of themselves. */
export function withoutNoise(lines: readonly string[]): string[] {
  const kept = lines.filter(isTelling)
  // Blank lines at the ends and in rows of two say nothing either.
  const single = kept.filter((line, index) => line.trim() !== '' || (index > 0 && kept[index - 1]?.trim() !== ''))
  return single.at(-1)?.trim() === '' ? single.slice(0, -1) : single
}

function isTelling(line: string): boolean {
  return !NOISE.some((noise) => noise.test(line))
}

/** The head of the last stack of `at` lines (JavaScript, Java, .NET). A message of several lines begins above it. */
function lastStack(lines: readonly string[]): Fault | undefined {
  const last = lines.findLastIndex((line) => STACK_FRAME.test(line))
  if (last === -1) return undefined
  let first = last
  while (
    first > 0 &&
    (STACK_FRAME.test(lines[first - 1] ?? '') || /^\s*\.\.\. \d+ more/.test(lines[first - 1] ?? ''))
  ) {
    first -= 1
  }
  for (let at = first - 1; at >= 0 && last - at <= 200; at -= 1) {
    const line = lines[at] as string
    if (SPEAKING.some((words) => words.test(line))) return { at: last, text: line }
    if (line === '') break
  }
  const head = lines[first - 1]
  return head ? { at: last, text: head } : undefined
}

/** What Node prints below the caret that marks a `throw`: also of values that are no errors. */
function lastThrown(lines: readonly string[]): Fault | undefined {
  const caret = lines.findLastIndex((line) => /^\s*\^+$/.test(line))
  if (caret === -1) return undefined
  const at = lines.findIndex((line, index) => index > caret && line !== '')
  const line = lines[at]
  return line && !/^\s/.test(line) ? { at, text: line } : undefined
}

/** The line that closes Python's last traceback. */
function lastTraceback(lines: readonly string[]): Fault | undefined {
  const start = lines.findLastIndex((line) => /^\s*Traceback \(most recent call last\):/.test(line))
  if (start === -1) return undefined
  const at = lines.findIndex((line, index) => index > start && ENDS_A_TRACEBACK.test(line))
  return at === -1 ? undefined : { at, text: lines[at] as string }
}

function lastSpeaking(lines: readonly string[]): Fault | undefined {
  const at = lines.findLastIndex((line) => SPEAKING.some((words) => words.test(line)))
  if (at === -1) return undefined
  const line = lines[at] as string
  // Rust prints its message below the place.
  const next = /^thread '.*' .*:$/.test(line) ? lines[at + 1] : undefined
  return { at, text: next ? `${line} ${next.trim()}` : line }
}

/** The last error of a logger that writes a JSON object per line (pino, bunyan, winston). */
function lastLogged(lines: readonly string[]): Fault | undefined {
  const at = lines.findLastIndex((line) => line.startsWith('{') && loggedError(line) !== undefined)
  return at === -1 ? undefined : { at, text: loggedError(lines[at] as string) as string }
}

function loggedError(line: string): string | undefined {
  try {
    const { level, msg, message, err, error } = JSON.parse(line) as Record<string, unknown>
    const isError = (typeof level === 'number' && level >= 50) || /^(error|fatal|crit)/i.test(String(level))
    if (!isError) return undefined
    const cause = (err ?? error) as { type?: unknown; name?: unknown; message?: unknown } | undefined
    const text = typeof cause?.message === 'string' ? cause.message : (msg ?? message)
    const name = cause?.type ?? cause?.name
    if (typeof text !== 'string' || text === '') return undefined
    return typeof name === 'string' ? `${name}: ${text}` : text
  } catch {
    return undefined
  }
}
