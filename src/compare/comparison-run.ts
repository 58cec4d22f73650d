import type { CpuSource, TurnBlock, TurnsEnd, TurnSide, TurnsPlan } from '../load/plan/turns-plan.ts'
import type { LoadPlan } from '../load/plan/load-plan.ts'
import type { Comparison, ComparisonObstacle } from '../results/comparison.ts'
import { differenceOfAnswers } from './answers.ts'
import { BlockBudget, neededTime, type BlockCourse } from './block-budget.ts'
import { hasCpu, metricsOfBlock, type BlockMetrics } from './block-values.ts'
import { concludeBlocks, judgedOf, metricsOf, type Measured } from './comparison-result.ts'
import type { Tolerances } from './tolerance.ts'
import { median } from './statistics/location.ts'
import { isLook, mostBlocks, type LookPlan } from './statistics/looks.ts'
import type { AskCpu } from './turn-block.ts'
import { isSettled } from './verdict.ts'

/** A server of a block, as far as the procedure needs to know it. */
export interface BlockServer {
  readonly pid: number | undefined
  readonly load: LoadPlan
  /** CPU milliseconds that its probes have seen so far; absent where nobody can be asked. */
  readCpu?(): Promise<number | undefined>
  /** Why it died by itself, once that is known; `kind` is that of the request that failed. */
  failure(kind: string): Promise<Error | undefined>
}

/** A fresh pair. */
export interface BlockPair {
  readonly base: BlockServer
  readonly head: BlockServer
  stop(): Promise<void>
}

/** What the procedure works with: processes, a clock, and the machine. */
export interface ComparisonParts {
  /** Starts a fresh base and a fresh head at the same time; `first` is spawned first. */
  startPair(first: TurnSide): Promise<BlockPair>
  runTurns(plan: TurnsPlan, askCpu: AskCpu): Promise<TurnsEnd>
  /** Milliseconds. */
  now(): number
  /** Milliseconds that a CPU limit has held back this machine so far. */
  throttling(): number
  onProgress(progress: ComparisonProgress): void
}

/** How far a comparison is. */
export interface ComparisonProgress {
  readonly pairs: number
  /** Pairs that there is time for, as far as can be told. */
  readonly most: number
  readonly elapsed: number
  readonly metrics: Comparison['metrics']
}

export interface ComparisonSettings {
  readonly connections: number
  readonly duration: number
  readonly cpu: CpuSource
  readonly looks: LookPlan
  readonly tolerances: Tolerances
}

/** What the procedure found: a comparison without names. */
export type ComparisonFinding = Pick<
  Comparison,
  'verdict' | 'reason' | 'obstacle' | 'pairs' | 'discarded' | 'duration' | 'requests' | 'metrics' | 'cpu' | 'moreTime'
>

/** Share of a block in which the machine may have stood still or been held back. Pauses that hit few turns change nothing. */
const DISTURBED = 0.25
/** Discarded blocks after which the machine is called disturbed, where they are as many as those that count. */
const MOST_DISCARDED = 3
/** Blocks that are judged where the time is over before the first look: no look has spent any of the error yet. */
const FEWEST_JUDGED = 4
/** Event-loop utilisation of the load process above which latencies are its own. */
const SATURATED = 0.95

interface Obstacle {
  readonly obstacle: ComparisonObstacle
  readonly reason: string
}

/** The procedure: blocks of fresh servers until the verdict is clear, the time is over, or something makes it meaningless. */
export class ComparisonRun {
  readonly #settings: ComparisonSettings
  readonly #parts: ComparisonParts
  readonly #startedAt: number
  readonly #budget: BlockBudget
  readonly #blocks: BlockMetrics[] = []
  readonly #utilizations: number[] = []
  #tolerances: Tolerances
  #cpu: CpuSource
  #discarded = 0
  #attempts = 0
  #requests = 0
  #disturbance = ''

