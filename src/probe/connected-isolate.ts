import type { Socket } from 'node:net'
import { debuglog } from 'node:util'
import { clearTimeout, setTimeout } from '../lifecycle/real-timers.ts'
import { isAnswer, Lines, parseAnswer, parseGreeting } from './incoming.ts'
import type { Answer, AnswerLine, Ask, Details, IsolateGreeting, QuestionLine, WatchedIsolate } from './protocol.ts'

const debug = debuglog('vitest-perf')

/** The outcome of a question: `undefined` when the isolate is gone. */
type Outcome = AnswerLine | undefined

interface Pending {
  readonly ask: Ask
  readonly outcome: Promise<Outcome>
  readonly settle: (outcome: Outcome) => void
}

/**
 * Questions that change nothing: while one waits for its answer the same one is not sent again, so that an isolate whose event loop was
 * blocked does not wake up to hundreds of them.
 */
const SHARED: ReadonlySet<Ask> = new Set<Ask>(['read', 'collect'])

/** The spec's end of one probe's connection. */
export class ConnectedIsolate implements WatchedIsolate {
  connected = true
  readonly #socket: Socket
  readonly #lines = new Lines()
  readonly #pending = new Map<number, Pending>()
  /** Pending questions that are shared, by what they ask. */
  readonly #shared = new Map<string, Promise<Outcome>>()
  #greeting: IsolateGreeting | undefined
  #asked = 0

  constructor(socket: Socket, onClose: () => void) {
    this.#socket = socket
    socket.unref()
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => this.#receive(chunk))
    socket.on('error', (error) => {
      debug('a probe has failed: %s', error.message)
      socket.destroy()
    })
    socket.on('close', () => {
      this.connected = false
      for (const { settle } of this.#pending.values()) settle(undefined)
      onClose()
    })
  }

  get greeted(): boolean {
    return this.#greeting !== undefined
  }

  get pid(): number {
    return this.#greeting?.pid ?? 0
  }

  get threadId(): number {
    return this.#greeting?.threadId ?? 0
  }

  get wrapper(): boolean {
    return this.#greeting?.wrapper ?? false
  }

  get script(): string {
    return this.#greeting?.script ?? ''
  }

  get id(): string {
    return `${this.pid}:${this.threadId}`
  }

  disconnect(): void {
    this.connected = false
    this.#socket.destroy()
  }

  async ask<A extends Ask>(ask: A, details: Details<A>, limit: number): Promise<Answer<A> | undefined> {
    if (!this.connected || limit <= 0) return undefined
    const outcome = await within(this.#send(ask, details), limit)
    if (outcome === undefined) return undefined
    if (outcome.error !== undefined) throw new Error(`${this.#name()} could not ${words(ask)}: ${outcome.error}`)
    return outcome.value as Answer<A>
  }

  #send<A extends Ask>(ask: A, details: Details<A>): Promise<Outcome> {
    if (!SHARED.has(ask)) return this.#write(ask, details)
    const key = JSON.stringify([ask, details])
    const shared = this.#shared.get(key)
    if (shared) return shared
    const outcome = this.#write(ask, details).finally(() => this.#shared.delete(key))
    this.#shared.set(key, outcome)
    return outcome
  }

  #write<A extends Ask>(ask: A, details: Details<A>): Promise<Outcome> {
    const id = (this.#asked += 1)
    let settle!: (outcome: Outcome) => void
    const outcome = new Promise<Outcome>((resolve) => {
      settle = (value) => {
        this.#pending.delete(id)
        resolve(value)
      }
    })
    this.#pending.set(id, { ask, outcome, settle })
    const line: QuestionLine<A> = { id, ask, details }
    this.#socket.write(`${JSON.stringify(line)}\n`)
    return outcome
  }

  #name(): string {
    return this.threadId === 0 ? `process ${this.pid}` : `thread ${this.threadId} of process ${this.pid}`
  }

  #receive(chunk: string): void {
    try {
      for (const line of this.#lines.take(chunk)) {
        if (!this.connected) return
        if (this.#greeting) this.#receiveAnswer(line)
        else this.#receiveGreeting(line)
      }
    } catch (error) {
      this.#refuse(error instanceof RangeError ? error.message : String(error))
    }
  }

  #receiveGreeting(line: string): void {
    this.#greeting = parseGreeting(line)
    if (!this.#greeting) return this.#refuse('its greeting is malformed')
    this.#lines.greeted()
  }

  #receiveAnswer(line: string): void {
    const answer = parseAnswer(line)
    if (!answer) return this.#refuse('a line is no answer')
    const pending = this.#pending.get(answer.id)
    // An answer to nothing: it was asked for by nobody, or twice.
    if (!pending) return
    if (answer.error === undefined && !isAnswer(pending.ask, answer.value)) {
      return this.#refuse(`an answer to '${pending.ask}' is malformed`)
    }
    pending.settle(answer)
  }

  /** Whoever speaks another language is not a probe of ours. */
  #refuse(why: string): void {
    debug('a connection to the probe socket was closed: %s', why)
    this.disconnect()
  }
}

/** `sampleAllocations` as words. */
function words(ask: Ask): string {
  return ask.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function within<T>(work: Promise<T>, limit: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), limit)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
