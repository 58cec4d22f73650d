// What an npm script prints around its program, and what a runtime prints around an exception.
const NOISE = [
  /^npm (ERR!|error|warn|WARN|notice|info)(\s|$)/,
  /^> \S+@\S+ \S+$/,
  /^> \S/,
  /^(ELIFECYCLE|\s*ELIFECYCLE)\b/,
  /^(error Command failed|info Visit https:\/\/yarnpkg)/,
  /^\u2009?ELIFECYCLE/,
  /^Node\.js v\d+/,
  /^\(Use `node --trace/,
]

const FAULTS = [
  // Node, Python, Java, .NET, Ruby: a class of errors and its message, not indented and not a frame.
  /^(?:Uncaught |Unhandled exception\. |Exception in thread "[^"]*" )?(?:[\w$]+[.:]+)*[\w$]*(?:Error|Exception)(?: \[\w+\])?: ?\S/,
  /^\[?\w*Error\b.*: \S/,
  // Ruby: "app.rb:3:in `run': message (RuntimeError)".
  /^\S+:\d+:in .*\((?:\w+::)*\w*(?:Error|Exception)\)$/,
  // Go, Rust, C.
  /^(?:panic|fatal error|thread '[^']*' panicked)\b/,
  /^(?:Segmentation fault|Bus error|Aborted)\b/,
  // Shells.
  /^(?:\S+: )+(?:\d+: )?.*(?:not found|No such file or directory|Permission denied)$/,
  /^(?:fatal|error|ERROR|FATAL)\b[: ]/,
]

/** The lines of a server's output without what npm and the like print of themselves. */
export function withoutNoise(lines: readonly string[]): string[] {
  const kept = lines.filter((line) => !NOISE.some((noise) => noise.test(line)))
  // Blank lines at the ends and in rows of two say nothing either.
  const single = kept.filter((line, index) => line.trim() !== '' || (index > 0 && kept[index - 1]?.trim() !== ''))
  return single.at(-1)?.trim() === '' ? single.slice(0, -1) : single
}

/** The line that names the fault: the exception of a program that crashed, or what its shell complained about. */
export function faultLine(lines: readonly string[]): string | undefined {
  const told = withoutNoise(lines)
  for (const fault of FAULTS) {
    const line = told.findLast((candidate) => fault.test(candidate))
    if (line !== undefined) return line.trim()
  }
  return undefined
}
