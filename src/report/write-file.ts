import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a file whole or not at all, with the folders it needs. The error's message names the path. */
export function writeWhole(path: string, content: string): void {
  const draft = `${path}.${process.pid}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(draft, content)
    renameSync(draft, path)
  } catch (error) {
    rmDraft(draft)
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`Could not write ${path}: ${reason}`, { cause: error })
  }
}

function rmDraft(draft: string): void {
  try {
    rmSync(draft, { force: true })
  } catch {
    // What could not be written cannot always be removed; the first error is the one to tell.
  }
}
