import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

/** Names in lower case. Values of one name are joined by `', '`. */
export type AnswerHeaders = Readonly<Record<string, string>>

/** An answer that somebody reads: of a request that asked for it, or a redirect. It is decoded when it is first read. */
export class CapturedAnswer {
  /** Names as they were sent, and values, in turn. */
  readonly rawHeaders: readonly string[]
  readonly #encoded: Buffer
  #headers: AnswerHeaders | undefined
  #body: Buffer | undefined
  #malformed: string | undefined

  constructor(rawHeaders: readonly string[], encoded: Buffer) {
    this.rawHeaders = rawHeaders
    this.#encoded = encoded
  }

  get headers(): AnswerHeaders {
    return (this.#headers ??= joinHeaders(this.rawHeaders))
  }

  /** The body without its content codings (gzip, deflate, br); the bytes as they came where those are malformed. Empty unless it was asked for. */
  get body(): Buffer {
    if (this.#body) return this.#body
    this.#body = this.#encoded
    try {
      if (this.#encoded.length > 0) this.#body = decode(this.#encoded, this.headers['content-encoding'] ?? '')
    } catch (error) {
      this.#malformed = (error as Error).message
    }
    return this.#body
  }

  /** Why the body could not be decoded. */
  get malformed(): string | undefined {
    void this.body
    return this.#malformed
  }
}

function joinHeaders(raw: readonly string[]): AnswerHeaders {
  const headers: Record<string, string> = Object.create(null)
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase()
    const value = raw[index + 1] as string
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return headers
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  br: brotliDecompressSync,
  deflate: inflate,
  identity: (bytes) => bytes,
}

/** Codings are listed in the order in which they were applied (RFC 9110, 8.4). */
function decode(bytes: Buffer, codings: string): Buffer {
  const names = codings.split(',').map((name) => name.trim().toLowerCase())
  let decoded = bytes
  for (const name of names.filter((text) => text !== '').toReversed()) {
    const decoder = DECODERS[name]
    if (!decoder) throw new Error(`Unknown Content-Encoding ${name}`)
    decoded = decoder(decoded)
  }
  return decoded
}

/** `deflate` means zlib's format, and some servers send raw DEFLATE: the first byte tells, as in browsers. */
function inflate(bytes: Buffer): Buffer {
  return ((bytes[0] as number) & 0x0f) === 8 ? inflateSync(bytes) : inflateRawSync(bytes)
}
