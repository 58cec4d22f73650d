import { listWithDescendants } from '../lifecycle/process-table.ts'
import { swallow } from '../lifecycle/debug.ts'
import type { HeapRecord } from './verdict/heap-record.ts'
import { MemoryError } from '../errors.ts'
import { sleep, withDeadline } from '../lifecycle/abort.ts'
import type {
  AllocationProfile,
  Answer,
  Ask,
  Details,
  IsolateHeap,
  IsolateMemory,
  IsolateReading,
  WatchedIsolate,
} from '../probe/protocol.ts'
import type { MemorySource, SourceReading } from './memory-source.ts'
import type { MemoryTarget } from './memory-target.ts'
import { readClock, readWallClock } from '../lifecycle/real-timers.ts'

/** Milliseconds that a sample waits for an isolate. After that, its last known figures are used. */
const SAMPLE_LIMIT = 250
/** How long a single reading waits for an isolate. (A watch waits for its first one as long as a question stays open.) */
const SNAPSHOT_LIMIT = 2_500
/** How long a question stays open: a blocked event loop answers when it is free again. */
const ANSWER_LIMIT = 10_000
/** An isolate is waited for so long where others have answered: a thread may be parked for good (`Atomics.wait`). */
const SILENT_AFTER = 2_000
/** How long a server may have no process at all: one that restarts has none for a moment, and one that died says so. */
const ABSENCE_LIMIT = 5_000

/** How long a first reading waits for a process, from its start or from the end of a restart. A death is heard of within that. */
const RETURN_LIMIT = 1_000
const RETURN_LOOK = 20

const SHELL = /^(sh|bash|dash|zsh|ash|busybox)$/

interface KnownIsolate {
  readonly isolate: WatchedIsolate
  last: IsolateReading | undefined
  asking: Promise<void> | undefined
  /** The heap after a collection that it is asked for, and whether that has been so for too long. */
  collecting: Promise<IsolateHeap | undefined> | undefined
  silent: boolean
}

/** A Node server: the isolates of its tree (processes and worker threads), through their probes. */
export class ProbedServer implements MemorySource {
  readonly kind = 'node'
  readonly name: string
  readonly gone: AbortSignal
  readonly #target: MemoryTarget
  readonly #known = new Map<string, KnownIsolate>()
  readonly #requests = new Map<string, number>()
  #latest: SourceReading | undefined
  #absentSince: number | undefined

  constructor(target: MemoryTarget, name: string) {
    this.#target = target
    this.name = name
    this.gone = target.signal
  }

  /** Threads and processes that do not answer while others do. */
  get unseen(): string | undefined {
    const known = this.#connected()
    const silent = known.filter((entry) => entry.silent)
    if (silent.length === 0 || silent.length === known.length) return undefined
    return `${silent.map(({ isolate }) => nameOf(isolate)).join(', ')}; its event loop did not turn`
  }

