import { URL } from 'node:url'
import { createHash } from 'node:crypto'
import { deserialize } from 'node:v8'
import { every, type Cancel, type Clock } from '../../lifecycle/clock.ts'
import type { LoadReportMessage } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { LoadEngine, LoadEngineLine } from '../spec/load-engine.ts'
import { LocustStats, type LocustReport } from './locust-stats.ts'
import { LEASE } from './master-connection.ts'
import type { AllowedTargets } from './allowed-targets.ts'
import type { OpenedPlan } from './signed-plan.ts'
import type { PassedRequest, WorkerPlan, WorkerReport, WorkerRequest } from './worker-messages.ts'

/** Milliseconds that a load process has to end a run, before it is killed. */
const ABORT_GRACE = 250
/** Milliseconds between two ticks of a run that are forwarded. A load process makes ten a second, too many for a network. */
const TICK = 250

/** Milliseconds between two looks of Locust's page at a run. */
const SHOWN = 1_000
/** Milliseconds between two beats to load processes that run something: this process may be stopped (SIGSTOP), and their runs must end then. */
const BEAT = 500

/** A load that a worker has run, or its part of it. */
export interface EndedLoad {
  readonly plan: LoadPlan
  /** Milliseconds. */
  readonly duration: number
  readonly requests: number
  readonly errors: number
  /** How it ended, for people. */
  readonly outcome: string
}

export interface WorkerLoadsParts {
  readonly clock: Clock
  /** The engine of the load process of a slot. */
  engine(slot: number): LoadEngine
  /** Load processes. */
  readonly processes: number
  /** Decides which plans are run: see `PlanGate.open`. */
  openPlan(plan: unknown): OpenedPlan
  /** Targets that may be loaded; absent: any. */
  readonly targets?: AllowedTargets
  send(report: WorkerReport): void
  /** To Locust's page. */
  showStats(report: LocustReport): void
  onBegin(plan: LoadPlan): void
  onEnd(load: EndedLoad): void
  onRefused(why: string): void
}

/** The run of a load in one load process. */
interface Run {
  readonly id: string
  readonly slot: number
  readonly line: LoadEngineLine
  lastTick: number
  readonly stats: LocustStats
  lastShown: number
}

/** A load of this worker, with what its processes have told at their end. */
interface Load {
  readonly plan: LoadPlan
  readonly beganAt: number
  requests: number
  errors: number
  outcome: string
}

/** The loads that a worker runs: begins what it is asked for, tells what its load processes say, and ends all when its master is gone. */
export class WorkerLoads {
  readonly #parts: WorkerLoadsParts
  readonly #runs = new Set<Run>()
  readonly #loads = new Map<string, Load>()
  #isShown = false
  #stopBeats: Cancel | undefined

  constructor(parts: WorkerLoadsParts) {
    this.#parts = parts
  }

  get isLoaded(): boolean {
    return this.#runs.size > 0
  }

  onRequest(request: WorkerRequest): void {
    const { clock, send } = this.#parts
    switch (request.type) {
      case 'time':
        return send({ type: 'time', at: request.at, machine: clock.machineNow(), wall: clock.origin + clock.now() })
      case 'plan':
        return this.#onPlan(request.load, request.plan)
      case 'pass':
        return this.#pass(request.slot, request.message)
      case 'kill':
        return this.#find(request.load, request.slot)?.line.kill()
    }
  }

  #find(load: string, slot: number): Run | undefined {
    return [...this.#runs].find((run) => run.id === load && run.slot === slot)
  }

  #onPlan(load: string, signed: unknown): void {
    const opened = this.#parts.openPlan(signed)
    if ('refusal' in opened) return this.#refuse(load, opened.refusal.message)
    const { plan: bytes, bundle } = opened.contents
    if (this.#loads.has(load)) return
    let plan: WorkerPlan
    try {
      plan = deserialize(bytes) as WorkerPlan
    } catch (error) {
      return this.#refuse(
        load,
        `A plan could not be read: ${(error as Error).message}. Run the same Node on both sides.`,
      )
    }
    if (createHash('sha256').update(bundle).digest('hex') !== plan.bundle) {
      return this.#refuse(load, "The scenario's bundle is not the one of its plan; start the load again.")
    }
    const [first] = plan.runs
    if (!first || plan.runs.some(({ slot }) => slot >= this.#parts.processes)) return
    const { targets } = this.#parts
    const problem = targets && findTargetProblem(targets, first.plan.url)
    if (problem !== undefined) return this.#refuse(load, problem)
    const beganAt = this.#parts.clock.now()
    this.#loads.set(load, { plan: first.plan, beganAt, requests: 0, errors: 0, outcome: 'completed' })
    this.#parts.onBegin(first.plan)
    const code = Buffer.from(bundle).toString()
    for (const run of plan.runs) {
      // The load process looks at each connection: a scenario reaches more than the plan's URL.
      const limits = targets ? { allowedTargets: targets.patterns } : {}
      this.#begin(load, run.slot, { ...withCode(run.plan, code), ...limits })
    }
  }

  #refuse(load: string, why: string): void {
    this.#parts.onRefused(why)
    this.#parts.send({ type: 'refused', load, why })
  }

