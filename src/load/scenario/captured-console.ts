import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** Lines of one load that are handed on; a scenario that prints in every iteration would print millions. */
const MOST_LINES = 100
/** Characters of a line. */
const LONGEST_LINE = 2_000

export type PrintLine = (level: 'log' | 'error', text: string) => void

/** Counts the lines of one load. */
export class LimitedOutput {
  readonly #print: PrintLine
  #lines = 0

  constructor(print: PrintLine) {
    this.#print = print
  }

  readonly line: PrintLine = (level, text) => {
    this.#lines += 1
    if (this.#lines > MOST_LINES) return
    this.#print(level, text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text)
  }

  /** Says how much was left out. */
  end(): void {
    const left = this.#lines - MOST_LINES
    if (left > 0) this.#print('log', `… and ${left} more lines of this scenario`)
  }
}

/** Has `console` print to `print`, line by line. */
export function captureConsole(print: PrintLine): void {
  const toLines = (level: 'log' | 'error') => {
    const decoder = new StringDecoder('utf8')
    let rest = ''
    return new Writable({
      write(chunk: Buffer, _encoding, done) {
        const lines = (rest + decoder.write(chunk)).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) print(level, line)
        done()
      },
    })
  }
  globalThis.console = new Console({ stdout: toLines('log'), stderr: toLines('error') })
}
