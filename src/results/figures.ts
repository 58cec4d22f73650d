import { nearestName } from '../option-issues.ts'
import { markPosition, parsePath, type PathKey } from './figure-path.ts'
import {
  ALIASES,
  CAPACITY_FIGURES,
  LOAD_FIGURES,
  PROFILE_FIGURES,
  MEMORY_FIGURES,
  OPTIONAL_PARTS,
  type Each,
  type Shape,
} from './figure-shapes.ts'

/** What is measured by what: a load, a memory watch, a profile, or a search for the capacity. */
export type FigureKind = 'load' | 'memory' | 'profile' | 'capacity'

const SHAPES: Readonly<Record<FigureKind, Shape>> = {
  load: LOAD_FIGURES,
  memory: MEMORY_FIGURES,
  profile: PROFILE_FIGURES,
  capacity: CAPACITY_FIGURES,
}
const SUBJECTS: Readonly<Record<FigureKind, string>> = {
  load: 'a load',
  memory: 'a memory watch',
  profile: 'a profile',
  capacity: 'a capacity',
}

/** What is known about the names in a result, by its record: `byName`, `checks`. A record that is absent may hold any name. */
export type KnownNames = Readonly<Record<string, readonly string[]>>

/** Returns what kind of result this is, or `undefined` if it is none of them. */
export function figureKindOf(result: unknown): FigureKind | undefined {
  if (typeof result !== 'object' || result === null) return undefined
  if ('latency' in result && 'statusCodes' in result) return 'load'
  if ('isolates' in result && 'waits' in result) return 'profile'
  if ('limitedBy' in result && 'steps' in result) return 'capacity'
  return 'leak' in result && 'growth' in result ? 'memory' : undefined
}

/** The names that a load which has ended has. Any name may still come where a scenario chooses them, or where names were cut. */
export function namesIn(result: unknown): KnownNames {
  if (figureKindOf(result) !== 'load') return {}
  const { iterations, remarks, byName = {}, checks = {} } = result as Record<string, object | undefined>
  return iterations || remarks ? {} : { byName: Object.keys(byName), checks: Object.keys(checks) }
}

/** Says why `path` is no figure that a result of this kind can have, or returns `undefined` if it is one. */
export function findFigureMistake(path: string, kind: FigureKind, names: KnownNames = {}): string | undefined {
  const keys = parsePath(path)
  if (!Array.isArray(keys)) {
    return `Malformed figure \`${path}\`, ${keys.reason}:\n${markPosition(path, keys.at)}`
  }
  let shape = SHAPES[kind]
  for (const [depth, { key, at }] of keys.entries()) {
    const next = step(shape, key)
    const known = names[keys[depth - 1]?.key ?? '']
    if (next !== undefined && depth === 1 && known && isEach(shape) && shape.each === 'name' && !known.includes(key)) {
      return unknownName(path, at, key, known)
    }
    if (next === undefined) return unknownFigure(path, keys, depth, shape, kind)
    shape = next
  }
  if (shape === 'count' || shape === 'measure') return undefined
  const below = shape === 'text' ? [] : figuresBelow(shape)
  const hint =
    below.length > 0 ? `take one below it, such as \`${join(path, below[0] as string)}\`` : 'it has no value to compare'
  return `\`${path}\` is not a number: ${hint}`
}

function unknownName(path: string, at: number, key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known)
  const shown = known.slice(0, 10).map((name) => JSON.stringify(name))
  const hint = nearest ? `did you mean ${JSON.stringify(nearest)}?` : `known: ${shown.join(', ') || 'none'}`
  return `Unknown name ${JSON.stringify(key)} in \`${path}\`; ${hint}\n${markPosition(path, at)}`
}

function unknownFigure(path: string, keys: readonly PathKey[], depth: number, shape: Shape, kind: FigureKind): string {
  const { key, at, end } = keys[depth] as PathKey
  const where = `Unknown figure \`${path}\` of ${SUBJECTS[kind]}`
  const before = path.slice(0, at).replace(/\.$/, '')
  const other = kind === 'load' ? 'memory' : 'load'
  const marked = markPosition(path, at)
  if (typeof shape === 'string')
    return `${where}; \`${before}\` ${shape === 'text' ? 'is not a number' : 'is a number'} and has nothing below it\n${marked}`
  if (depth === 0 && isFigure(keys, other)) {
    return `${where}; it is one of ${SUBJECTS[other]}\n${marked}`
  }
  if (isEach(shape)) return `${where}; ${describeEach(shape, before)}\n${marked}`
  const nearest = nearestFigure(key, shape)
  if (nearest === undefined) return `${where}; known here: ${Object.keys(shape).join(', ')}\n${marked}`
  const whole = join(before, nearest) + path.slice(end)
  const parsed = parsePath(whole)
  const isWhole = Array.isArray(parsed) && isFigure(parsed, kind)
  return `${where}; did you mean \`${isWhole ? whole : join(before, nearest)}\`?\n${marked}`
}

