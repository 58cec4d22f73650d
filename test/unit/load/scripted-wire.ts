import type { Target } from '../../../src/load/http/target.ts'
import type { Line, LineEvents, Wire } from '../../../src/load/http/wire.ts'
import type { VirtualClock } from '../virtual-clock.ts'

/** A request as it came to a scripted server. */
export interface ScriptedRequest {
  readonly line: ScriptedLine
  readonly method: string
  readonly path: string
  readonly body: string
  /** By the clock. */
  readonly at: number
  /** Its place among all requests, from 0. */
  readonly index: number
}

/** What a scripted server does. Unless it says otherwise, lines open after `OPENING` ms and requests are left without an answer. */
export interface Script {
  /** An error refuses the line, `false` leaves it hanging. `index` is its place among all lines, from 0. */
  open?(index: number, at: number): Error | boolean
  /** A request has come, in full. */
  serve?(request: ScriptedRequest): void
  /** So many requests came in one piece. */
  onPiece?(requests: number): void
}

/** Milliseconds that it takes to open a line. */
export const OPENING = 1

export function codedError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 10.0.0.1:80`), { code })
}

/** One line, as the server sees it. */
export class ScriptedLine implements Line {
  readonly index: number
  readonly #clock: VirtualClock
  readonly #events: LineEvents
  readonly #serve: (line: ScriptedLine, bytes: Uint8Array) => void
  #corked: Uint8Array[] | undefined
  destroyed = false
  opened = false
  /** Requests that came over it. */
  requests = 0

  constructor(
    index: number,
    clock: VirtualClock,
    events: LineEvents,
    serve: (line: ScriptedLine, bytes: Uint8Array) => void,
  ) {
    this.index = index
    this.#clock = clock
    this.#events = events
    this.#serve = serve
  }

  write(bytes: Uint8Array): void {
    if (this.#corked) this.#corked.push(bytes)
    else this.#serve(this, bytes)
  }

  cork(): void {
    this.#corked = []
  }

  uncork(): void {
    const bytes = Buffer.concat(this.#corked ?? [])
    this.#corked = undefined
    if (bytes.length > 0) this.#serve(this, bytes)
  }

  destroy(): void {
    this.destroyed = true
  }

  /** Sends bytes after so many milliseconds. */
  send(text: string, after = 0): void {
    this.#later(after, () => this.#events.onData(Buffer.from(text, 'latin1'), Buffer.byteLength(text, 'latin1')))
  }

  /** Sends an answer after so many milliseconds. */
  answer(
    after = 0,
    { status = 200, body = 'ok', headers = '' }: { status?: number; body?: string; headers?: string } = {},
  ) {
    this.send(`HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`, after)
  }

  /** Ends the line after so many milliseconds. */
  end(after = 0): void {
    this.#later(after, () => this.#events.onEnd())
  }

  reset(after = 0, error = codedError('ECONNRESET')): void {
    this.#later(after, () => this.#events.onError(error))
  }

  open(after: number): void {
    this.#later(after, () => {
      this.opened = true
      this.#events.onOpen()
    })
  }

  #later(after: number, act: () => void): void {
    this.#clock.arrive(after, () => {
      if (!this.destroyed) act()
    })
  }
}

/** A wire to a server that is a script. */
export class ScriptedWire implements Wire {
  readonly lines: ScriptedLine[] = []
  readonly requests: ScriptedRequest[] = []
  readonly #clock: VirtualClock
  readonly #script: Script

  constructor(clock: VirtualClock, script: Script) {
    this.#clock = clock
    this.#script = script
  }

  get openLines(): number {
    return this.lines.filter(({ opened, destroyed }) => opened && !destroyed).length
  }

  connect(_target: Target, events: LineEvents): Line {
    const line = new ScriptedLine(this.lines.length, this.#clock, events, (own, bytes) => this.#receive(own, bytes))
    this.lines.push(line)
    const answer = this.#script.open?.(line.index, this.#clock.now()) ?? true
    if (answer === true) line.open(OPENING)
    else if (answer !== false) line.reset(OPENING, answer)
    return line
  }

  #receive(line: ScriptedLine, bytes: Uint8Array): void {
    const requests = parseRequests(Buffer.from(bytes).toString('latin1'))
    this.#script.onPiece?.(requests.length)
    for (const parsed of requests) {
      const request = { ...parsed, line, at: this.#clock.now(), index: this.requests.length }
      this.requests.push(request)
      line.requests += 1
      this.#script.serve?.(request)
    }
  }
}

function parseRequests(text: string): { method: string; path: string; body: string }[] {
  const requests: { method: string; path: string; body: string }[] = []
  let rest = text
  while (rest !== '') {
    const headEnd = rest.indexOf('\r\n\r\n') + 4
    const [method, path] = rest.split(' ', 2) as [string, string]
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(rest.slice(0, headEnd))?.[1] ?? 0)
    requests.push({ method, path, body: rest.slice(headEnd, headEnd + length) })
    rest = rest.slice(headEnd + length)
  }
  return requests
}
