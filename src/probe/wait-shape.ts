/** Names for calls out of a server that are alike: what differs from call to call is folded. Pure. */

import { URL } from 'node:url'

const MOST_CHARACTERS = 200

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const NUMBER = /^\d+(?:[.,]\d+)?$/
const HEX = /^(?=.*\d)[0-9a-f]{8,}$/i
/** Letters and digits mixed, and long: a token or an id of a database. */
const TOKEN = /^(?=.*\d)(?=.*[a-z])[\w-]{16,}$/i
/** `order-4711`, `user_12`: a word with a number at its end. */
const NUMBERED = /^([a-z]+[-_])\d+$/i

/** Texts that are remembered with their shape: servers send the same statements, and ask the same hosts, again and again. */
const MOST_REMEMBERED = 500

/** The same function, that works out what it returned lately only once. */
export function remembered<T>(shapeOf: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    let shape = known.get(text)
    if (shape === undefined) {
      if (known.size >= MOST_REMEMBERED) known.clear()
      shape = shapeOf(text)
      known.set(text, shape)
    }
    return shape
  }
}

function foldSegment(segment: string): string {
  if (NUMBER.test(segment) || UUID.test(segment) || HEX.test(segment) || TOKEN.test(segment)) return ':id'
  return segment.replace(NUMBERED, '$1:id')
}

/** `/orders/17/items?page=2` as `/orders/:id/items`. */
export function routeShape(path: string): string {
  const [route = ''] = path.split(/[?#]/, 1)
  return route.split('/').map(foldSegment).join('/')
}

const hostOf = remembered((origin: string) => (URL.canParse(origin) ? new URL(origin).host : origin))

/** `GET inventory/items/:id`: method, host (with a port that is not the scheme's own) and route. */
export function httpShape(method: string, origin: string, path: string): string {
  const host = hostOf(origin)
  return shorten(`${method.toUpperCase()} ${host}${routeShape(path)}`.replace(/\/$/, ''))
}

/** A statement without its literals, comments and the length of its lists. */
export const statementShape = remembered((sql: string): string => {
  const folded = sql
    .replace(/\/\*[\s\S]*?\*\/|--[^\n]*|#[^\n]*/g, ' ')
    .replace(/'(?:[^'\\]|\\.|'')*'/g, '?')
    .replace(/\$\d+\b|(?<!:):\w+\b/g, '?')
    .replace(/(?<![\w`".])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi, '?')
    .replace(/\b(?:0x[0-9a-f]+|true|false)\b/gi, '?')
    .replace(/\s+/g, ' ')
    .replace(/\(\s*\?(?:\s*,\s*\?)+\s*\)/g, '(?)')
    .replace(/\(\?\)(?:\s*,\s*\(\?\))+/g, '(?)')
    .trim()
    .replace(/;$/, '')
  return shorten(folded)
})

/** `GET user:?`: a command and the form of its first key. */
export function commandShape(command: string, key?: unknown): string {
  if (typeof key !== 'string' || key === '') return command.toUpperCase()
  const folded = key
    .split(/([:/.|])/)
    .map((part) => (foldSegment(part) === part ? part : '?'))
    .join('')
  return shorten(`${command.toUpperCase()} ${folded}`)
}

function shorten(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text
}
