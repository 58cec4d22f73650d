import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { getHeapCodeStatistics, getHeapSpaceStatistics, setFlagsFromString, writeHeapSnapshot } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AllocationSampler } from './allocation-sampler.ts'
import { IsolateProfiler } from './isolate-profiler.ts'
import { LoopDelays, LoopTimer } from './loop-delay.ts'
import type { Answer, Ask, Details, IsolateHeap, IsolateMemory, IsolateReading } from './protocol.ts'
import { readClock, turn } from '../lifecycle/real-timers.ts'

/** Turns of the loop between two collections: the requests that waited for the first one are over then. */
const TURNS = 3

/**
 * Up to a page of old space (256 KB) that V8 has set aside counts as used after one full collection and not after the next, in one of
 * four to ten: as much as a leak leaves in seconds. So the median of three counts, where a collection takes less than `QUICK` milliseconds.
 */
const READINGS = 3
const QUICK = 15

const RESPONSE_FINISHED = 'http.server.response.finish'

interface Watch {
  readonly loop: LoopDelays
  readonly from: { readonly requests: number; readonly gcCount: number; readonly gcTime: number }
}

/**
 * The isolate this module runs in: reads its memory, forces collections, and while somebody watches counts its collections,
 * its finished HTTP responses and the delay of its event loop. Costs nothing while nobody watches.
 */
