import { constants } from 'node:os'

/** The signal that ended a process: its own, or the one that a shell tells by an exit code over 128. */
export function signalOfExit(code: number | null | undefined, signal: string | null | undefined): string | undefined {
  if (signal) return signal
  if (typeof code !== 'number' || code <= 128) return undefined
  return Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0]
}

/** How a process ended, and what it left. */
export interface KnownExit {
  readonly code: number | null | undefined
  readonly signal: string | null | undefined
  readonly output: string
  /** Processes that it started still run. */
  readonly isInBackground?: boolean
  /** It had no input, which some programs take for the end of their work. */
  readonly hadNoInput?: boolean
}

/** What usually lies behind an exit code of the shell or a well-known line of output. */
export function adviseOnExit({ code, signal, output, isInBackground, hadNoInput }: KnownExit): string | undefined {
  if (code === 127) return 'The shell did not find the command: check its spelling, `cwd` and PATH.'
  if (code === 126) return 'The shell may not execute that file: check its permissions.'
  if (/EADDRINUSE|address already in use/i.test(output))
    return 'Have the server listen on the port in the variable PORT.'
  if (signalOfExit(code, signal) === 'SIGKILL')
    return 'Something killed it: perhaps the system, because memory ran out.'
  if (signal) return undefined
  if (code !== 0) {
    if (!hadNoInput || output.trim() !== '') return undefined
    return "It printed nothing. If it ends when its input does, set `stdin: 'open'`."
  }
  if (isInBackground) return 'A server has to stay in the foreground: leave `&`, `--daemon` and the like out.'
  if (!hadNoInput) return undefined
  return "A server has to stay. If it ends when its input does, as `esbuild --serve` does, set `stdin: 'open'`."
}
