import { randomUUID } from 'node:crypto'
import { LoadError } from '../../errors.ts'
import { every, type Cancel, type Clock } from '../../lifecycle/clock.ts'
import type { LoadSample } from '../../results/load-result.ts'
import type { ThresholdOutcome } from '../../results/threshold.ts'
import {
  isWhole,
  type LoadEnd,
  type LoadReportMessage,
  type LoadRequestMessage,
  type RowlessProgress,
  type TickProgress,
} from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { dividePlan } from '../plan/share.ts'
import { ThresholdWatch } from '../plan/threshold-watch.ts'
import type { LoadEngine, LoadEngineLine, LoadEngineListener } from './load-engine.ts'
import { mergeProgress, type MergeableRow } from './merged-progress.ts'
import { RowJoiner, type JoinedRow } from './row-joiner.ts'
import { SharedNameRows } from './shared-name-rows.ts'

/** Milliseconds between two looks at the whole: what is lost at the most where a process is killed, as with one process. */
const TICK = 100
/** Milliseconds from the message `go` to the moment that it names. It must reach all processes by then. */
const HEAD_START = 25

type RunMessage = Extract<LoadRequestMessage, { type: 'run' }>
type EndMessage = Extract<LoadReportMessage, { type: 'end' }>

/** One of the processes that share a load. */
interface Part {
  readonly line: LoadEngineLine
  armed: boolean
  completed: number
  latest: RowlessProgress | undefined
  /** Whether it has reported the interval that is to be reported next. */
  told: boolean
  end: LoadEnd | undefined
}

/**
 * Generates one load with several engines of one process each, which begin together; to its listener they are one. `headStart`:
 * milliseconds that the message to begin has to reach all of them.
 */
export function severalProcesses(engines: readonly LoadEngine[], clock: Clock, headStart = HEAD_START): LoadEngine {
  return { open: (listener) => new SharedLoad(engines, { clock, headStart }, listener) }
}

/** When several processes begin. */
interface Beginning {
  readonly clock: Clock
  readonly headStart: number
}

class SharedLoad implements LoadEngineLine {
  readonly #beginning: Beginning
  readonly #listener: LoadEngineListener
  readonly #parts: Part[]
  #load: RunningShares | undefined
  #isOpen = true

