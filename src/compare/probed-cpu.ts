import { swallow } from '../lifecycle/debug.ts'
import type { ProbeChannel } from '../probe/channel.ts'

/** Milliseconds that a process has to answer: it has nothing to do between two turns, but its machine may have. */
const ANSWER_LIMIT = 2_000
/** Readings without an answer after which nobody is asked any more: a main thread may wait for its threads for good. */
const MOST_MISSED = 2

/**
 * CPU time of the Node processes of a server, with their threads, as their probes tell it. For systems that show no CPU of other
 * processes. A process counts from when it is first seen.
 */
export class ProbedCpu {
  readonly #channel: Pick<ProbeChannel, 'isolates'>
  /** What each process had used when it was last asked. */
  readonly #used = new Map<number, number>()
  #total = 0
  #missed = 0

  constructor(channel: Pick<ProbeChannel, 'isolates'>) {
    this.#channel = channel
  }

  /** Milliseconds since the first reading. `undefined` without a process, and where one does not answer: a part of the CPU is none. */
  async read(): Promise<number | undefined> {
    if (this.#missed >= MOST_MISSED) return undefined
    const processes = this.#channel.isolates().filter(({ threadId, wrapper }) => threadId === 0 && !wrapper)
    const answers = await Promise.all(
      processes.map(async (isolate) => ({
        isolate,
        used: await isolate.ask('cpu', {}, ANSWER_LIMIT).catch(swallow('CPU of a probe')),
      })),
    )
    // One that has ended meanwhile has no more to tell.
    const living = answers.filter(({ isolate }) => isolate.connected)
    if (living.length === 0) return undefined
    let isComplete = true
    for (const { isolate, used } of living) {
      if (used === undefined) isComplete = false
      else {
        this.#total += used - (this.#used.get(isolate.pid) ?? used)
        this.#used.set(isolate.pid, used)
      }
    }
    if (isComplete) return this.#total
    this.#missed += 1
    return undefined
  }
}
