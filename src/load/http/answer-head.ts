/** Names in lower case. Values of one name are joined by `', '`. */
export type AnswerHeaders = Readonly<Record<string, string>>

const IS_ENCODED = /(?:^|\r\n)content-encoding:/i
const SETS_COOKIES = /(?:^|\r\n)set-cookie:/i
const KEEP_ALIVE = /(?:^|\r\n)keep-alive:[^\r]*?\btimeout=(\d+)/i

/** The header lines of an answer, parsed at the first access. Answers with the same lines may share one. */
export class AnswerHead {
  /** The lines of a plain head, with its status line; or names and values in turn. */
  readonly #source: string | readonly string[]
  #raw: readonly string[] | undefined
  #joined: AnswerHeaders | undefined
  #codings: string | undefined
  #setsCookies: boolean | undefined
  #keepAlive: number | undefined

  constructor(source: string | readonly string[]) {
    this.#source = source
  }

  /** Names as they were sent, and values, in turn. */
  get raw(): readonly string[] {
    return (this.#raw ??= typeof this.#source === 'string' ? headersOf(this.#source) : this.#source)
  }

  get joined(): AnswerHeaders {
    return (this.#joined ??= joinHeaders(this.raw))
  }

  /** The value of `Content-Encoding`; `''` for none. */
  get codings(): string {
    return (this.#codings ??= IS_ENCODED.test(this.#text()) ? (this.joined['content-encoding'] ?? '') : '')
  }

  get setsCookies(): boolean {
    return (this.#setsCookies ??= SETS_COOKIES.test(this.#text()))
  }

  /** Milliseconds for which the server keeps the connection without a request; `Infinity` if it says nothing (`Keep-Alive: timeout=5`). */
  get keepAlive(): number {
    if (this.#keepAlive === undefined) {
      const seconds = KEEP_ALIVE.exec(this.#text())?.[1]
      this.#keepAlive = seconds === undefined ? Infinity : Number(seconds) * 1_000
    }
    return this.#keepAlive
  }

  #text(): string {
    if (typeof this.#source === 'string') return this.#source
    return this.#source.map((part, index) => (index % 2 === 0 ? `${part}:` : `${part}\r\n`)).join('')
  }
}

/** Names and values of a plain head, in turn. */
function headersOf(head: string): string[] {
  const raw: string[] = []
  for (let start = head.indexOf('\r\n') + 2; start > 1;) {
    const end = head.indexOf('\r\n', start)
    const line = end === -1 ? head.slice(start) : head.slice(start, end)
    const colon = line.indexOf(':')
    raw.push(line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ''))
    start = end === -1 ? 0 : end + 2
  }
  return raw
}

function joinHeaders(raw: readonly string[]): AnswerHeaders {
  const headers: Record<string, string> = Object.create(null)
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase()
    const value = raw[index + 1] as string
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return Object.freeze(headers)
}