  constructor(settings: ComparisonSettings, parts: ComparisonParts) {
    this.#settings = settings
    this.#parts = parts
    this.#tolerances = settings.tolerances
    this.#cpu = settings.cpu
    this.#startedAt = parts.now()
    this.#budget = new BlockBudget(settings.duration)
  }

  /** Rejects with what a server, the load process or the signal behind `parts` rejects with. */
  async run(): Promise<ComparisonFinding> {
    while (this.#mayBeginBlock()) {
      const obstacle = await this.#block()
      if (obstacle) return this.#finding(obstacle)
      const { looks } = this.#settings
      if (isLook(looks, this.#blocks.length) && isSettled(judgedOf(this.#measured), looks)) break
    }
    return this.#finding(this.#lastObstacle())
  }

  /** What is known so far, for a comparison that is aborted. */
  partial(): ComparisonFinding {
    return this.#finding(undefined)
  }

  get #measured(): Measured {
    return { blocks: this.#blocks, tolerances: this.#tolerances, looks: this.#settings.looks }
  }

  get #elapsed(): number {
    return this.#parts.now() - this.#startedAt
  }

  #mayBeginBlock(): boolean {
    const done = this.#blocks.length
    return done < mostBlocks(this.#settings.looks) && this.#budget.hasTime(this.#elapsed, done, this.#attempts)
  }

  async #block(): Promise<Obstacle | undefined> {
    const startedAt = this.#parts.now()
    const first: TurnSide = this.#attempts % 2 === 0 ? 'base' : 'head'
    this.#attempts += 1
    const pair = await this.#parts.startPair(first)
    let obstacle: Obstacle | undefined
    let ending = startedAt
    try {
      const started = this.#parts.now() - startedAt
      const course = this.#budget.plan(started, this.#elapsed, this.#blocks.length, this.#attempts)
      if (!course) return tooSlowToStart(started)
      obstacle = await this.#turns(pair, first, course)
    } finally {
      ending = this.#parts.now()
      await pair.stop()
    }
    this.#budget.note(this.#parts.now() - startedAt, this.#parts.now() - ending)
    const most = this.#blocks.length + this.#budget.moreAt(this.#elapsed)
    this.#parts.onProgress({
      pairs: this.#blocks.length,
      most: Math.min(mostBlocks(this.#settings.looks), most),
      elapsed: this.#elapsed,
      metrics: metricsOf(this.#measured),
    })
    return obstacle
  }

  async #turns(pair: BlockPair, first: TurnSide, { warmup, turns }: BlockCourse): Promise<Obstacle | undefined> {
    const [startedAt, throttled] = [this.#parts.now(), this.#parts.throttling()]
    const pids = Object.fromEntries(
      (['base', 'head'] as const).flatMap((side) => (pair[side].pid === undefined ? [] : [[side, pair[side].pid]])),
    ) as TurnsPlan['pids']
    const plan: TurnsPlan = {
      loads: { base: pair.base.load, head: pair.head.load },
      pids,
      connections: this.#settings.connections,
      cpu: this.#cpu,
      first,
      warmup,
      duration: turns,
      compareAnswers: this.#attempts === 1,
    }
    const askCpu = async () => {
      const [base, head] = await Promise.all([pair.base.readCpu?.(), pair.head.readCpu?.()])
      return base === undefined || head === undefined ? undefined : { base, head }
    }
    const end = await this.#parts.runTurns(plan, askCpu)
    if (end.outcome === 'aborted') throw new Error('The turns were aborted')
    if (end.outcome === 'failed') return this.#failed(pair, end)
    const heldBack = this.#parts.throttling() - throttled
    return this.#add(end.block, heldBack, this.#parts.now() - startedAt)
  }

  /** A server that has died fails the test; one that answers with errors has no speed. */
  async #failed(pair: BlockPair, { side, kind, message }: Extract<TurnsEnd, { outcome: 'failed' }>): Promise<Obstacle> {
    const failure = await pair[side].failure(kind)
    if (failure) throw failure
    return {
      obstacle: 'errors',
      reason: `No verdict, since ${side} failed a request: ${message}. Speed means nothing then.`,
    }
  }

