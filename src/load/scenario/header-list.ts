import type { LoadHeaders } from '../plan/load-options.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// What may not stand in a header's value: control characters, and what does not fit one byte.
// eslint-disable-next-line no-control-regex
const NOT_IN_VALUE = /[\u0000-\u0008\u000a-\u001f\u007f]|[^\u0000-\u00ff]/
/** Computed from the body and the connection. */
const COMPUTED = new Set(['content-length', 'transfer-encoding', 'connection'])

export type HeaderSource = Readonly<Record<string, LoadHeaders[string] | undefined>>

/** The headers of a request. Requests with the same headers share one list, and its text is written once. */
export class HeaderList {
  static readonly EMPTY: HeaderList = new HeaderList([])
  /** Names and values in turn. */
  readonly raw: readonly string[]
  #text: string | undefined
  #names: ReadonlySet<string> | undefined

  constructor(raw: readonly string[]) {
    this.raw = raw
  }

  /** The headers of all sources, of which a later one wins by name, in any case. `undefined` takes a header away. */
  static merge(...sources: readonly HeaderSource[]): HeaderList {
    const merged = new Map<string, [name: string, values: readonly string[]]>()
    for (const source of sources) {
      for (const name in source) {
        const value = source[name]
        const key = name.toLowerCase()
        if (value === undefined) merged.delete(key)
        else merged.set(key, [name, checked(name, key, value)])
      }
    }
    if (merged.size === 0) return HeaderList.EMPTY
    const raw: string[] = []
    for (const [name, values] of merged.values()) for (const value of values) raw.push(name, value)
    return new HeaderList(raw)
  }

  /** As it stands in HTTP/1.1: each line with its end. */
  get text(): string {
    if (this.#text === undefined) {
      let text = ''
      for (let index = 0; index < this.raw.length; index += 2) text += `${this.raw[index]}: ${this.raw[index + 1]}\r\n`
      this.#text = text
    }
    return this.#text
  }

  /** `name` in lower case. */
  has(name: string): boolean {
    if (this.raw.length === 0) return false
    this.#names ??= new Set(this.raw.filter((_, index) => index % 2 === 0).map((text) => text.toLowerCase()))
    return this.#names.has(name)
  }

  /** The list without the headers of these names, in lower case. */
  without(...names: readonly string[]): HeaderList {
    if (!names.some((name) => this.has(name))) return this
    return new HeaderList(
      this.raw.filter((_, index) => !names.includes((this.raw[index - (index % 2)] as string).toLowerCase())),
    )
  }
}

function checked(name: string, key: string, value: LoadHeaders[string]): readonly string[] {
  if (!TOKEN.test(name))
    throw new TypeError(`A header's name takes letters, digits and -, and was ${JSON.stringify(name)}`)
  if (COMPUTED.has(key)) throw new TypeError(`The header ${name} is computed: leave it out`)
  const values = Array.isArray(value) ? (value as readonly string[]).map(String) : [String(value)]
  const wrong = values.find((text) => NOT_IN_VALUE.test(text))
  if (wrong === undefined) return values
  throw new TypeError(
    `The header ${name} takes Latin-1 characters without line breaks, and was ${JSON.stringify(wrong)}`,
  )
}

/** The headers that a user sends with each request: merged anew when it has changed them. */
export class UserHeaders {
  readonly #below: HeaderSource
  #names: readonly string[] = []
  #values: readonly HeaderSource[string][] = []
  #merged: HeaderList

  /** `below` are the load's own. */
  constructor(below: HeaderSource) {
    this.#below = below
    this.#merged = HeaderList.merge(below)
  }

  /** For a request with `own` headers. */
  listFor(user: HeaderSource, own: HeaderSource | undefined): HeaderList {
    if (own !== undefined) for (const _ in own) return HeaderList.merge(this.#below, user, own)
    if (this.#isKnown(user)) return this.#merged
    this.#merged = HeaderList.merge(this.#below, user)
    this.#names = Object.keys(user)
    // A list may change from within: such headers are merged for each request.
    this.#values = this.#names.map((name) => (typeof user[name] === 'object' ? undefined : user[name]))
    return this.#merged
  }

  #isKnown(user: HeaderSource): boolean {
    let index = 0
    for (const name in user) {
      const value = user[name]
      if (value === undefined || name !== this.#names[index] || value !== this.#values[index]) return false
      index += 1
    }
    return index === this.#names.length
  }
}
