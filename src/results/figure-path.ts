/** Where and why a path is malformed. `at` is the position of the first character that does not fit, 0-based. */
export interface PathMistake {
  readonly at: number
  readonly reason: string
}

/** A key of a path, where it begins in the text, and where it ends. */
export interface PathKey {
  readonly key: string
  readonly at: number
  readonly end: number
}

const PLAIN_KEY = /[^.[\]]+/y
const INDEX = /\[(\d+)\]/y
const QUOTED = /\[("(?:[^"\\\u0000-\u001f]|\\.)*")\]/y

/**
 * The keys of a path into an object: keys after dots, and between brackets indices or JSON strings, such as `latency.p99`,
 * `samples[0].requests`, `byName["GET /items/:id"].errorRate`.
 */
export function parsePath(text: string): PathKey[] | PathMistake {
  const keys: PathKey[] = []
  let at = 0
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at
    return pattern.exec(text)
  }
  if (text === '') return { at: 0, reason: 'a path is missing' }
  while (at < text.length) {
    if (text[at] === '[') {
      const index = take(INDEX)
      const quoted = index ? null : take(QUOTED)
      const key = index?.[1] ?? (quoted && unquote(quoted[1] as string))
      const whole = index ?? quoted
      if (typeof key !== 'string' || !whole)
        return { at, reason: 'a name between brackets is a JSON string, such as ["GET /orders"]' }
      keys.push({ key, at, end: at + whole[0].length })
      at += whole[0].length
      continue
    }
    if (keys.length > 0) {
      if (text[at] !== '.') return { at, reason: 'a dot or a bracket is missing' }
      at += 1
    }
    const plain = take(PLAIN_KEY)
    if (!plain) return { at, reason: 'a name is missing' }
    keys.push({ key: plain[0], at, end: at + plain[0].length })
    at += plain[0].length
  }
  return keys
}

function unquote(text: string): string | undefined {
  try {
    return JSON.parse(text) as string
  } catch {
    return undefined
  }
}

/** The text, and under it a marker. */
export function markPosition(text: string, at: number): string {
  return `  ${text}\n  ${' '.repeat(at)}^`
}

/** What stands at the end of the path; `undefined` where there is nothing. */
export function valueAtPath(from: unknown, keys: readonly string[]): unknown {
  let at = from
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return at
}