export class Isolate {
  #watches = new Map<string, Watch>()
  #requests = 0
  #gcCount = 0
  #gcTime = 0
  #observer: PerformanceObserver | undefined
  #collection: Promise<IsolateHeap> | undefined
  #gc: (() => void) | undefined
  #sampler = new AllocationSampler()
  readonly #profiler = new IsolateProfiler()
  #timer = new LoopTimer((delay) => {
    for (const { loop } of this.#watches.values()) loop.record(delay)
  })

  /** What answers each question: a new kind of measurement adds its own. */
  readonly #handlers: { readonly [A in Ask]: (details: Details<A>) => Answer<A> | Promise<Answer<A>> } = {
    read: ({ watch }) => this.read(watch),
    collect: ({ watch }) => this.collect(watch),
    forget: ({ watch }) => this.forget(watch),
    sampleAllocations: () => this.#sampler.start(),
    rememberAllocations: () => this.#sampler.remember(),
    endAllocations: async () => {
      await this.#collectOnce()
      return this.#sampler.stop()
    },
    record: async ({ interval }) => {
      await this.#profiler.start(interval)
      return null
    },
    endRecord: ({ file }) => this.#profiler.stop(file),
    dropRecord: () => {
      this.#profiler.close()
      return null
    },
    cpu: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1_000
    },
    snapshot: ({ file, largestHeap }) => this.#snapshot(file, largestHeap),
  }

  async answer<A extends Ask>(ask: A, details: Details<A>): Promise<Answer<A>> {
    const handler = Object.hasOwn(this.#handlers, ask) ? this.#handlers[ask] : undefined
    if (!handler) throw new Error(`this probe does not know the question '${ask}'`)
    return handler(details)
  }

  /** Memory now. A `watch` that was not known begins here. */
  read(watch?: string): IsolateReading {
    const memory = readMemory()
    if (watch === undefined) return { memory }
    this.#timer.catchUp()
    const { loop, from } = this.#watches.get(watch) ?? this.#begin(watch)
    return {
      memory,
      requests: this.#requests - from.requests,
      loop: loop.read(),
      gc: { count: this.#gcCount - from.gcCount, time: this.#gcTime - from.gcTime },
    }
  }

  /** Memory after a full collection; collections asked for at the same time are one. */
  async collect(watch?: string): Promise<IsolateHeap> {
    this.#collection ??= this.#collectOnce().finally(() => (this.#collection = undefined))
    const heap = await this.#collection
    const from = watch === undefined ? undefined : this.#watches.get(watch)?.from
    if (!from) return heap
    const { heapData, machineCode, external, arrayBuffers, time, cost } = heap
    return { heapData, machineCode, external, arrayBuffers, time, cost, requests: this.#requests - from.requests }
  }

  forget(watch: string): null {
    if (!this.#watches.delete(watch) || this.#watches.size > 0) return null
    this.#timer.stop()
    this.#observer?.disconnect()
    this.#observer = undefined
    unsubscribe(RESPONSE_FINISHED, this.#onResponse)
    return null
  }

  /** Ends every watch and the profiler. */
  close(): void {
    for (const watch of this.#watches.keys()) this.forget(watch)
    this.#sampler.close()
    this.#profiler.close()
  }

  #onResponse = (): void => {
    this.#requests += 1
  }

  #begin(name: string): Watch {
    if (this.#watches.size === 0) {
      subscribe(RESPONSE_FINISHED, this.#onResponse)
      this.#observer = new PerformanceObserver((list) => this.#count(list.getEntries()))
      this.#observer.observe({ entryTypes: ['gc'] })
      this.#timer.start()
    }
    const watch: Watch = {
      loop: new LoopDelays(),
      from: { requests: this.#requests, gcCount: this.#gcCount, gcTime: this.#gcTime },
    }
    this.#watches.set(name, watch)
    return watch
  }

  #count(entries: readonly { duration: number; detail?: unknown }[]): void {
    for (const { duration, detail } of entries) {
      const flags = (detail as { flags?: number } | undefined)?.flags ?? 0
      if (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) continue
      this.#gcCount += 1
      this.#gcTime += duration
    }
  }

  #snapshot(file: string, largestHeap: number): number | null {
    this.#timer.skip()
    const started = readClock()
    // A snapshot begins with a collection anyway: some garbage does not make the heap too large for one.
    const { heapUsed } = process.memoryUsage()
    if (heapUsed > largestHeap && heapUsed < 4 * largestHeap) (this.#gc ??= exposeGc())()
    if (process.memoryUsage().heapUsed > largestHeap) return null
    writeHeapSnapshot(file)
    const time = readClock() - started
    this.#timer.skip()
    return time
  }

  /** Two collections with some turns of the loop between: finalizers and weak callbacks of the first free what the second takes. */
  async #collectOnce(): Promise<IsolateHeap> {
    const gc = (this.#gc ??= exposeGc())
    // A forced pause is ours, not the server's: its loop is not timed across it.
    this.#timer.skip()
    const first = new Stopwatch()
    gc()
    first.stop()
    for (let turns = 0; turns < TURNS; turns += 1) await turn()
    const second = new Stopwatch()
    const heaps: Heap[] = []
    do {
      gc()
      heaps.push(readHeap())
      second.stop()
    } while (heaps.length < READINGS && second.cost < heaps.length * QUICK)
    this.#timer.skip()
    // No spread here: V8 would make the result's shape anew in old space after each collection, and count a page of it as used.
    const { heapData, machineCode, external, arrayBuffers } = medianHeap(heaps)
    const [time, cost] = [first.time + second.time, first.cost + second.cost]
    return { heapData, machineCode, external, arrayBuffers, time, cost }
  }
}

/** What a synchronous piece of work takes, in milliseconds. */
class Stopwatch {
  time = 0
  /** Without what other programs took of it: on a busy machine most of a pause is theirs. */
  cost = 0
  readonly #startedAt = readClock()
  readonly #cpu = process.cpuUsage()

  stop(): void {
    const { user, system } = process.cpuUsage(this.#cpu)
    this.time = readClock() - this.#startedAt
    this.cost = Math.min(this.time, (user + system) / 1_000)
  }
}

type Heap = Omit<IsolateHeap, 'time' | 'cost' | 'requests'>

function medianHeap(heaps: readonly Heap[]): Heap {
  const sorted = [...heaps].sort((a, b) => a.heapData - b.heapData)
  return sorted[sorted.length >> 1] as Heap
}

function readHeap(): Heap {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return { heapData: heapUsed - readCodeSize(), machineCode: readMachineCodeSize(), external, arrayBuffers }
}

function readMemory(): IsolateMemory {
  const { heapUsed, heapTotal, external, arrayBuffers, rss } = process.memoryUsage()
  return { heapUsed, heapTotal, external, arrayBuffers, rss }
}

/**
 * Compiled code, bytecode and what V8 keeps beside them. Optimization goes on for thousands of requests and is most of what the
 * heap of a sound server grows by under load.
 */
function readCodeSize(): number {
  const { code_and_metadata_size: code, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics()
  return code + bytecode
}

function readMachineCodeSize(): number {
  let size = 0
  for (const { space_name: name, space_used_size: used } of getHeapSpaceStatistics()) {
    if (name === 'code_space' || name === 'code_large_object_space') size += used
  }
  return size
}

/**
 * A bare `gc()` is a full, synchronous collection on every Node; with `{ type: 'major' }` Node 20 does a minor one. The flag
 * stays set: it belongs to the process, and another of its threads may be at the same point.
 */
function exposeGc(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
