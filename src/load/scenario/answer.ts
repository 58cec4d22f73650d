import type { CapturedAnswer } from '../http/captured-answer.ts'
import type { UserAnswer } from '../plan/virtual-user.ts'

/** Characters of a body that an error shows. */
const SHOWN = 80
/** Decoding leaves it out, as `fetch` does. */
const BYTE_ORDER_MARK = 0xfeff

/** A whole answer. Headers and body are decoded when they are first read. */
export class Answer implements UserAnswer {
  readonly status: number
  readonly latency: number
  readonly #captured: CapturedAnswer
  readonly #method: string
  readonly #origin: string
  readonly #path: string

  /** `to` is the request that it answers. */
  constructor(
    captured: CapturedAnswer,
    status: number,
    latency: number,
    to: { readonly method: string; readonly origin: { readonly origin: string }; readonly path: string },
  ) {
    this.#captured = captured
    this.status = status
    this.latency = latency
    this.#method = to.method
    this.#origin = to.origin.origin
    this.#path = to.path
  }

  get url(): string {
    return `${this.#origin}${this.#path}`
  }

  /** What messages call the request: `GET http://127.0.0.1:3000/items`. */
  get #request(): string {
    return `${this.#method} ${this.url}`
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#captured.headers
  }

  bytes(): Uint8Array {
    return this.#decoded()
  }

  text(): string {
    const text = this.#decodedText()
    return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text
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

  #decodedText(): string {
    const bytes = this.#decoded()
    try {
      return bytes.toString('utf8')
    } catch (error) {
      const message = `${this.#request} answered ${this.status} with ${bytes.length} bytes, which is too long for a text. Read \`bytes()\``
      throw new Error(message, { cause: error })
    }
  }

  #decoded(): Buffer {
    const { body, malformed } = this.#captured
    if (malformed === undefined) return body
    throw new Error(`${this.#request} answered ${this.status} with a body that could not be decoded: ${malformed}`)
  }
}
