import { isAbsolute, relative } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { inspect } from 'node:util'

const FRAME = /^\s+at (?:.*? \()?((?:file:\/\/)?[^()]+?):(\d+):(\d+)\)?$/

/**
 * Returns where in the scenario's sources an error was thrown, from `root`: `shop.scenario.ts:12:3`. The first frame
 * that is neither ours nor of a package; `undefined` if there is no such frame.
 */
export function locationOf(error: unknown, root: string): string | undefined {
  const stack = error instanceof Error ? error.stack : undefined
  for (const line of (stack ?? '').split('\n')) {
    const [, path, row, column] = FRAME.exec(line) ?? []
    if (path === undefined || path.startsWith('node:')) continue
    const file = sourcePath(path)
    if (!isAbsolute(file) || file.includes('node_modules') || isOurs(file)) continue
    return `${shownPath(file, root)}:${row}:${column}`
  }
  return undefined
}

const OWN_FOLDER = fileURLToPath(new URL('../../', import.meta.url))

function isOurs(file: string): boolean {
  return file.startsWith(OWN_FOLDER)
}

/** A source as a stack or a source map names it. */
export function sourcePath(name: string): string {
  return name.startsWith('file://') ? fileURLToPath(name) : name
}

/** A path from `root`, if it is in there. */
export function shownPath(file: string, root: string): string {
  const path = relative(root, file)
  return path.startsWith('..') ? file : path
}

/** An error in one line: its message, and where it was thrown. Whatever was thrown: a scenario may throw anything. */
export function describeError(error: unknown, root: string): string {
  try {
    const message = error instanceof Error ? error.message || error.name : `threw ${describeValue(error)}`
    const location = locationOf(error, root)
    return location === undefined ? message : `${message} (${location})`
  } catch {
    return 'threw something that cannot be shown'
  }
}

/** Characters of a value that is no error. */
const LONGEST_VALUE = 200

function describeValue(value: unknown): string {
  if (typeof value === 'string') return value
  return inspect(value, { depth: 1, breakLength: Infinity }).slice(0, LONGEST_VALUE)
}
