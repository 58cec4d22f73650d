import { constants } from 'node:os'
import type { ServerFailure } from '../errors.ts'
import { formatDuration } from '../units.ts'
import { lastLines } from './output.ts'

/** Lines of output in an error's message; all that is kept of it is in `error.server.output`. */
const LINES = 20

/** The story of a server that failed: what happened, and all that helps to see why. */
export interface FailureStory {
  /** The first sentence. */
  readonly what: string
  /** What to do about it. */
  readonly advice?: string | undefined
  readonly server: ServerFailure
  /** Message of the last health check, if there was one. */
  readonly lastProbe?: string | undefined
}

/** The signal that ended a process: its own, or the one that a shell tells by an exit code over 128. */
export function signalOfExit(code: number | null | undefined, signal: string | null | undefined): string | undefined {
  if (signal) return signal
  if (typeof code !== 'number' || code <= 128) return undefined
  return Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0]
}

/** How a process ended, for a sentence: `exited with code 1`, `was ended by SIGSEGV`. */
export function describeExit(code: number | null | undefined, signal: string | null | undefined): string {
  if (signal) return `was ended by ${signal}`
  const told = signalOfExit(code, signal)
  return `exited with code ${code ?? 'unknown'}${told ? ` (as after ${told})` : ''}`
}

/** What usually lies behind an exit code of the shell or a well-known line of output. */
export function adviseOnExit(code: number | null | undefined, signal: string | null | undefined, output: string) {
  if (code === 127) return 'The shell did not find the command: check its spelling, `cwd` and PATH.'
  if (code === 126) return 'The shell may not execute that file: check its permissions.'
  if (/EADDRINUSE|address already in use/i.test(output))
    return 'Have the server listen on the port in the variable PORT.'
  if (signalOfExit(code, signal) === 'SIGKILL') return 'Something killed it: perhaps the system, for want of memory.'
  if (code === 0 && !signal) return 'A server has to stay in the foreground: leave `&`, `--daemon` and the like out.'
  return undefined
}

/** The whole message of an error on a server, several lines. */
export function formatFailure({ what, advice, server, lastProbe }: FailureStory): string {
  const facts: [string, string | undefined][] = [
    ['command', server.command],
    ['folder', server.cwd],
    ['url', server.url],
    ['last probe', lastProbe],
  ]
  const lines = [advice ? `${what} ${advice}` : what]
  for (const [name, value] of facts) if (value !== undefined) lines.push(`  ${name}: ${value}`)
  const output = lastLines(server.output, LINES)
  if (output === '') lines.push('  output: none')
  else lines.push('  last output:', ...output.split('\n').map((line) => `  | ${line}`))
  return lines.join('\n')
}

/** ` after 1.20 s`, or nothing where it is not known. */
export function afterLifetime(lifetime: number | undefined): string {
  return lifetime === undefined ? '' : ` after ${formatDuration(lifetime)}`
}