  #add(block: TurnBlock, heldBack: number, took: number): Obstacle | undefined {
    const difference = differenceOfAnswers(block)
    if (difference !== undefined) {
      const reason = `No verdict, since the two servers do different work: ${difference}.`
      return { obstacle: 'different-answers', reason }
    }
    const lost = Math.max(block.stalled, heldBack)
    if (lost > DISTURBED * took) {
      this.#discarded += 1
      this.#disturbance =
        block.stalled >= heldBack
          ? `this machine stood still for ${block.stalled.toFixed(0)} of ${took.toFixed(0)} ms`
          : `a CPU limit held this machine back for ${heldBack.toFixed(0)} of ${took.toFixed(0)} ms`
      return this.#discarded >= MOST_DISCARDED && this.#discarded > this.#blocks.length ? this.#disturbed() : undefined
    }
    if (!hasCpu(block)) this.#loseCpu()
    this.#utilizations.push(block.generatorUtilization)
    this.#requests += block.sides.base.requests + block.sides.head.requests
    this.#blocks.push(metricsOfBlock(block))
    return undefined
  }

  #loseCpu(): void {
    this.#cpu = 'none'
    const { cpuPerRequest: _cpu, ...others } = this.#tolerances
    this.#tolerances = others
  }

  #disturbed(): Obstacle {
    return {
      obstacle: 'disturbed',
      reason: `No verdict: the machine disturbed ${this.#discarded} of ${this.#attempts} pairs (in the last one ${this.#disturbance}). Run the comparison where it has its cores to itself.`,
    }
  }

  #lastObstacle(): Obstacle | undefined {
    const pairs = this.#blocks.length
    if (pairs < FEWEST_JUDGED) {
      if (this.#discarded > 0) return this.#disturbed()
      const least = Math.ceil(this.#budget.needed / 1_000)
      const reason = `No verdict: there was time for ${pairs} pairs of servers, and it needs six: set \`duration\` to ${least} s or more.`
      return { obstacle: 'too-few-blocks', reason }
    }
    if (Object.keys(this.#tolerances).length === 0) {
      const reason =
        'No verdict: the CPU of the servers cannot be read on this machine, and nothing else has a tolerance. Give `latency.p50` one.'
      return { obstacle: 'too-few-blocks', reason }
    }
    const utilization = median(this.#utilizations)
    if (utilization <= SATURATED) return undefined
    const reason = `No verdict: the load process was busy ${(utilization * 100).toFixed(0)} % of the time, so its own speed is in the latencies. Use fewer \`connections\`, or compare a route that does more.`
    return { obstacle: 'saturated', reason }
  }

  #finding(obstacle: Obstacle | undefined): ComparisonFinding {
    const pairs = this.#blocks.length
    const perBlock = this.#attempts === 0 ? 0 : this.#elapsed / this.#attempts
    const common = {
      pairs,
      discarded: this.#discarded,
      duration: this.#elapsed,
      requests: this.#requests,
      cpu: this.#cpu,
    }
    if (!obstacle && pairs >= 2) return { ...common, ...concludeBlocks(this.#measured, perBlock) }
    const reason = obstacle?.reason ?? `It ended after ${pairs} ${pairs === 1 ? 'pair' : 'pairs'} of servers.`
    const kind = obstacle ? { obstacle: obstacle.obstacle } : {}
    return { ...common, verdict: 'inconclusive', reason, ...kind, metrics: metricsOf(this.#measured) }
  }
}

function tooSlowToStart(started: number): Obstacle {
  const least = Math.ceil(neededTime(started) / 1_000)
  const reason = `The servers take ${(started / 1_000).toFixed(1)} s to start, and a verdict needs six pairs of fresh servers: set \`duration\` to ${least} s or more.`
  return { obstacle: 'too-few-blocks', reason }
}
