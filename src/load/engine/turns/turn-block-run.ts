import type { Turn, TurnsEnd, TurnSide, TurnSlice, TurnsPlan } from '../../plan/turns-plan.ts'
import { every, type Cancel } from '../../../lifecycle/clock.ts'
import type { LoadMachine } from '../load-machine.ts'
import { TreeCpu } from './tree-cpu.ts'
import { TurnServer, type TurnFailure } from './turn-server.ts'

/** Milliseconds that a turn takes: shorter than the machine's changes of speed (100 to 200 ms), longer than the 4 ms of `schedstat`. */
const TURN = 10
/** Milliseconds after which the other server begins. */
const SLICE = 400
/** A warm-up is over after so many requests to each server, but not before `LEAST_WARMUP` ms. */
const WARM = 5_000
const LEAST_WARMUP = 500
/** Slow servers: turns of each server at the least. */
const FEWEST_TURNS = 4
/** Milliseconds between two looks at time-outs. */
const SWEEP = 20
/** A look that is later than this came after a pause of the machine. */
const STALL = 250
const MOST_REQUESTS = 1_000_000

type Pair<Value> = Record<TurnSide, Value>

/** CPU milliseconds of each server so far; `undefined` where that is not known. */
export type CpuReading = Pair<number> | undefined

/** What a block needs of the machine that it runs on. */
export interface TurnsMachine extends Pick<LoadMachine, 'clock' | 'wire' | 'measureCost'> {
  /** Opens the CPU counts of a process and of all that it started. */
  openTree(pid: number): Pick<TreeCpu, 'refresh' | 'read' | 'close'>
  /** Asks the spec's process for the CPU of both servers; `undefined` where it does not answer. */
  askCpu(): Promise<CpuReading>
}

/** The machine of a load process, with what a block needs besides. */
export function turnsMachine(machine: LoadMachine, askCpu: TurnsMachine['askCpu']): TurnsMachine {
  return { ...machine, openTree: (pid) => new TreeCpu(pid), askCpu }
}

function other(side: TurnSide): TurnSide {
  return side === 'base' ? 'head' : 'base'
}

/** The value below which the share `at` of an ascending series lies, interpolated. */
function percentile(ascending: Float64Array, at: number): number {
  if (ascending.length === 0) return Number.NaN
  const place = (ascending.length - 1) * at
  const low = ascending[Math.floor(place)] as number
  return low + ((ascending[Math.ceil(place)] as number) - low) * (place % 1)
}

/** Requests of a turn: about 10 ms of the measured rate, in whole rounds of the connections. */
export function requestsOfTurn(requests: number, time: number, connections: number): number {
  const rounds = Math.round((TURN * requests) / time / connections)
  return Math.min(MOST_REQUESTS, Math.max(1, rounds) * connections)
}

/** One block of turns: two servers, side by side, that are asked in strict alternation. */
export class TurnBlockRun {
  readonly #plan: TurnsPlan
  readonly #machine: TurnsMachine
  readonly #servers: Pair<TurnServer>
  readonly #trees: Partial<Pair<ReturnType<TurnsMachine['openTree']>>> = {}
  readonly #end: (end: TurnsEnd) => void
  #stopSweeping: Cancel | undefined
  #sweptAt = 0
  #stalled = 0
  #latencies = new Float64Array(64)
  #over = false

