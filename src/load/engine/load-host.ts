import { every, type Cancel } from '../../lifecycle/clock.ts'
import { Lease } from '../../lifecycle/lease.ts'
import type {
  LoadReportMessage,
  LoadRequestMessage,
  RowlessProgress,
  TickProgress,
  TurnsReportMessage,
} from '../messages.ts'
import { FEW_NAMES } from '../measure/measurement.ts'
import type { TurnsPlan } from '../plan/turns-plan.ts'
import type { AutocannonRun } from './autocannon-run.ts'
import type { LoadMachine } from './load-machine.ts'
import { LoadRun, type LoadRunReport } from './load-run.ts'
import type { LoadCourse } from './load-work.ts'
import { RequestWork } from './request-work.ts'
import { TurnBlockRun, turnsMachine, type CpuReading } from './turns/turn-block-run.ts'

/** Milliseconds between two ticks: what is lost at the most where this process is killed. */
const TICK = 100
/** Milliseconds between two signs of life of a block of turns. Each falls into a turn, so there are few. */
const TURNS_TICK = 1_000

type RunRequest = Extract<LoadRequestMessage, { type: 'run' }>

/** Runs what a worker asks for, and reports it. */
export class LoadHost {
  readonly #createMachine: () => LoadMachine
  readonly #report: (message: LoadReportMessage | TurnsReportMessage) => void
  readonly #runs = new Map<string, LoadRun | AutocannonRun>()
  /** Of runs whose asker may stand still. */
  readonly #leases = new Map<string, Lease>()
  readonly #blocks = new Map<string, TurnBlockRun>()
  /** What waits for the CPU of a block's servers. */
  readonly #cpuAsked = new Map<string, (cpu: CpuReading) => void>()
  /** Ended before they began: their module was still being imported. */
  readonly #endedEarly = new Set<string>()
  #stopTicking: Cancel | undefined

  /** Each load gets a machine of its own: a wire remembers addresses. */
  constructor(createMachine: () => LoadMachine, report: (message: LoadReportMessage | TurnsReportMessage) => void) {
    this.#createMachine = createMachine
    this.#report = report
  }

  onMessage(message: LoadRequestMessage): void {
    switch (message.type) {
      case 'run':
        return void this.#begin(message)
      case 'beat':
        return this.#leases.get(message.id)?.renew()
      case 'go':
        return this.#runs.get(message.id)?.go(message.at)
      case 'turns':
        return this.#beginTurns(message.id, message.plan)
      case 'turns-cpu':
        return this.#cpuAsked.get(message.id)?.(message.cpu)
      case 'stop':
      case 'abort':
        return this.#end(message.id, message.type)
      case 'collection':
        return this.#runs.get(message.id)?.noteCollection(message.startedAt, message.duration)
    }
  }

  async #begin({ id, plan, waits = false, lease }: RunRequest): Promise<void> {
    if (plan.allowedTargets) (await import('../worker/connection-guard.ts')).guardConnections(plan.allowedTargets)
    const isOfUsers = plan.scenario !== undefined || plan.protocol === 'h2'
    // Imported by the first scenario: a load without one must not pay for it.
    const users = isOfUsers ? await import('./user-work.ts') : undefined
    const autocannon = plan.engine === 'autocannon' ? await import('./autocannon-run.ts') : undefined
    const [report, machine] = [this.#reportOf(id), this.#createMachine()]
    const createWork = (course: LoadCourse) => users?.createUserWork(course) ?? new RequestWork(course)
    const run = autocannon
      ? new autocannon.AutocannonRun(plan, report)
      : new LoadRun({ plan, report, machine, createWork, waits })
    this.#runs.set(id, run)
    if (lease !== undefined) this.#leases.set(id, new Lease(machine.clock, lease, () => run.abort()))
    this.#stopTicking ??= every(machine.clock, TICK, () => this.#tick())
    run.start()
    if (this.#endedEarly.delete(id)) run.abort()
  }

  #tick(): void {
    for (const run of this.#runs.values()) run.tick()
  }

  #reportOf(id: string): LoadRunReport {
    return {
      progress: (progress, rows) => this.#report({ type: 'progress', id, progress, rows }),
      tick: (completed, progress) =>
        this.#report({ type: 'tick', id, completed, ...(progress ? { progress: tickProgress(progress) } : {}) }),
      armed: () => this.#report({ type: 'armed', id }),
      log: (level, text) => this.#report({ type: 'log', id, level, text }),
      end: (end, completed, progress, rows, left) => {
        this.#runs.delete(id)
        this.#leases.get(id)?.release()
        this.#leases.delete(id)
        this.#report({ type: 'end', id, end, progress, rows, completed, ...(left ? { left } : {}) })
        if (this.#runs.size > 0) return
        this.#stopTicking?.()
        this.#stopTicking = undefined
      },
    }
  }

  #end(id: string, how: 'stop' | 'abort'): void {
    const block = this.#blocks.get(id)
    if (block) return block.abort()
    const run = this.#runs.get(id)
    if (run) run[how]()
    else this.#endedEarly.add(id)
  }

  #beginTurns(id: string, plan: TurnsPlan): void {
    const machine = this.#createMachine()
    const stopTicks = every(machine.clock, TURNS_TICK, () => this.#report({ type: 'turns-tick', id }))
    const askCpu = () =>
      new Promise<CpuReading>((resolve) => {
        this.#cpuAsked.set(id, resolve)
        this.#report({ type: 'turns-ask-cpu', id })
      })
    const block = new TurnBlockRun(plan, turnsMachine(machine, askCpu), (end) => {
      stopTicks()
      this.#blocks.delete(id)
      this.#cpuAsked.delete(id)
      this.#report({ type: 'turns-end', id, end })
    })
    this.#blocks.set(id, block)
    block.start()
  }
}

/** Many names would be many kilobytes, ten times a second. */
function tickProgress(progress: RowlessProgress): TickProgress {
  const { byName, ...rest } = progress
  return Object.keys(byName).length > FEW_NAMES ? rest : progress
}