  constructor(engines: readonly LoadEngine[], beginning: Beginning, listener: LoadEngineListener) {
    this.#beginning = beginning
    this.#listener = listener
    this.#parts = engines.map((engine, index) => ({
      line: engine.open({
        onMessage: (message) => this.#load?.onMessage(index, message),
        onLost: (error) => this.#onLost(index, error),
      }),
      armed: false,
      completed: 0,
      latest: undefined,
      told: false,
      end: undefined,
    }))
  }

  send(message: LoadRequestMessage): void {
    if (!this.#isOpen) return
    if (message.type === 'run') this.#run(message)
    else if (message.type === 'stop') this.#load?.stop()
    else this.#load?.pass(message)
  }

  #run(message: RunMessage): void {
    this.#load = new RunningShares(message, this.#parts, this.#beginning, (report) => {
      if (this.#isOpen) this.#listener.onMessage(report)
    })
  }

  /** One is lost, and with it the load: the others end at once, and what all had measured is told first. */
  #onLost(index: number, { message, cause }: LoadError): void {
    if (!this.#isOpen || this.#parts[index]?.end) return
    this.#load?.abort()
    this.#load?.tick()
    this.close()
    const of = this.#parts.length
    this.#listener.onLost(new LoadError(`${message} (process ${index + 1} of ${of}; the others were ended)`, { cause }))
  }

  kill(): void {
    this.#isOpen = false
    this.#load?.close()
    for (const { line } of this.#parts) if (!line.isShared()) line.kill()
  }

  /** Each process that has something left in it was retired when it said so. */
  retire(): void {}

  /** `kill` spares those that other loads run in. */
  isShared(): boolean {
    return false
  }

  close(): void {
    this.#isOpen = false
    this.#load?.close()
    for (const { line } of this.#parts) line.close()
  }
}

/** The run of a load in several processes. It merges their reports into those of the whole. */
class RunningShares {
  readonly #id: string
  /** What its processes know it by: one that still ends the attempt before, of the same load, must not be heard. */
  readonly #ownId = randomUUID()
  readonly #parts: readonly Part[]
  readonly #report: (message: LoadReportMessage) => void
  readonly #joiner: RowJoiner
  readonly #nameRows: SharedNameRows
  readonly #thresholds: ThresholdWatch | undefined
  readonly #clock: Clock
  readonly #headStart: number
  readonly #stopTicking: Cancel
  /** Rows that are joined and not told. */
  #rows: LoadSample[] = []
  /** Why the whole ends before its processes would by themselves. */
  #ending: LoadEnd | undefined

  constructor(
    { id, plan }: RunMessage,
    parts: readonly Part[],
    { clock, headStart }: Beginning,
    report: (message: LoadReportMessage) => void,
  ) {
    this.#id = id
    this.#clock = clock
    this.#headStart = headStart
    this.#parts = parts
    this.#report = report
    this.#joiner = new RowJoiner(parts.length, plan.progressInterval)
    this.#nameRows = new SharedNameRows(plan.duration)
    const ramps = plan.stages !== undefined
    if (plan.abortOnFail) this.#thresholds = new ThresholdWatch(plan.thresholds, { duration: plan.duration, ramps })
    this.#stopTicking = every(clock, TICK, () => this.tick())
    const plans = dividePlan(plan, parts.length)
    for (const [index, { line }] of parts.entries()) {
      line.send({ type: 'run', id: this.#ownId, plan: plans[index] as LoadPlan, waits: true })
    }
  }

  /** To all processes. */
  pass(message: LoadRequestMessage): void {
    for (const { line } of this.#parts) line.send({ ...message, id: this.#ownId })
  }

  stop(): void {
    this.#endAll('stop')
  }

  abort(): void {
    this.#endAll('abort')
  }

  #endAll(type: 'stop' | 'abort'): void {
    for (const { line, end } of this.#parts) if (!end) line.send({ type, id: this.#ownId })
  }

  close(): void {
    this.#stopTicking()
  }

  onMessage(index: number, message: LoadReportMessage): void {
    const part = this.#parts[index]
    if (!part || part.end || message.type === 'ready' || message.id !== this.#ownId) return
    if (message.type === 'log') return this.#report({ ...message, id: this.#id })
    if (message.type === 'armed') return this.#onArmed(part)
    if ('completed' in message) part.completed = message.completed
    if (message.progress) part.latest = complete(message.progress, part.latest)
    if (message.type === 'tick') return
    this.#keep(this.#joiner.add(index, mergeable(message.rows, message.progress)))
    part.told = true
    if (message.type === 'end') this.#onPartEnd(index, part, message)
    else this.#tellInterval()
  }

  #keep(joined: readonly JoinedRow[]): void {
    for (const { row, parts } of joined) {
      this.#rows.push(row)
      this.#nameRows.add(row, parts)
    }
  }

  #onArmed(part: Part): void {
    part.armed = true
    if (!this.#parts.every(({ armed }) => armed)) return
    const at = this.#clock.machineNow() + this.#headStart
    for (const { line } of this.#parts) line.send({ type: 'go', id: this.#ownId, at })
  }

  /** What the whole is known by; `undefined` as long as no process has measured anything. */
  #whole(isOver: boolean): RowlessProgress | undefined {
    const known = this.#parts.flatMap(({ latest }) => latest ?? [])
    return known.length === 0 ? undefined : mergeProgress(known, isOver)
  }

  #completed(): number {
    return this.#parts.reduce((total, part) => total + part.completed, 0)
  }

  /** Tells all so far, and ends the load where a threshold says so. */
  tick(): void {
    // Before that nothing is lost: a process that was dying when it was asked can be replaced.
    if (!this.#parts.every(({ armed }) => armed)) return
    const progress = this.#whole(false)
    this.#report({ type: 'tick', id: this.#id, completed: this.#completed(), ...(progress ? { progress } : {}) })
    if (!progress || this.#ending || progress.requests + progress.errors.total + progress.dropped === 0) return
    const thresholds = this.#thresholds?.judge({ ...progress, samples: [] })
    if (thresholds) this.#endWith({ outcome: 'failed-threshold', thresholds: thresholds as ThresholdOutcome[] })
  }

  #endWith(end: LoadEnd): void {
    this.#ending ??= end
    this.#endAll('stop')
  }

  /** An interval is told when every process has told its own. */
  #tellInterval(): void {
    if (!this.#parts.every(({ told, end }) => told || end)) return
    const progress = this.#whole(false)
    if (!progress) return
    for (const part of this.#parts) part.told = false
    this.#report({ type: 'progress', id: this.#id, progress, rows: this.#rows.splice(0) })
  }

  #onPartEnd(index: number, part: Part, { end, left }: EndMessage): void {
    part.end = end
    if (left) part.line.retire()
    this.#keep(this.#joiner.end(index))
    if (this.#parts.every((other) => other.end)) return this.#conclude()
    // A process whose few requests got no answer says nothing of the whole; any other failure ends it.
    if (end.outcome === 'failed' && !end.unanswered) this.#endWith(end)
  }

  #conclude(): void {
    this.close()
    const progress = this.#whole(true) as RowlessProgress
    const end = this.#ending ?? this.#ownEnd(progress)
    this.#report({
      type: 'end',
      id: this.#id,
      end,
      progress: {
        ...progress,
        byName: this.#withRows(progress.byName),
        aborted: !isWhole(end),
        ...(isWhole(end) ? { progress: 1 } : {}),
      },
      rows: this.#rows.splice(0),
      completed: this.#completed(),
    })
  }

  #withRows(byName: RowlessProgress['byName']): RowlessProgress['byName'] {
    const ofParts = this.#parts.map(({ latest }) => latest?.byName ?? {})
    const withRows = Object.entries(byName).map(([name, figures]) => {
      const samples = this.#nameRows.samplesOf(name, ofParts)
      return [name, samples ? { ...figures, samples } : figures]
    })
    return Object.fromEntries(withRows)
  }

  #ownEnd(progress: RowlessProgress): LoadEnd {
    const ends = this.#parts.flatMap(({ end }) => end ?? [])
    const early = ends.find(({ outcome }) => outcome === 'aborted' || outcome === 'stopped')
    if (early) return early
    const failed = ends.find((end) => end.outcome === 'failed' && !(end.unanswered && progress.requests > 0))
    return failed ?? { outcome: 'completed' }
  }
}

/** With many names a tick leaves them out: what was known of them still stands. */
function complete(progress: TickProgress, before: RowlessProgress | undefined): RowlessProgress {
  const { interval, rows: _rows, names: _names, ...histograms } = progress.histograms ?? {}
  const lastInterval = interval ?? before?.histograms?.interval
  return {
    ...progress,
    byName: progress.byName ?? before?.byName ?? {},
    histograms: { ...histograms, ...(lastInterval ? { interval: lastInterval } : {}) },
  }
}

function mergeable(rows: readonly LoadSample[], { histograms }: RowlessProgress): MergeableRow[] {
  return rows.flatMap((row, index) => {
    const latency = histograms?.rows?.[index]
    const names = histograms?.names?.[index]
    return latency ? [{ row, latency, ...(names ? { names } : {}) }] : []
  })
}
