import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import type { CpuProfile } from './cpu-samples.ts'

/** Elements of an array that are one write: the JSON of a whole profile may be longer than a string can be (512 MB). */
const PIECE = 20_000

/** Writes a profile as JSON, piece by piece, and returns its bytes. Removes the file and throws if it cannot be written whole. */
export function writeProfile(file: string, profile: CpuProfile, piece = PIECE): number {
  const descriptor = openSync(file, 'w')
  try {
    let bytes = 0
    for (const text of pieces(profile, piece)) {
      const content = Buffer.from(text)
      for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at)
      bytes += content.length
    }
    return bytes
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

function* pieces(profile: CpuProfile, piece: number): Generator<string> {
  let before = '{'
  for (const [name, value] of Object.entries(profile)) {
    yield `${before}${JSON.stringify(name)}:`
    before = ','
    if (!Array.isArray(value)) {
      yield JSON.stringify(value)
      continue
    }
    yield '['
    for (let at = 0; at < value.length; at += piece) {
      const part = JSON.stringify(value.slice(at, at + piece)).slice(1, -1)
      yield at === 0 ? part : `,${part}`
    }
    yield ']'
  }
  yield '}'
}
