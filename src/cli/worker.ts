import { availableParallelism } from 'node:os'
import process from 'node:process'
import { parseAddress } from '../load/plan/locust-options.ts'
import { findMasterProblem, findTokenAdvice } from '../load/worker/signed-plan.ts'
import { startWorker } from '../load/worker/worker.ts'
import { LONGEST_TIMER } from '../option-issues.ts'
import { readSettings } from '../settings.ts'
import { formatDuration, milliseconds, type Duration } from '../units.ts'

/** What `worker` was started with, as it was typed. */
export interface WorkerArguments {
  readonly master?: string | true
  readonly processes: number | string
  readonly allow?: string | number | readonly (string | number)[]
  readonly exitAfter?: string | number | true
}

/** Milliseconds that last messages have to leave. */
const FAREWELL = 300

/**
 * Starts a worker and resolves; it runs until SIGINT or SIGTERM.
 *
 * @throws Error for arguments that are wrong, and where a package is missing.
 */
export async function runWorker({ master, processes, allow = [], exitAfter }: WorkerArguments): Promise<void> {
  const address = typeof master === 'string' ? parseAddress(master) : undefined
  if (!address) {
    throw new Error(`Expected --master HOST:PORT, such as --master 10.0.0.5:5557, got ${String(master ?? 'nothing')}`)
  }
  const patience = patienceOf(exitAfter)
  const { token } = readSettings()
  const problem = findMasterProblem(address.host, token)
  if (problem !== undefined) throw new Error(problem)
  const advice = findTokenAdvice(token)
  if (advice !== undefined) print(advice)
  let hasServed = false
  let waiting: NodeJS.Timeout | undefined
  const waitForMaster = () => {
    if (patience !== undefined) waiting = setTimeout(leave, patience)
  }
  const onMaster = (isThere: boolean) => {
    clearTimeout(waiting)
    hasServed ||= isThere
    if (!isThere) waitForMaster()
  }
  const leave = () => {
    print(`no master at ${address.host}:${address.port} for ${formatDuration(patience)}: ending`)
    worker.stop()
    setTimeout(() => process.exit(hasServed ? 0 : 1), FAREWELL)
  }
  const worker = await startWorker({
    ...address,
    processes: countOf(processes),
    token,
    allowed: [allow].flat().map(String),
    print,
    onMaster,
  })
  print(`waiting for the master at ${address.host}:${address.port}`)
  waitForMaster()
  let isEnding = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isEnding) process.exit(1)
      isEnding = true
      worker.stop()
      setTimeout(() => process.exit(0), FAREWELL)
    })
  }
}

function countOf(processes: number | string): number {
  if (processes === 'auto') return Math.max(1, availableParallelism() - 1)
  const count = Number(processes)
  if (Number.isInteger(count) && count >= 1 && count <= 256) return count
  throw new Error(`Expected --processes to be an integer from 1 to 256, or auto, got ${processes}`)
}

function patienceOf(exitAfter: WorkerArguments['exitAfter']): number | undefined {
  if (exitAfter === undefined) return undefined
  const patience = milliseconds(exitAfter as Duration)
  if (patience > 0 && patience <= LONGEST_TIMER) return patience
  throw new Error(`Expected --exit-after to be a time such as 30s or 5m, got ${exitAfter}`)
}

function print(line: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)} ${line}`)
}
