import { StringDecoder } from 'node:string_decoder'
import type { UserEvent } from '../plan/virtual-user.ts'

/** Makes events of the bytes of a `text/event-stream` (HTML Living Standard, 9.2.6). */
export class EventParser {
  readonly #decoder = new StringDecoder('utf8')
  readonly #onEvent: (event: UserEvent) => void
  #rest = ''
  #isFirst = true
  #type = ''
  #data: string[] = []
  #id = ''

  constructor(onEvent: (event: UserEvent) => void) {
    this.#onEvent = onEvent
  }

  read(chunk: Buffer): void {
    let text = this.#rest + this.#decoder.write(chunk)
    if (this.#isFirst && text !== '') {
      this.#isFirst = false
      text = text.replace(/^\uFEFF/, '')
    }
    // A \r at the very end may be the first half of \r\n.
    const held = text.endsWith('\r') ? '\r' : ''
    const lines = text.slice(0, text.length - held.length).split(/\r\n|\n|\r/)
    this.#rest = (lines.pop() ?? '') + held
    for (const line of lines) this.#line(line)
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.#type = value
    else if (field === 'data') this.#data.push(value)
    else if (field === 'id' && !value.includes('\0')) this.#id = value
  }

  #dispatch(): void {
    const data = this.#data
    const event = this.#type === '' ? 'message' : this.#type
    this.#data = []
    this.#type = ''
    if (data.length > 0) this.#onEvent({ event, data: data.join('\n'), id: this.#id })
  }
}