  constructor(plan: TurnsPlan, machine: TurnsMachine, onEnd: (end: TurnsEnd) => void) {
    this.#plan = plan
    this.#machine = machine
    this.#end = onEnd
    const server = (side: TurnSide) =>
      new TurnServer(plan.loads[side], plan.connections, machine, (failure) => this.#fail(side, failure))
    this.#servers = { base: server('base'), head: server('head') }
  }

  start(): void {
    this.#sweptAt = this.#machine.clock.now()
    this.#stopSweeping = every(this.#machine.clock, SWEEP, () => this.#sweep())
    void this.#run().catch((error: unknown) => {
      this.#finish({ outcome: 'failed', side: 'head', kind: 'other', message: String(error) })
    })
  }

  abort(): void {
    this.#finish({ outcome: 'aborted' })
  }

  #fail(side: TurnSide, { kind, message }: TurnFailure): void {
    this.#finish({ outcome: 'failed', side, kind, message })
  }

  #finish(end: TurnsEnd): void {
    if (this.#over) return
    this.#over = true
    this.#stopSweeping?.()
    for (const side of ['base', 'head'] as const) {
      this.#servers[side].close()
      this.#trees[side]?.close()
    }
    this.#end(end)
  }

  #sweep(): void {
    const now = this.#machine.clock.now()
    const late = now - this.#sweptAt - SWEEP
    if (late > STALL) this.#stalled += late
    this.#sweptAt = now
    this.#servers.base.sweep(now)
    this.#servers.head.sweep(now)
  }

  async #run(): Promise<void> {
    const { base, head } = this.#servers
    await Promise.all([base.open(), head.open()])
    const answers = this.#plan.compareAnswers
      ? { base: await base.look(), head: await head.look() }
      : { base: [], head: [] }
    const requests = await this.#warmUp()
    if (this.#plan.cpu === 'process-tree') this.#openTrees()
    this.#stalled = 0
    const [startedAt, cost] = [this.#machine.clock.now(), this.#machine.measureCost()]
    const slices = await this.#measure(requests)
    const count = (side: TurnSide) =>
      requests * slices.reduce((sum, { turns }) => sum + turns.filter((turn) => turn.side === side).length, 0)
    const report = (side: TurnSide) => ({
      requests: count(side),
      statusCodes: this.#servers[side].statusCodes,
      answers: answers[side],
    })
    this.#finish({
      outcome: 'completed',
      block: {
        requestsPerTurn: requests,
        slices,
        sides: { base: report('base'), head: report('head') },
        duration: this.#machine.clock.now() - startedAt,
        generatorUtilization: cost.read().eventLoopUtilization,
        stalled: this.#stalled,
      },
    })
  }

  /** Alternates until both servers are warm; returns how many requests a turn of about 10 ms has. */
  async #warmUp(): Promise<number> {
    const { connections, warmup, first } = this.#plan
    const startedAt = this.#machine.clock.now()
    let [wanted, perServer, side] = [connections, 0, first]
    let recent = { requests: 0, time: 0 }
    for (let turns = 1; ; turns += 1) {
      const time = await this.#turn(side, wanted)
      recent.requests += wanted
      recent.time += time
      side = other(side)
      if (turns % 2 === 1) continue
      perServer += wanted
      const elapsed = this.#machine.clock.now() - startedAt
      const isWarm = elapsed >= warmup || (perServer >= WARM && elapsed >= LEAST_WARMUP)
      if (isWarm) return requestsOfTurn(recent.requests, recent.time, connections)
      wanted = requestsOfTurn(recent.requests, recent.time, connections)
      // The rate that counts is that of warm servers: what came before fades.
      recent = { requests: recent.requests * 0.8, time: recent.time * 0.8 }
    }
  }

  #openTrees(): void {
    for (const side of ['base', 'head'] as const) {
      const pid = this.#plan.pids[side]
      if (pid !== undefined) this.#trees[side] = this.#machine.openTree(pid)
    }
  }

  async #measure(requests: number): Promise<TurnSlice[]> {
    const { duration, first } = this.#plan
    const startedAt = this.#machine.clock.now()
    const slices: TurnSlice[] = []
    // CPU at the end of each server's latest turn.
    const cpu: Partial<Pair<number>> = {}
    for (const side of ['base', 'head'] as const) {
      const tree = this.#trees[side]
      if (tree) cpu[side] = tree.read()
    }
    let begins = first
    let turns = 0
    let asked = await this.#askCpu()
    while (this.#machine.clock.now() - startedAt < duration || turns < FEWEST_TURNS * 2) {
      for (const tree of Object.values(this.#trees)) tree.refresh()
      const slice = await this.#slice(begins, requests, cpu)
      const now = await this.#askCpu()
      slices.push(
        asked && now ? { ...slice, cpu: { base: now.base - asked.base, head: now.head - asked.head } } : slice,
      )
      asked = now
      turns += slice.turns.length
      begins = other(begins)
    }
    return slices
  }

  async #askCpu(): Promise<CpuReading> {
    return this.#plan.cpu === 'probe' ? this.#machine.askCpu() : undefined
  }

  async #slice(begins: TurnSide, requests: number, cpu: Partial<Pair<number>>): Promise<TurnSlice> {
    const turns: Turn[] = []
    const latencies: Pair<number[]> = { base: [], head: [] }
    const startedAt = this.#machine.clock.now()
    for (
      let side = begins;
      this.#machine.clock.now() - startedAt < SLICE || turns.length % 2 === 1;
      side = other(side)
    ) {
      const time = await this.#turn(side, requests)
      const used = this.#trees[side]?.read()
      const sorted = this.#latencies.slice(0, requests).sort()
      for (const latency of sorted) latencies[side].push(latency)
      turns.push({
        side,
        time,
        p50: percentile(sorted, 0.5),
        ...(used === undefined ? {} : { cpu: used - (cpu[side] ?? 0) }),
      })
      if (used !== undefined) cpu[side] = used
    }
    const ascending = {
      base: Float64Array.from(latencies.base).sort(),
      head: Float64Array.from(latencies.head).sort(),
    }
    const both = (at: number) => ({ base: percentile(ascending.base, at), head: percentile(ascending.head, at) })
    return { turns, p90: both(0.9), p99: both(0.99) }
  }

  #turn(side: TurnSide, requests: number): Promise<number> {
    if (this.#latencies.length < requests) this.#latencies = new Float64Array(requests * 2)
    return this.#servers[side].run(requests, this.#latencies)
  }
}