  /** Processes of its tree without a probe, but for the shells that only started others. */
  get otherProcesses(): string | undefined {
    if (this.#target.pid === undefined) return undefined
    const probed = new Set(this.#target.channel?.isolates().map(({ pid }) => pid))
    const others = listWithDescendants(this.#target.pid).filter(
      ({ pid, name }) => !probed.has(pid) && !SHELL.test(name),
    )
    return others.length === 0 ? undefined : others.map(({ pid, name }) => `process ${pid} (${name})`).join(', ')
  }

  async read(watch?: string): Promise<SourceReading> {
    const patience = watch === undefined ? SNAPSHOT_LIMIT : ANSWER_LIMIT
    const began = readClock()
    const reading = await this.#askForReading(watch, patience)
    return reading ?? (this.#latest ? this.#absent(this.#latest, patience) : this.#firstReading(watch, patience, began))
  }

  /** The figures of those that answer; `undefined` if nobody ever did. */
  async #askForReading(watch: string | undefined, patience: number): Promise<SourceReading | undefined> {
    const known = this.#connected()
    const asked = known.map((entry) => this.#ask(entry, watch))
    // The first reading waits for one isolate to answer. Later ones fall back on the last figures.
    if (asked.length > 0 && this.#latest === undefined) await withDeadline(Promise.race(asked), patience)
    await withDeadline(Promise.all(asked), SAMPLE_LIMIT)
    const answered = known.flatMap(({ isolate, last }) => (last ? [{ pid: isolate.pid, ...last }] : []))
    if (answered.length === 0) return undefined
    this.#absentSince = undefined
    this.#latest = {
      ...joinReadings(answered),
      stale: known.some(({ asking, last }) => asking !== undefined && last !== undefined),
      ...this.#requestsSoFar(),
    }
    return this.#latest
  }

  /** Waits for a server that was restarted before anybody had answered. */
  async #firstReading(watch: string | undefined, patience: number, began: number): Promise<SourceReading> {
    let until = readClock() + RETURN_LIMIT
    while (!this.gone.aborted && readClock() < until) {
      const { restarted } = this.#target
      if (restarted) {
        await restarted
        until = readClock() + RETURN_LIMIT
      } else {
        const known = this.#connected()
        if (known.some(({ asking }) => asking !== undefined) || readClock() - began >= patience) break
        const reading = known.length > 0 ? await this.#askForReading(watch, patience) : undefined
        if (reading) return reading
      }
      await sleep(RETURN_LOOK)
    }
    throw this.#silent(patience)
  }

  /** What was known last, for a while. */
  #absent(latest: SourceReading, patience: number): SourceReading {
    if (this.#target.restarted) this.#absentSince = undefined
    else this.#absentSince ??= readClock()
    if (this.#absentSince !== undefined && readClock() - this.#absentSince > ABSENCE_LIMIT) throw this.#silent(patience)
    return { ...latest, snapshot: { ...latest.snapshot, timestamp: readWallClock() }, stale: true }
  }

  async collect(watch?: string): Promise<HeapRecord | undefined> {
    const known = this.#connected()
    if (known.length === 0) return undefined
    const asked = new Map(known.map((entry) => [entry, this.#askToCollect(entry, watch)]))
    const awaited = known.filter(({ silent }) => !silent)
    await withDeadline(Promise.all(awaited.map(async (entry) => asked.get(entry))), SILENT_AFTER)
    for (const entry of awaited) entry.silent = entry.collecting !== undefined
    if (known.every(({ silent }) => silent)) {
      await withDeadline(Promise.race(asked.values()), ANSWER_LIMIT - SILENT_AFTER)
    }
    const isolates = new Map<string, IsolateHeap>()
    let time = 0
    let cost = 0
    for (const [entry, answer] of asked) {
      const heap = entry.silent ? undefined : await answer
      if (heap === undefined) continue
      isolates.set(entry.isolate.id, heap)
      time = Math.max(time, heap.time)
      cost = Math.max(cost, heap.cost)
      if (heap.requests !== undefined) this.#requests.set(entry.isolate.id, heap.requests)
    }
    if (isolates.size === 0) return undefined
    const silent = new Set(known.flatMap((entry) => (entry.silent ? [entry.isolate.id] : [])))
    const requests = { ...this.#requestsSoFar(), requestsOf: new Map(this.#requests) }
    return { timestamp: readWallClock(), isolates, silent, time, cost, ...requests }
  }

  /** One question at a time: a thread that is parked must not find hundreds of them when it wakes up. */
  #askToCollect(entry: KnownIsolate, watch: string | undefined): Promise<IsolateHeap | undefined> {
    entry.collecting ??= entry.isolate
      .ask('collect', { watch }, ANSWER_LIMIT)
      .then((heap) => {
        if (heap) entry.silent = false
        return heap
      })
      .finally(() => (entry.collecting = undefined))
    // Nobody may wait for it. The next collection reports its failure.
    entry.collecting.catch(swallow('collection'))
    return entry.collecting
  }

  async profile(): Promise<void> {
    await this.#askAll('sampleAllocations', {})
  }

  async rememberSites(): Promise<void> {
    await this.#askAll('rememberAllocations', {})
  }

  async sites(): Promise<AllocationProfile> {
    const profiles = await this.#askAll('endAllocations', {})
    return {
      sites: profiles.flatMap((profile) => profile?.sites ?? []),
      total: profiles.reduce((sum, profile) => sum + (profile?.total ?? 0), 0),
    }
  }

  /** Those that answer at all. */
  #askAll<A extends Ask>(ask: A, details: Details<A>): Promise<(Answer<A> | undefined)[]> {
    const known = this.#connected()
    const lively = known.filter(({ silent }) => !silent)
    return Promise.all(
      (lively.length > 0 ? lively : known).map(({ isolate }) => isolate.ask(ask, details, ANSWER_LIMIT)),
    )
  }

  async snapshot(isolate: string, file: string, largestHeap: number): Promise<number | undefined> {
    const asked = this.#connected().find((known) => known.isolate.id === isolate)?.isolate
    return (await asked?.ask('snapshot', { file, largestHeap }, ANSWER_LIMIT)) ?? undefined
  }

  release(watch: string): void {
    for (const { isolate } of this.#connected()) {
      isolate.ask('forget', { watch }, ANSWER_LIMIT).catch(swallow('end of a watch'))
    }
  }

  /** The isolates that live now, with what is known of them. */
  #connected(): KnownIsolate[] {
    return livingIsolates(this.#target).map((isolate) => {
      const entry = this.#known.get(isolate.id) ?? newlyKnown(isolate)
      this.#known.set(isolate.id, entry)
      return entry
    })
  }

  #ask(entry: KnownIsolate, watch: string | undefined): Promise<void> {
    entry.asking ??= entry.isolate
      .ask('read', { watch }, ANSWER_LIMIT)
      .then((reading) => {
        entry.last = reading ?? entry.last
        if (reading?.requests !== undefined) this.#requests.set(entry.isolate.id, reading.requests)
      })
      .finally(() => (entry.asking = undefined))
    return entry.asking
  }

  #requestsSoFar(): { requests?: number } {
    const requests = [...this.#requests.values()].reduce((sum, count) => sum + count, 0)
    return requests > 0 ? { requests } : {}
  }

  #silent(patience: number): MemoryError {
    // Those that were asked may have ended since.
    const known = this.#connected()
    const processes = [...new Set(known.map(({ isolate }) => isolate.pid))].join(', ')
    return new MemoryError(
      known.length === 0
        ? `No Node process of the ${this.name} (pid ${this.#target.pid}) is left to read memory from; did it exit?`
        : `The ${this.name} (process ${processes}) did not say how much memory it uses within ${patience / 1_000} s: its event loop is blocked. Look for synchronous work at start-up, or start the watch later.`,
    )
  }
}

function newlyKnown(isolate: WatchedIsolate): KnownIsolate {
  return { isolate, last: undefined, asking: undefined, collecting: undefined, silent: false }
}

function nameOf({ id, pid }: WatchedIsolate): string {
  const thread = id.split(':')[1] ?? '0'
  return thread === '0' ? `process ${pid}` : `thread ${thread} of process ${pid}`
}

/** The isolates of a server that live and are not a package manager that only started it. */
export function livingIsolates(target: MemoryTarget): WatchedIsolate[] {
  return (target.channel?.isolates() ?? []).filter((isolate) => isolate.connected && !isolate.wrapper)
}

/** Heaps add up; `rss` adds up by process; of event loops the slowest counts. */
function joinReadings(readings: readonly (IsolateReading & { pid: number })[]): Omit<SourceReading, 'stale'> {
  const sum = (part: (memory: IsolateMemory) => number) => readings.reduce((all, { memory }) => all + part(memory), 0)
  const worst = (part: 'p50' | 'p99' | 'max' | 'latest') => Math.max(...readings.map(({ loop }) => loop?.[part] ?? 0))
  const rss = new Map(readings.map(({ pid, memory }) => [pid, memory.rss]))
  return {
    snapshot: {
      timestamp: readWallClock(),
      heapUsed: sum((memory) => memory.heapUsed),
      heapTotal: sum((memory) => memory.heapTotal),
      external: sum((memory) => memory.external),
      arrayBuffers: sum((memory) => memory.arrayBuffers),
      rss: [...rss.values()].reduce((all, bytes) => all + bytes, 0),
    },
    loop: { p50: worst('p50'), p99: worst('p99'), max: worst('max'), latest: worst('latest') },
    gc: {
      count: readings.reduce((all, { gc }) => all + (gc?.count ?? 0), 0),
      time: readings.reduce((all, { gc }) => all + (gc?.time ?? 0), 0),
    },
  }
}
