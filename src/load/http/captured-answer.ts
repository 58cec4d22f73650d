import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import type { AnswerHead, AnswerHeaders } from './answer-head.ts'

/** An answer that is kept: its request asked for it, or it is a redirect. It is decoded at the first access. */
export class CapturedAnswer {
  readonly head: AnswerHead
  readonly #encoded: Buffer
  #body: Buffer | undefined
  #malformed: string | undefined

  constructor(head: AnswerHead, encoded: Buffer) {
    this.head = head
    this.#encoded = encoded
  }

  get headers(): AnswerHeaders {
    return this.head.joined
  }

  /** The body without its content codings (gzip, deflate, br); the bytes as they came where those are malformed. Empty unless it was asked for. */
  get body(): Buffer {
    if (this.#body) return this.#body
    this.#body = this.#encoded
    try {
      if (this.#encoded.length > 0) this.#body = decode(this.#encoded, this.head.codings)
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

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  br: brotliDecompressSync,
  deflate: inflate,
  identity: (bytes) => bytes,
}

/** Codings are listed in the order in which they were applied (RFC 9110, 8.4). */
function decode(bytes: Buffer, codings: string): Buffer {
  if (codings === '') return bytes
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
