import { readFile } from 'node:fs/promises'
import { extname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CsvError, parse } from 'csv-parse/sync'
import { optionIssue, rejectIssues } from '../../option-issues.ts'
import { PerfError } from '../../errors.ts'

type Reader = (text: string, name: string) => unknown[]

const READERS: Readonly<Record<string, Reader>> = { '.csv': readCsv, '.json': readJson, '.ndjson': readLines }

/** A file with data of a load: a list of objects. `path` is from `root`, or a file URL. */
export async function readDataFile(path: string | URL, root: string): Promise<unknown[]> {
  const given = String(path)
  const file = given.startsWith('file:') ? fileURLToPath(given) : resolve(root, given)
  const read = READERS[extname(file).toLowerCase()]
  if (!read) rejectIssues('data file', [optionIssue('path', 'a file that ends in .csv, .json or .ndjson', given)])
  const inRoot = relative(root, file)
  const name = inRoot.startsWith('..') ? file : inRoot
  const text = await readText(file, name)
  // A byte order mark is no part of the first column's name.
  return (read as Reader)(text.replace(/^\uFEFF/, ''), name)
}

async function readText(file: string, name: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as { code?: string }
    const why = code === 'ENOENT' ? `there is no file ${file}` : (error as Error).message
    throw dataError(`${name} could not be read: ${why}. Paths are from Vitest's root`, error)
  }
}

function readCsv(text: string, name: string): unknown[] {
  try {
    return parse(text, { columns: namesOfColumns, skip_empty_lines: true, record_delimiter: ['\r\n', '\n', '\r'] })
  } catch (error) {
    if (!(error instanceof CsvError)) throw dataError(`${name}:1: ${(error as Error).message}`, error)
    const line = typeof error['lines'] === 'number' ? error['lines'] : 1
    throw dataError(`${name}:${line}: ${error.message}`, error)
  }
}

function namesOfColumns(header: string[]): string[] {
  const twice = header.find((name, index) => header.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`The header row names the column ${JSON.stringify(twice)} twice`)
  if (header.includes('')) throw new Error(`Column ${header.indexOf('') + 1} of the header row has no name`)
  return header
}

function readJson(text: string, name: string): unknown[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw dataError(`${name}${lineOf(error, text)}: ${(error as Error).message}`, error)
  }
  if (!Array.isArray(value)) throw dataError(`${name}: expected a list of objects, got ${kindOf(value)}`)
  const wrong = value.findIndex((row) => !isObject(row))
  if (wrong !== -1) {
    throw dataError(`${name}: expected a list of objects; element ${wrong} is ${kindOf(value[wrong])}`)
  }
  return value
}

function readLines(text: string, name: string): unknown[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return []
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (error) {
      throw dataError(`${name}:${index + 1}: ${(error as Error).message}`, error)
    }
    if (!isObject(value)) throw dataError(`${name}:${index + 1}: expected an object, got ${kindOf(value)}`)
    return [value]
  })
}

/** Where JSON is malformed. V8 names the position in most of its messages, and not where it quotes an unexpected token. */
function lineOf(error: unknown, text: string): string {
  const { message } = error as Error
  const position = /at position (\d+)/.exec(message)?.[1]
  const at = position === undefined ? shortestWith(text, /^Unexpected token/) : Number(position)
  return `:${text.slice(0, at).split('\n').length}`
}

/** The length of the shortest start of `text` that fails with such a message; all of it if none does. */
function shortestWith(text: string, message: RegExp): number {
  let low = 0
  let high = text.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (message.test(messageFor(text.slice(0, middle)))) high = middle
    else low = middle + 1
  }
  return low
}

function messageFor(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function dataError(message: string, cause?: unknown): PerfError {
  return new PerfError('PERF_INVALID_OPTIONS', message, { cause })
}
