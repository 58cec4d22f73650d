import { ServerExitedError, type ServerFailure } from '../errors.ts'
import { isTreeAlive } from '../lifecycle/process-tree.ts'
import { adviseOnExit } from '../results/exit-advice.ts'
import { faultLine } from '../results/fault-line.ts'
import { afterLifetime, describeExit, formatFailure } from './failure-report.ts'
import type { ServerSource } from './server-options.ts'
import type { Exit, ServerProcess } from './server-process.ts'
import { nameOfSource } from './spawn-plan.ts'

/** Which server it was. */
interface ExitedServer {
  readonly source: ServerSource
  readonly cwd: string
  readonly url: string
}

/** Returns the error of a server whose end nobody asked for. */
export function exitErrorOf({ source, cwd, url }: ExitedServer, process: ServerProcess, exit: Exit): ServerExitedError {
  const { code, signal, lifetime } = exit
  const output = process.output.tail
  const fault = faultLine(output)
  const server: ServerFailure = {
    command: nameOfSource(source),
    cwd,
    url,
    ...(process.pid !== undefined && { pid: process.pid }),
    exitCode: code,
    exitSignal: signal,
    lifetime,
    output,
    // What was logged before a signal is not why it came.
    ...(fault !== undefined && signal === null && code !== 0 && { fault }),
  }
  const what = `The server ${describeExit(code, signal)}${afterLifetime(lifetime)} while a test used it.`
  const advice = adviseOnExit({ code, signal, output, isInBackground: isTreeAlive(process.tree) })
  return new ServerExitedError(formatFailure({ what, advice, server }), { server })
}
