import { closeSync, fstatSync, ftruncateSync, openSync, readSync, unlinkSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import stripAnsi from 'strip-ansi'
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
  /** Bytes that were dropped when the file was emptied. */
  #dropped = 0
  readonly #readers = new Set<LineReader>()
  readonly #timer: NodeJS.Timeout

  constructor() {
    const path = join(tmpdir(), `vitest-perf-${process.pid}-${randomUUID()}.log`)
    this.descriptor = openSync(path, 'ax+', 0o600)
    unlinkSync(path)
    this.#timer = setInterval(() => this.bound(), CHECK_INTERVAL)
    this.#timer.unref()
  }

  /** The last 64 KB that the server printed, as a person sees it: without escape codes. */
  get tail(): string {
    if (this.#closed) return this.#kept
    const text = this.#kept + stripAnsi(this.#readEnd())
    return text.length > TAIL ? text.slice(-TAIL) : text
  }

  /** Begins to read the output line by line, from what is there now at its start. */
  readLines(): LineReader {
    const reader = new LineReader((from) => {
      const start = from - this.#dropped
      return this.#closed || start < 0 ? undefined : this.#bytes(start, Math.max(0, this.size - start))
    })
    this.#readers.add(reader)
    return reader
  }

  /** Ends a reader. */
  release(reader: LineReader): void {
    this.#readers.delete(reader)
  }

  /** Size of the file, to see whether something was added. */
  get size(): number {
    return this.#closed ? 0 : fstatSync(this.descriptor).size
  }

  /** Empties the file when it has grown over its limit. */
  bound(): void {
    if (this.#closed || this.size < LIMIT) return
    for (const reader of this.#readers) reader.pull()
    this.#kept = this.tail
    this.#dropped += this.size
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
    return this.#bytes(position, length).toString('utf8')
  }

  #bytes(position: number, length: number): Buffer {
    const buffer = Buffer.alloc(length)
    let filled = 0
    while (filled < length) {
      const count = readSync(this.descriptor, buffer, filled, length - filled, position + filled)
      if (count === 0) break
      filled += count
    }
    return buffer.subarray(0, filled)
  }
}

/** A line without an end is kept up to this length, in characters. */
const LONGEST_LINE = 64 * 1024

/** Hands out the lines of an output as they come in, each of them once; the last, unfinished one again until it ends. */
export class LineReader {
  readonly #read: (from: number) => Buffer | undefined
  readonly #decoder = new StringDecoder('utf8')
  #position = 0
  #rest = ''
  #lines: string[] = []

  constructor(read: (from: number) => Buffer | undefined) {
    this.#read = read
  }

  /** Reads what has come in, so that it is not lost when the file is emptied. */
  pull(): void {
    const bytes = this.#read(this.#position)
    if (!bytes || bytes.length === 0) return
    this.#position += bytes.length
    // A carriage return begins the line anew, as a progress bar does.
    const lines = (this.#rest + this.#decoder.write(bytes)).split(/\r?\n|\r/)
    this.#rest = (lines.pop() ?? '').slice(-LONGEST_LINE)
    this.#lines.push(...lines)
  }

  /** The lines that came in since the last call, without escape codes. */
  next(): string[] {
    this.pull()
    const lines = this.#lines
    this.#lines = []
    return [...lines, ...(this.#rest === '' ? [] : [this.#rest])].map((line) => stripAnsi(line))
  }
}
