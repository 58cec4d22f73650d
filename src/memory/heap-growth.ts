import { swallow } from '../lifecycle/debug.ts'
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { withDeadline } from '../lifecycle/abort.ts'
import { guard, type Guard } from '../lifecycle/watchdog.ts'
import type { ConstructorGrowth } from '../results/memory-result.ts'
import type { MemorySource } from './memory-source.ts'

/** A snapshot stops its isolate for about 90 ms a megabyte, so larger heaps are let alone. */
const LARGEST_HEAP = 24 * 1024 * 1024
/** By the end a leak has made it larger. */
const LARGEST_HEAP_AT_END = 2 * LARGEST_HEAP
/** Milliseconds for reading and comparing two snapshots. */
const COMPARISON_LIMIT = 15_000
const COMPARISON_MEMORY_MB = 768

const WORKER = fileURLToPath(new URL('./census-worker.js', import.meta.url))

/** What grew in one isolate between two moments, by constructor. No answer is no error: it is left out. */
export class HeapGrowth {
  readonly #source: MemorySource
  readonly #isolate: string
  readonly #files: readonly [before: string, after: string]
  /** Snapshots hold all that the server knows: whatever becomes of this process, they are removed. */
  readonly #guard: Guard = guard()
  #begun = false
  #worker: Worker | undefined
  #closed: Promise<void> | undefined

  constructor(source: MemorySource, isolate: string) {
    const name = join(tmpdir(), `perf-heap-${process.pid}-${randomUUID()}`)
    this.#source = source
    this.#isolate = isolate
    this.#files = [`${name}-1.heapsnapshot`, `${name}-2.heapsnapshot`]
    for (const file of this.#files) this.#guard.addFile(file)
  }

  /** Takes the first snapshot; resolves with the milliseconds that the isolate stood still for it, if it did. */
  async begin(): Promise<number | undefined> {
    const taken = await this.#snapshot(this.#files[0], LARGEST_HEAP)
    this.#begun = taken !== undefined
    return taken
  }

  /** Takes the second and compares. */
  async end(): Promise<ConstructorGrowth[] | undefined> {
    if (!this.#begun || this.#closed) return undefined
    const taken = await this.#snapshot(this.#files[1], LARGEST_HEAP_AT_END)
    if (taken === undefined || this.#closed) return undefined
    const grown = await withDeadline(this.#compare(), COMPARISON_LIMIT)
    return grown === 'timeout' ? undefined : grown
  }

  /** Ends the comparison and removes the snapshots; idempotent. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #snapshot(file: string, largestHeap: number): Promise<number | undefined> {
    // Where none can be taken (no room on the disk, a Node without inspector) the verdict stands without.
    const taken = await this.#source.snapshot?.(this.#isolate, file, largestHeap).catch(swallow('heap snapshot'))
    // It may be written after we were closed.
    if (this.#closed) await rm(file, { force: true })
    return taken
  }

  #compare(): Promise<ConstructorGrowth[] | undefined> {
    const [before, after] = this.#files
    const worker = new Worker(WORKER, {
      workerData: { before, after },
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: COMPARISON_MEMORY_MB },
    })
    this.#worker = worker
    return new Promise((resolve) => {
      worker.once('message', resolve)
      worker.once('error', () => resolve(undefined))
      worker.once('exit', () => resolve(undefined))
    })
  }

  async #close(): Promise<void> {
    await this.#worker?.terminate()
    await Promise.all(this.#files.map((file) => rm(file, { force: true })))
    this.#guard.release()
  }
}
