/** What must be known of the head of an answer to skip its body. */
export interface PlainHead {
  readonly status: number
  readonly length: number
}

const OTHER_FRAMING = /\r\n(transfer-encoding|upgrade|connection[ \t]|connection:(?![ \t]*keep-alive[ \t]*(\r|$)))/i
const BARE_LINE_END = /[^\r]\n|\r(?!\n)/
const CONTENT_LENGTH = /\r\ncontent-length *:[ \t]*([^\r]*)/gi

/**
 * The head of an answer (without the empty line at its end) where nothing about it is special: HTTP/1.1, a final status that has a body, one
 * length, a connection that stays open. `undefined` for all others: those are for the real parser.
 */
export function parsePlainHead(head: string): PlainHead | undefined {
  if (!/^HTTP\/1\.1 [2-5]\d\d[ \r]/.test(head)) return undefined
  const status = Number(head.slice(9, 12))
  if (status === 204 || status === 304) return undefined
  if (OTHER_FRAMING.test(head) || BARE_LINE_END.test(head) || /\r\n[ \t]/.test(head)) return undefined
  const lengths = [...head.matchAll(CONTENT_LENGTH)]
  const text = lengths[0]?.[1]?.trim()
  if (lengths.length !== 1 || text === undefined || !/^\d{1,15}$/.test(text)) return undefined
  return { status, length: Number(text) }
}

/** Heads differ by their date, once a second; what varies with each answer only costs a parse each. */
const MOST_REMEMBERED = 64
const remembered = new Map<string, PlainHead>()

/** `parsePlainHead`, remembering the last few. */
export function readPlainHead(head: string): PlainHead | undefined {
  const known = remembered.get(head)
  if (known) return known
  const parsed = parsePlainHead(head)
  if (!parsed) return undefined
  if (remembered.size >= MOST_REMEMBERED) remembered.clear()
  remembered.set(head, parsed)
  return parsed
}

/** Names and values of a plain head, in turn. */
export function headersOf(head: string): string[] {
  return head
    .split('\r\n')
    .slice(1)
    .flatMap((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
    })
}
