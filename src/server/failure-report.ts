import type { ServerFailure } from '../errors.ts'
import { signalOfExit } from '../results/exit-advice.ts'
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

/** How a process ended, for a sentence: `exited with code 1`, `was ended by SIGSEGV`. */
export function describeExit(code: number | null | undefined, signal: string | null | undefined): string {
  if (signal) return `was ended by ${signal}`
  const told = signalOfExit(code, signal)
  return `exited with code ${code ?? 'unknown'}${told ? ` (as after ${told})` : ''}`
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
