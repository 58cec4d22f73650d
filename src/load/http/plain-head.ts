import { AnswerHead } from './answer-head.ts'

/** What the parser needs to know of a head to find the end of the answer. */
export interface PlainHead {
  readonly status: number
  readonly length: number
  /** For those who read its lines. */
  readonly head: AnswerHead
}

/** A status line with a final status, and header lines that end in CRLF and are not folded. */
const PLAIN = /^HTTP\/1\.1 [2-5]\d\d(?: [^\r\n]*)?(?:\r\n[^: \t\r\n]+:[^\r\n]*)*$/
const OTHER_FRAMING = /\r\n(?:transfer-encoding:|upgrade:|connection:(?![ \t]*keep-alive[ \t]*(?:\r|$)))/i
const CONTENT_LENGTH = /\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?=\r|$)/i
const ANY_CONTENT_LENGTH = /\r\ncontent-length:/gi
/** Longer ones are left to the parser, which has a limit. */
const LONGEST = 8_192

/**
 * Parses a plain head (without the empty line at its end): HTTP/1.1, a final status that has a body, one length, a
 * connection that stays open. Returns `undefined` for all others, which http-parser-js parses.
 */
export function parsePlainHead(head: string): PlainHead | undefined {
  if (head.length > LONGEST || !PLAIN.test(head) || OTHER_FRAMING.test(head)) return undefined
  const status = Number(head.slice(9, 12))
  if (status === 204 || status === 304 || head.match(ANY_CONTENT_LENGTH)?.length !== 1) return undefined
  const length = CONTENT_LENGTH.exec(head)?.[1]
  return length === undefined ? undefined : { status, length: Number(length), head: new AnswerHead(head) }
}

/** Heads that were parsed last. Most servers' heads differ by their date alone, once a second. */
const MOST_REMEMBERED = 64
const remembered = new Map<string, PlainHead>()

/** Does what `parsePlainHead` does, and remembers the last heads. */
export function readPlainHead(head: string): PlainHead | undefined {
  const known = remembered.get(head)
  if (known) return known
  const parsed = parsePlainHead(head)
  if (!parsed) return undefined
  if (remembered.size >= MOST_REMEMBERED) remembered.clear()
  remembered.set(head, parsed)
  return parsed
}
