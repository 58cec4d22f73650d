import process from 'node:process'
import { realClock } from '../../lifecycle/clock.ts'
import { forkLoadChild, LOAD_ENTRY } from './load-child.ts'
import type { LoadEngineListener } from './load-engine.ts'
import type { LoadProcessLine } from './load-process.ts'
import { LoadProcesses } from './load-processes.ts'

/** Where a Vitest worker keeps its load processes: on `process`, because in vmThreads each file has its own modules and globals. */
const SHARED = Symbol.for('vitest-plugin-perf.load-processes')

/** By entry, so that two versions of this package in one worker do not share. */
type Holder = typeof process & { [SHARED]?: Map<string, LoadProcesses> }

/** Returns the load processes of this worker. */
export function sharedLoadProcesses(): LoadProcesses {
  const byEntry = ((process as Holder)[SHARED] ??= new Map())
  const known = byEntry.get(LOAD_ENTRY)
  if (known) return known
  const own = new LoadProcesses(realClock, forkLoadChild)
  byEntry.set(LOAD_ENTRY, own)
  return own
}

/** Starts the load process of this worker, if none runs: it takes about 300 ms, so do it while the server boots. */
export function warmLoadProcess(): void {
  sharedLoadProcesses().at(0)
}

/** Opens a line to a load process of this worker, starting (or replacing) it where needed. */
export function openLoadProcess(listener: LoadEngineListener, slot = 0): LoadProcessLine {
  return sharedLoadProcesses().at(slot).openLine(listener)
}
