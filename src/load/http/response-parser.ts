import { HTTPParser } from 'http-parser-js'

// The one file that knows http-parser-js (0.5.10 exactly) from inside. It is a lenient parser: it skips header lines that it does
// not understand, and takes a malformed chunk size for the last chunk. A load has to know an answer's end exactly, so such an
// answer is malformed here.

/** The head of an answer, as http-parser-js gives it. */
export interface ResponseHead {
  readonly statusCode: number
  readonly statusMessage: string
  readonly versionMajor: number
  readonly versionMinor: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
}

/** Bytes that are not HTTP/1.1, and what is wrong with them. */
export class MalformedAnswer extends Error {
  override name = 'MalformedAnswer'
}

/** What http-parser-js keeps to itself. */
interface Internals {
  state: string
  /** The part of a line that has been read. */
  readonly line: string
  readonly info: ResponseHead
  isChunked: boolean
  body_bytes: number | null
  BODY_CHUNKHEAD(): void
  /** `undefined` as long as the line is not complete. */
  consumeLine(): string | undefined
}

type PublicParser = Pick<InstanceType<typeof HTTPParser>, 2 | 3 | 4 | 'execute' | 'parseHeader' | 'maxHeaderSize'>

export interface ResponseParser extends Internals, PublicParser {
  /** Begins anew, for the next answer or a new connection. */
  reinitialize(): void
}

/** Bytes of a head with its trailers, and of a line, beyond which an answer is malformed. Node's own client stops at 16 KB. */
export const LONGEST_HEAD = 80 * 1024

const HEADER_LINE = /^[^: \t]+:/
const CONTINUATION = /^[ \t]/
const CHUNK_SIZE = /^0*[0-9a-f]{1,12}(?=[ \t]*(?:;|$))/i

// In its 'ascii' a byte of 0xba becomes a colon.
HTTPParser.encoding = 'latin1'

/** The errors of http-parser-js in our words. */
const ERRORS: Readonly<Record<string, string>> = {
  HPE_INVALID_CONSTANT: 'an invalid status line',
  HPE_LF_EXPECTED: 'a carriage return within a line',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'different Content-Length headers',
}

/** What a parser calls. Each may throw a `MalformedAnswer`. */
export interface ResponseEvents {
  /** Returns whether the answer has no body. */
  onHead(head: ResponseHead): boolean
  /** A part of the body, without chunk sizes. The bytes are of the chunk being read. */
  onBody(part: Buffer): void
  onComplete(): void
}

/** Creates a parser of the answers of one connection. */
export function createResponseParser(events: ResponseEvents): ResponseParser {
  const parser = new HTTPParser() as unknown as ResponseParser
  const { parseHeader } = parser
  let headBytes = 0
  const countHead = (bytes: number) => {
    headBytes += bytes
    if (headBytes > LONGEST_HEAD) throw new MalformedAnswer(`a head of more than ${LONGEST_HEAD / 1024} KB`)
  }
  parser.parseHeader = (line, headers) => {
    if (!HEADER_LINE.test(line) && !(CONTINUATION.test(line) && headers.length > 0)) {
      throw new MalformedAnswer('a malformed header line')
    }
    countHead(line.length + 2)
    parseHeader.call(parser, line, headers)
  }
  parser.BODY_CHUNKHEAD = () => {
    const line = parser.consumeLine()
    if (line === undefined) return
    const size = line.length > LONGEST_HEAD ? undefined : CHUNK_SIZE.exec(line)?.[0]
    if (size === undefined) throw new MalformedAnswer('an invalid chunk size')
    parser.body_bytes = parseInt(size, 16)
    parser.state = parser.body_bytes === 0 ? 'BODY_CHUNKTRAILERS' : 'BODY_CHUNK'
  }
  parser[HTTPParser.kOnHeadersComplete] = (info) => {
    countHead(info.statusMessage.length)
    // A number in its types, a boolean in its code.
    return events.onHead(info) as unknown as number
  }
  parser[HTTPParser.kOnBody] = events.onBody
  parser[HTTPParser.kOnMessageComplete] = events.onComplete
  // Called by http-parser-js after each answer, too.
  parser.reinitialize = () => {
    headBytes = 0
    HTTPParser.call(parser, HTTPParser.RESPONSE)
    // Its own limit counts whole chunks, with the bodies in them.
    parser.maxHeaderSize = Infinity
  }
  parser.reinitialize()
  return parser
}

/** Reads `length` bytes from `start` on; returns what is wrong with them. The parser is of no use then until it is initialized again. */
export function readResponses(
  parser: ResponseParser,
  chunk: Buffer,
  start: number,
  length: number,
): string | undefined {
  try {
    const parsed = parser.execute(chunk, start, length)
    if (parsed instanceof Error) return ERRORS[(parsed as NodeJS.ErrnoException).code ?? ''] ?? parsed.message
  } catch (error) {
    // It throws what its callbacks threw, and returns its own errors.
    if (error instanceof MalformedAnswer) return error.message
    throw error
  }
  return parser.line.length > LONGEST_HEAD ? `a line of more than ${LONGEST_HEAD / 1024} KB` : undefined
}