function describeEach({ each, of }: Each, before: string): string {
  const example = typeof of === 'object' && !isEach(of) ? `.${figuresBelow(of)[0]}` : ''
  if (each === 'status') return `a status is a number from 100 to 599, such as \`${before}.503\``
  return `an element is taken by its index, such as \`${before}[0]${example}\``
}

/** The figure that `key` may have been meant for: by its name in another tool, the nearest percentile, its place, its spelling. */
function nearestFigure(key: string, shape: { readonly [field: string]: Shape }): string | undefined {
  const fields = Object.keys(shape)
  const below = figuresBelow(shape)
  const name = Object.hasOwn(ALIASES, key) ? (ALIASES[key] as string) : key
  const placed = fields.includes(name) ? name : below.find((path) => path.endsWith(`.${name}`))
  if (placed !== undefined) return placed
  const percentile = percentileOf(key)
  if (percentile === undefined) return nearestName(key, fields) ?? nearestName(key, below)
  const distance = (path: string) => Math.abs((percentileOf(lastKey(path)) as number) - percentile)
  const percentiles = below.filter((path) => percentileOf(lastKey(path)) !== undefined)
  return percentiles.toSorted((one, two) => distance(one) - distance(two))[0]
}

function lastKey(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

/** 99.9 of `p999`, 98 of `p98`. */
function percentileOf(key: string): number | undefined {
  const digits = /^p(\d{2})(\d*)$/.exec(key)
  return digits ? Number(`${digits[1]}.${digits[2] || 0}`) : undefined
}

function isFigure(keys: readonly PathKey[], kind: FigureKind): boolean {
  const shape = keys.reduce<Shape | undefined>((at, { key }) => at && step(at, key), SHAPES[kind])
  return shape === 'count' || shape === 'measure'
}

/** All figures below, by paths through plain fields. */
function figuresBelow(shape: Shape): string[] {
  if (typeof shape === 'string' || isEach(shape)) return []
  return Object.entries(shape).flatMap(([field, of]) => {
    if (of === 'count' || of === 'measure') return [field]
    return figuresBelow(of).map((path) => `${field}.${path}`)
  })
}

function join(before: string, key: string): string {
  return before === '' ? key : `${before}.${key}`
}

function isEach(shape: Shape): shape is Each {
  return typeof shape === 'object' && 'each' in shape
}

/** The shape below `key`, or `undefined` where there can be nothing. */
function step(shape: Shape, key: string): Shape | undefined {
  if (typeof shape === 'string') return undefined
  if (!isEach(shape)) return Object.hasOwn(shape, key) ? shape[key] : undefined
  if (shape.each === 'status') return /^[1-5]\d\d$/.test(key) ? shape.of : undefined
  if (shape.each === 'row') return /^\d+$/.test(key) ? shape.of : key === 'length' ? 'count' : undefined
  return shape.of
}

/**
 * The number at a path of a result. `null` where it has no data: a measure that is missing or `NaN`, a row that is not there, a
 * figure of a part that this result does not have. A count of what did not happen is 0.
 */
export function readFigure(result: unknown, path: string): number | null {
  const parsed = parsePath(path)
  if (!Array.isArray(parsed)) return null
  const kind = figureKindOf(result)
  const keys = parsed.map(({ key }) => key)
  if (kind === 'load' && keys[0] === 'waits') keys.unshift('profile')
  let shape: Shape | undefined = kind && SHAPES[kind]
  let value: unknown = result
  for (const [depth, key] of keys.entries()) {
    value = child(value, key)
    if (value === null) return null
    if (value === undefined && isMissingPart(shape, key, depth)) return null
    shape = shape && step(shape, key)
  }
  if (typeof value === 'number') return Number.isNaN(value) ? null : value
  return value === undefined && shape === 'count' ? 0 : null
}

function isMissingPart(shape: Shape | undefined, key: string, depth: number): boolean {
  if (shape === undefined || (depth === 0 && OPTIONAL_PARTS.includes(key))) return true
  return isEach(shape) && shape.each === 'row'
}

function child(from: unknown, key: string): unknown {
  if (typeof from !== 'object' || from === null) return undefined
  if (Object.hasOwn(from, key)) return (from as Record<string, unknown>)[key]
  // A list whose elements say what they are: `waits["GET inventory/:id"]`.
  return Array.isArray(from) ? from.find((element) => (element as { what?: unknown } | null)?.what === key) : undefined
}
