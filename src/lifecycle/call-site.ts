import { frameLines, PerfError, withFrames } from '../errors.ts'

/** Frames that say nothing of the user's own code. */
const INTERNAL = /\(node:|at node:|\/node_modules\/(@vitest|vitest|chai)\//

/** Whether a stack names a line that is neither ours nor of Node or Vitest. */
export function namesUserCode(error: Error): boolean {
  return frameLines(error).some((line) => !INTERNAL.test(line))
}

/**
 * The same work. An error of ours that it rejects with gets the frames of the line that called: V8 knows only where an error was
 * made, which is an event handler of ours. Call it from the public function itself, before its first `await`.
 */
export function fromCaller<T>(work: Promise<T>): Promise<T> {
  // Node formats the frames only if somebody reads them.
  const here = new Error()
  return work.catch((error: unknown) => {
    if (error instanceof PerfError && !namesUserCode(error)) withFrames(error, frameLines(here))
    throw error
  })
}

/** Gives an error of ours that no line of the user's led to (the set-up of a fixture) the line of its test. */
export function atLocation(
  error: unknown,
  file: string | undefined,
  at: { line: number; column: number } | undefined,
): void {
  if (!(error instanceof PerfError) || file === undefined || at === undefined || namesUserCode(error)) return
  withFrames(error, [`    at ${file}:${at.line}:${at.column}`])
}
