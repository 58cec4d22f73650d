import { closeSync, fstatSync, ftruncateSync, openSync, readSync, unlinkSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clearInterval, setInterval } from '../lifecycle/real-timers.ts'

/** How much of the end of the output is kept. */
const TAIL = 64 * 1024
/** Size at which the file is emptied: the tail is kept in memory before. */
const LIMIT = 8 * 1024 * 1024
const CHECK_INTERVAL = 500

/** The last `lines` lines of a text, at most `bytes` characters of them. */
export function lastLines(text: string, lines: number, characters = 4_096): string {
  const all = text.trimEnd().split('\n')
  const chosen = all.slice(-lines).join('\n')
  return chosen.length > characters ? chosen.slice(-characters) : chosen
}

/**
 * Where a server's stdout and stderr go: a file that has no name any more, so that it cannot be left behind however this
 * process ends. A pipe would slow the server down or inflate its memory as soon as this thread is busy.
 */
export class ServerOutput {
  /** For the `stdio` of the child. */
  readonly descriptor: number
  #kept = ''
  #closed = false
  readonly #timer: NodeJS.Timeout

  constructor() {
    const path = join(tmpdir(), `vitest-perf-${process.pid}-${randomUUID()}.log`)
    this.descriptor = openSync(path, 'ax+', 0o600)
    unlinkSync(path)
    this.#timer = setInterval(() => this.bound(), CHECK_INTERVAL)
    this.#timer.unref()
  }

  /** The last 64 KB that the server printed. */
  get tail(): string {
    if (this.#closed) return this.#kept
    const text = this.#kept + this.#readEnd()
    return text.length > TAIL ? text.slice(-TAIL) : text
  }

  /** All that the server printed so far, from its start, as far as it is still there; for patterns. */
  get text(): string {
    if (this.#closed) return this.#kept
    return this.#kept + this.#read(0, Math.min(fstatSync(this.descriptor).size, LIMIT))
  }

  /** Size of the file, to see whether something was added. */
  get size(): number {
    return this.#closed ? 0 : fstatSync(this.descriptor).size
  }

  /** Empties the file when it has grown over its limit. */
  bound(): void {
    if (this.#closed || this.size < LIMIT) return
    this.#kept = this.tail
    ftruncateSync(this.descriptor, 0)
  }

  /** Gives the file back to the system; the tail stays readable. */
  close(): void {
    if (this.#closed) return
    this.#kept = this.tail
    this.#closed = true
    clearInterval(this.#timer)
    closeSync(this.descriptor)
  }

  #readEnd(): string {
    const { size } = fstatSync(this.descriptor)
    const start = Math.max(0, size - TAIL)
    return this.#read(start, size - start)
  }

  #read(position: number, length: number): string {
    const buffer = Buffer.alloc(length)
    let filled = 0
    while (filled < length) {
      const count = readSync(this.descriptor, buffer, filled, length - filled, position + filled)
      if (count === 0) break
      filled += count
    }
    return buffer.toString('utf8', 0, filled)
  }
}
