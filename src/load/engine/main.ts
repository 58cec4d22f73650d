import process from 'node:process'
import type { AutocannonRun } from './autocannon-run.ts'
import { LoadRun, type LoadRunReport } from './load-run.ts'
import { FEW_NAMES } from '../measure/measurement.ts'
import type {
  LoadReportMessage,
  LoadRequestMessage,
  RowlessProgress,
  TickProgress,
  TurnsReportMessage,
} from '../messages.ts'
import { TurnBlockRun } from './turns/turn-block-run.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { ScenarioRun } from './scenario-run.ts'
import { every, realClock, type Cancel } from '../../lifecycle/clock.ts'
import { realMachine } from './load-machine.ts'

// Entry of the load process: runs loads for one Vitest worker, and ends with it.

/** Milliseconds: what is lost at the most where this process is killed. */
const TICK = 100
const runs = new Map<string, LoadRun | ScenarioRun | AutocannonRun>()
const blocks = new Map<string, TurnBlockRun>()
let stopTicking: Cancel | undefined

function report(message: LoadReportMessage | TurnsReportMessage): void {
  // A worker that goes in this very moment is no error of ours; 'disconnect' follows.
  if (process.connected) process.send?.(message, () => {})
}

function tick(): void {
  for (const run of runs.values()) run.tick()
}

/** Many names would be many kilobytes, ten times a second. */
function tickProgress(progress: RowlessProgress): TickProgress {
  const { byName, ...rest } = progress
  return Object.keys(byName).length > FEW_NAMES ? rest : progress
}

function reportOf(id: string): LoadRunReport {
  return {
    progress: (progress, rows) => report({ type: 'progress', id, progress, rows }),
    tick: (completed, progress) =>
      report({ type: 'tick', id, completed, ...(progress ? { progress: tickProgress(progress) } : {}) }),
    armed: () => report({ type: 'armed', id }),
    log: (level, text) => report({ type: 'log', id, level, text }),
    end: (end, completed, progress, rows, left) => {
      runs.delete(id)
      report({ type: 'end', id, end, progress, rows, completed, ...(left ? { left } : {}) })
      if (runs.size > 0) return
      stopTicking?.()
      stopTicking = undefined
    },
  }
}

/** Ended before they began: their module was still being imported. */
const endedEarly = new Set<string>()

async function begin(id: string, plan: LoadPlan, waits: boolean): Promise<void> {
  const isOfUsers = plan.scenario !== undefined || plan.protocol === 'h2'
  // Imported by the first scenario: a load without one must not pay for it.
  const users = isOfUsers ? await import('./scenario-run.ts') : undefined
  if (plan.allowedTargets) (await import('../worker/connection-guard.ts')).guardConnections(plan.allowedTargets)
  const autocannon = plan.engine === 'autocannon' ? await import('./autocannon-run.ts') : undefined
  const run = autocannon
    ? new autocannon.AutocannonRun(plan, reportOf(id))
    : users
      ? users.runUsers(plan, reportOf(id), waits)
      : new LoadRun(plan, reportOf(id), realMachine(), waits)
  runs.set(id, run)
  stopTicking ??= every(realClock, TICK, tick)
  run.start()
  if (endedEarly.delete(id)) run.abort()
}

function end(id: string, how: 'stop' | 'abort'): void {
  const block = blocks.get(id)
  if (block) return block.abort()
  const run = runs.get(id)
  if (run) run[how]()
  else endedEarly.add(id)
}

/** Milliseconds: each message falls into a turn, so there are few. */
const TURNS_TICK = 1_000

function beginTurns(id: string, plan: Extract<LoadRequestMessage, { type: 'turns' }>['plan']): void {
  const stopTicks = every(realClock, TURNS_TICK, () => report({ type: 'turns-tick', id }))
  const block = new TurnBlockRun(plan, (end) => {
    stopTicks()
    blocks.delete(id)
    report({ type: 'turns-end', id, end })
  })
  blocks.set(id, block)
  block.start()
}

process.on('message', (message: LoadRequestMessage) => {
  switch (message.type) {
    case 'run':
      return void begin(message.id, message.plan, message.waits ?? false)
    case 'go':
      return runs.get(message.id)?.go(message.at)
    case 'turns':
      return beginTurns(message.id, message.plan)
    case 'stop':
    case 'abort':
      return end(message.id, message.type)
    case 'collection':
      return runs.get(message.id)?.noteCollection(message.startedAt, message.duration)
  }
})
// The worker is gone, whatever ended it. Nothing here is worth a moment more.
process.on('disconnect', () => process.exit(0))
if (!process.connected) process.exit(0)
// A Ctrl-C on the terminal is for the worker, which then ends this process or aborts its loads in order.
process.on('SIGINT', () => {})
report({ type: 'ready' })
