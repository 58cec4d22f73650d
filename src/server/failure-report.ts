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
  if (signalOfExit(code, signal) === 'SIGKILL') return 'Something killed it: perhaps the system, for want of memory.'
  if (code !== 0 || signal) return undefined
  if (isInBackground) return 'A server has to stay in the foreground: leave `&`, `--daemon` and the like out.'
  if (!hadNoInput) return undefined
  return "A server has to stay. If it ends when its input does, as `esbuild --serve` does, set `stdin: 'open'`."
}

/** The whole message of an error on a server, several lines. */
export function formatFailure({ what, advice, server }: FailureStory): string {
  const { lastAttempt: attempt, fault } = server
  const facts: [string, string | undefined][] = [
    ['command', server.command],
    ['folder', server.cwd],
    ['url', server.url],
    ['last health check', attempt && `${attempt.asked} ${attempt.answered}`],
    ['its body', attempt?.body && JSON.stringify(attempt.body)],
  ]
  const said = fault && `It said: ${fault}`
  const lines = [[what, said, advice].filter(Boolean).join(' ')]
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