  #begin(id: string, slot: number, plan: LoadPlan): void {
    const line = this.#parts.engine(slot).open({
      onMessage: (message) => this.#onReport(run, message),
      onLost: ({ message }) => {
        if (!this.#runs.has(run)) return
        this.#parts.send({ type: 'lost', load: id, slot, why: message })
        this.#end(run, 'a load process was lost')
      },
    })
    const run: Run = { id, slot, line, lastTick: -Infinity, stats: new LocustStats(), lastShown: -Infinity }
    this.#runs.add(run)
    line.send({ type: 'run', id, plan, waits: true, lease: LEASE })
    this.#stopBeats ??= every(this.#parts.clock, BEAT, () => this.#beat())
  }

  #beat(): void {
    for (const { line, id } of this.#runs) line.send({ type: 'beat', id })
  }

  #pass(slot: number, message: PassedRequest): void {
    this.#find(message.id, slot)?.line.send(message)
  }

  #onReport(run: Run, message: LoadReportMessage): void {
    if (!this.#runs.has(run) || message.type === 'ready' || message.id !== run.id) return
    this.#show(run, message)
    if (message.type === 'tick') {
      const now = this.#parts.clock.now()
      if (now - run.lastTick < TICK) return
      run.lastTick = now
    }
    this.#parts.send({ type: 'pass', slot: run.slot, message })
    if (message.type !== 'end') return
    if (message.left) run.line.retire()
    const load = this.#loads.get(run.id)
    if (load) {
      load.requests += message.progress.requests
      load.errors += message.progress.errors.total
    }
    this.#end(run, message.end.outcome)
  }

  /** With many names a tick leaves them out, and says too little for the page. */
  #show(run: Run, message: LoadReportMessage): void {
    if (!this.#isShown || !('progress' in message) || !message.progress?.byName) return
    const now = this.#parts.clock.now()
    if (message.type !== 'end' && now - run.lastShown < SHOWN) return
    run.lastShown = now
    const progress = { ...message.progress, byName: message.progress.byName }
    this.#parts.showStats(run.stats.report(progress, this.#parts.clock.origin + now))
  }

  #end(run: Run, outcome: string): void {
    this.#runs.delete(run)
    run.line.close()
    if (this.#runs.size === 0) {
      this.#stopBeats?.()
      this.#stopBeats = undefined
    }
    const load = this.#loads.get(run.id)
    if (!load) return
    if (load.outcome === 'completed') load.outcome = outcome
    if ([...this.#runs].some(({ id }) => id === run.id)) return
    this.#loads.delete(run.id)
    const { plan, beganAt, requests, errors } = load
    this.#parts.onEnd({ plan, duration: this.#parts.clock.now() - beganAt, requests, errors, outcome: load.outcome })
  }

  /** Ends every load; `outcome` is why. */
  endAll(outcome: string): void {
    for (const load of this.#loads.values()) load.outcome = outcome
    const runs = [...this.#runs]
    for (const { line, id } of runs) line.send({ type: 'abort', id })
    this.#parts.clock.after(ABORT_GRACE, () => {
      for (const run of runs) {
        if (!this.#runs.has(run)) continue
        if (!run.line.isShared()) run.line.kill()
        this.#end(run, outcome)
      }
    })
  }

  /** Whether Locust's page shows what runs. */
  show(isShown: boolean): void {
    this.#isShown = isShown
  }
}

function withCode(plan: LoadPlan, code: string): LoadPlan {
  return plan.scenario === undefined ? plan : { ...plan, scenario: { ...plan.scenario, code } }
}

function findTargetProblem(targets: AllowedTargets, url: string): string | undefined {
  const { protocol, hostname, port } = new URL(url)
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  return targets.judge(hostname, number) === 'refused' ? targets.refusal(hostname, number) : undefined
}
