import { RequestWork } from '../../../src/load/engine/request-work.ts'
import { LoadRun } from '../../../src/load/engine/load-run.ts'
import type { LoadEnd, RowlessProgress } from '../../../src/load/messages.ts'
import type { LoadOptions } from '../../../src/load/plan/load-options.ts'
import { resolveLoadOptions } from '../../../src/load/plan/load-plan.ts'
import type { LoadResult, LoadSample } from '../../../src/results/load-result.ts'
import { every } from '../../../src/lifecycle/clock.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { ScriptedWire, type Script } from './scripted-wire.ts'

/** As often as the load process does it. */
const TICK = 100

/** A load on a clock and against a server that a test holds: seconds of it take milliseconds. */
export class VirtualLoad {
  readonly clock = new VirtualClock()
  readonly wire: ScriptedWire
  readonly run: LoadRun
  readonly progresses: (RowlessProgress & { rows: number; at: number })[] = []
  /** Of each tick, what it told of all so far. */
  readonly ticks: (RowlessProgress | undefined)[] = []
  end: LoadEnd | undefined
  /** Completed requests, warm-up included, at the end. */
  completed = 0
  endedAt = NaN
  /** CPU and event-loop utilisation that the load process is said to need. */
  eventLoopUtilization = 0.1
  readonly #rows: LoadSample[] = []
  #result: RowlessProgress | undefined

  constructor(options: LoadOptions, script: Script) {
    const { clock } = this
    this.wire = new ScriptedWire(clock, script)
    const plan = resolveLoadOptions({ url: 'http://10.0.0.1/', ...options }, { env: {} })
    const stopTicking = every(clock, TICK, () => this.run.tick())
    this.run = new LoadRun({
      plan,
      report: {
        armed: () => {},
        tick: (_completed, progress) => void this.ticks.push(progress),
        log: () => {},
        progress: (progress, rows) => {
          this.#rows.push(...rows)
          this.progresses.push({ ...progress, rows: this.#rows.length, at: clock.now() })
        },
        end: (end, completed, progress, rows) => {
          stopTicking()
          this.#rows.push(...rows)
          this.end = end
          this.completed = completed
          this.endedAt = clock.now()
          this.#result = progress
        },
      },
      machine: {
        clock,
        wire: this.wire,
        measureCost: () => ({
          read: () => ({ cpu: 1, eventLoopUtilization: this.eventLoopUtilization }),
          stop() {},
        }),
      },
      createWork: (course) => new RequestWork(course),
    })
    this.run.start()
  }

  /** All that was measured. */
  get result(): LoadResult & RowlessProgress {
    if (!this.#result) throw new Error('The load has not ended')
    return { ...this.#result, samples: this.#rows }
  }

  /** Runs to its end, at most so many milliseconds; nothing may be left of it then. */
  finish(within = 60_000): LoadResult & RowlessProgress {
    for (let passed = 0; passed < within && !this.end; passed += 100) this.clock.advance(100)
    if (!this.end) throw new Error(`The load goes on after ${within} ms`)
    if (this.wire.openLines > 0) throw new Error(`${this.wire.openLines} lines are open after the end`)
    return this.result
  }
}

/** Runs a load to its end. */
export function runVirtually(options: LoadOptions, script: Script): VirtualLoad {
  const load = new VirtualLoad(options, script)
  load.finish()
  return load
}

/** A server that answers each request after so many milliseconds, on each line one after the other. */
export function answersAfter(milliseconds: number): Script {
  const free = new Map<object, number>()
  return {
    serve: ({ line, at }) => {
      const begins = Math.max(at, free.get(line) ?? 0)
      free.set(line, begins + milliseconds)
      line.answer(begins + milliseconds - at)
    },
  }
}
