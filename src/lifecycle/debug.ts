import { debuglog } from 'node:util'

/** Written to stderr with `NODE_DEBUG=vitest-perf`: decisions taken in silence, and errors that decide nothing. */
export const debug = debuglog('vitest-perf')

/** Returns what `read` returns, and nothing where it throws: for what can be done without. */
export function orNothing<T>(where: string, read: (() => T | undefined) | undefined): T | undefined {
  try {
    return read?.()
  } catch (error) {
    return swallow(where)(error)
  }
}

/** For errors that must not decide anything: says where they happened, with `NODE_DEBUG=vitest-perf`. */
export function swallow(where: string): (error: unknown) => undefined {
  return (error) => {
    debug('%s: %s', where, error)
  }
}
