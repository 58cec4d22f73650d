// What a probe sends, taken apart. Any process of the server can write to the socket, so nothing is believed: fields are copied one by
// one, and an answer of another shape than its question's is refused.

import type { AnswerLine, Ask, IsolateGreeting } from './protocol.ts'

/** The longest line before the greeting, and after it: a profile of a large program has some megabytes. */
const GREETING_LIMIT = 64 * 1024
const LINE_LIMIT = 64 * 1024 * 1024

/** Takes chunks of text, gives whole lines; throws a `RangeError` when a line is longer than it may be. */
export class Lines {
  #parts: string[] = []
  #length = 0
  #limit = GREETING_LIMIT

  /** The first line has come: from now on lines may be longer. */
  greeted(): void {
    this.#limit = LINE_LIMIT
  }

  *take(chunk: string): Generator<string> {
    let from = 0
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
      this.#keep(chunk.slice(from, end))
      const line = this.#parts.join('')
      this.#parts = []
      this.#length = 0
      from = end + 1
      yield line
    }
    this.#keep(chunk.slice(from))
  }

  #keep(part: string): void {
    this.#length += part.length
    if (this.#length > this.#limit) throw new RangeError(`A line is longer than ${this.#limit} characters`)
    if (part !== '') this.#parts.push(part)
  }
}

type Fields = Readonly<Record<string, unknown>>

function parseFields(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Finite and not negative, as sizes, counts and times are. */
function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

/** The greeting, with its own fields alone; `undefined` where the line is none. */
export function parseGreeting(line: string): IsolateGreeting | undefined {
  const { pid, threadId, wrapper, script } = parseFields(line) ?? {}
  if (!isAmount(pid) || !Number.isSafeInteger(pid) || pid === 0) return undefined
  if (!isAmount(threadId) || !Number.isSafeInteger(threadId)) return undefined
  if (typeof wrapper !== 'boolean' || typeof script !== 'string') return undefined
  return { pid, threadId, wrapper, script }
}

/** An answer, with its own fields alone; `undefined` where the line is none. */
export function parseAnswer(line: string): AnswerLine | undefined {
  const { id, value, error } = parseFields(line) ?? {}
  if (!isAmount(id)) return undefined
  if (error !== undefined) return typeof error === 'string' ? { id, error } : undefined
  return { id, value }
}

/** Whether a value can be the answer to a question. */
export function isAnswer(ask: Ask, value: unknown): boolean {
  return ACCEPTS[ask](value)
}

const isNull = (value: unknown): boolean => value === null

const ACCEPTS: { readonly [A in Ask]: (value: unknown) => boolean } = {
  read: isReading,
  collect: isHeap,
  forget: isNull,
  sampleAllocations: isNull,
  rememberAllocations: isNull,
  endAllocations: isAllocationProfile,
  record: isNull,
  endRecord: (value) => value === null || isIsolateProfile(value),
  dropRecord: isNull,
  cpu: isAmount,
  snapshot: (value) => value === null || isAmount(value),
}

function hasAmounts(value: unknown, ...names: readonly string[]): value is Fields {
  return isFields(value) && names.every((name) => isAmount(value[name]))
}

function isReading(value: unknown): boolean {
  if (!isFields(value)) return false
  const { memory, requests, loop, gc } = value
  return (
    hasAmounts(memory, 'heapUsed', 'heapTotal', 'external', 'arrayBuffers', 'rss') &&
    (requests === undefined || isAmount(requests)) &&
    (loop === undefined || hasAmounts(loop, 'p50', 'p99', 'max', 'latest')) &&
    (gc === undefined || hasAmounts(gc, 'count', 'time'))
  )
}

function isHeap(value: unknown): boolean {
  return (
    hasAmounts(value, 'heapData', 'machineCode', 'external', 'arrayBuffers', 'time', 'cost') &&
    (value['requests'] === undefined || isAmount(value['requests']))
  )
}

function isAllocationProfile(value: unknown): boolean {
  return (
    hasAmounts(value, 'total') &&
    Array.isArray(value['sites']) &&
    value['sites'].every(
      (site: unknown) =>
        hasAmounts(site, 'bytes') && typeof site['function'] === 'string' && typeof site['location'] === 'string',
    )
  )
}

function isIsolateProfile(value: unknown): boolean {
  if (!hasAmounts(value, 'eventLoopUtilization', 'duration', 'serving', 'requests', 'requestTime')) return false
  const { followed, cpu, processor, file, hot, waits, flame } = value
  return (
    hasAmounts(cpu, 'user', 'idle', 'gc') &&
    hasAmounts(followed, 'requests', 'time') &&
    (processor === undefined || hasAmounts(processor, 'running', 'waiting', 'slowdown')) &&
    (hasAmounts(file, 'bytes') || (isFields(file) && typeof file['problem'] === 'string')) &&
    Array.isArray(hot) &&
    hot.every((found: unknown) => hasAmounts(found, 'self', 'total') && isPlace(found)) &&
    Array.isArray(flame) &&
    Array.isArray(waits) &&
    waits.every(
      (wait: unknown) => hasAmounts(wait, 'count', 'failed', 'time', 'calls', 'waited') && isFields(wait['times']),
    )
  )
}

function isPlace(value: Fields): boolean {
  return typeof value['function'] === 'string' && typeof value['location'] === 'string'
}
