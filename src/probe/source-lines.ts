import { readFileSync } from 'node:fs'
import type { Debugger, Session } from 'node:inspector'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath, pathToFileURL, URL } from 'node:url'
import { isProjectCode } from './code-owner.ts'
import { post } from './inspector-post.ts'

interface Position {
  readonly scriptId: string
  readonly url: string
  /** Both from 0. */
  readonly line: number
  readonly column: number
}

/** Positions in running scripts as `file:line` of the source that a person wrote. */
export class SourceLines {
  readonly #mapUrls: ReadonlyMap<string, string>
  readonly #scripts: ReadonlyMap<string, string>
  readonly #maps = new Map<string, SourceMap | undefined>()

  private constructor(mapUrls: ReadonlyMap<string, string>, scripts: ReadonlyMap<string, string>) {
    this.#mapUrls = mapUrls
    this.#scripts = scripts
  }

  /** Asks V8 for the source map of every script it has: also of those a loader compiled in memory. */
  static async of(session: Session): Promise<SourceLines> {
    const mapUrls = new Map<string, string>()
    const scripts = new Map<string, string>()
    const onParsed = ({ params }: { params: Debugger.ScriptParsedEventDataType }): void => {
      scripts.set(params.url, params.scriptId)
      if (params.sourceMapURL) mapUrls.set(params.scriptId, params.sourceMapURL)
    }
    session.on('Debugger.scriptParsed', onParsed)
    await post(session, 'Debugger.enable', {})
    await post(session, 'Debugger.disable', {})
    session.off('Debugger.scriptParsed', onParsed)
    return new SourceLines(mapUrls, scripts)
  }

  locate(position: Position): string {
    const map = this.#mapOf(position)
    const entry = map?.findEntry(position.line, position.column)
    if (entry && 'originalSource' in entry && entry.originalSource) {
      return `${shorten(new URL(entry.originalSource, asUrl(position.url)).href)}:${entry.originalLine + 1}`
    }
    return `${shorten(position.url)}:${position.line + 1}`
  }

  /** The innermost line of the project's own code in a stack that V8 wrote. */
  locateCaller(stack: string): string | undefined {
    const frame = stack
      .split('\n')
      .map(parseFrame)
      .find((found) => found && isProjectCode(found.url))
    return frame && this.locate({ ...frame, scriptId: this.#scripts.get(frame.url) ?? '' })
  }

  #mapOf({ scriptId, url }: Position): SourceMap | undefined {
    const mapUrl = this.#mapUrls.get(scriptId)
    if (mapUrl === undefined) return undefined
    if (!this.#maps.has(scriptId)) this.#maps.set(scriptId, readMap(mapUrl, url))
    return this.#maps.get(scriptId)
  }
}

/** Whether a stack that V8 wrote has a frame of the project's own code. */
export function hasProjectFrame(stack: string): boolean {
  return stack.split('\n').some((line) => isProjectCode(parseFrame(line)?.url ?? ''))
}

/** `    at load (file:///app/orders.js:12:7)`: what stands in brackets, or at the end of the line. */
function parseFrame(line: string): { url: string; line: number; column: number } | undefined {
  const [, url, at, column] = /^\s+at (?:.*\()?(.+?):(\d+):(\d+)\)?$/.exec(line) ?? []
  if (url === undefined) return undefined
  return { url: url.replace(/^async /, ''), line: Number(at) - 1, column: Number(column) - 1 }
}

function readMap(mapUrl: string, scriptUrl: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readText(mapUrl, scriptUrl)) as SourceMapPayload)
  } catch {
    return undefined // no map, or a broken one: the position in the running script is still true
  }
}

function readText(mapUrl: string, scriptUrl: string): string {
  const inline = /^data:[^,]*?(;base64)?,(.*)$/s.exec(mapUrl)
  if (inline) return inline[1] ? Buffer.from(inline[2] ?? '', 'base64').toString() : decodeURIComponent(inline[2] ?? '')
  return readFileSync(fileURLToPath(new URL(mapUrl, asUrl(scriptUrl))), 'utf8')
}

function asUrl(url: string): string {
  return url.includes('://') ? url : pathToFileURL(url).href
}

/** Relative to the working directory where the file is below it. */
function shorten(url: string): string {
  const path = url.startsWith('file:') ? fileURLToPath(url) : url
  const short = relative(process.cwd(), path)
  return short.startsWith('..') || short === '' ? path : short
}
