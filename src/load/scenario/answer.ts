import type { CapturedAnswer } from '../http/captured-answer.ts'
import type { UserAnswer } from '../plan/virtual-user.ts'

/** Characters of a body that an error shows. */
const SHOWN = 80

/** A whole answer. Headers and body are decoded when they are first read. */
export class Answer implements UserAnswer {
  readonly status: number
  readonly url: string
  readonly latency: number
  readonly #captured: CapturedAnswer
  readonly #request: string

  /** `request` is what messages call it, such as `GET /items`. */
  constructor(captured: CapturedAnswer, about: { status: number; url: string; latency: number; request: string }) {
    this.#captured = captured
    this.#request = about.request
    this.status = about.status
    this.url = about.url
    this.latency = about.latency
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#captured.headers
  }

  bytes(): Uint8Array {
    return this.#decoded()
  }

  text(): string {
    return this.#decoded().toString('utf8')
  }

  json<T = unknown>(): T {
    const text = this.text()
    try {
      return JSON.parse(text) as T
    } catch (error) {
      const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
      const body = text === '' ? 'an empty body' : `a body that is no JSON (${(error as Error).message}): ${shown}`
      throw new Error(`${this.#request} answered ${this.status} with ${body}`, { cause: error })
    }
  }

  #decoded(): Buffer {
    const { body, malformed } = this.#captured
    if (malformed === undefined) return body
    throw new Error(`${this.#request} answered ${this.status} with a body that could not be decoded: ${malformed}`)
  }
}
