import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { packageVersion } from '../../package-version.ts'

/** Which code this is. */
export interface Build {
  /** Of the package. */
  readonly version: string
  /** The first 12 hexadecimal digits of a SHA-256 over the code that plans and measures loads: plans and reports have no other format. */
  readonly hash: string
}

const ROOTS = ['../../load', '../../results'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
const CODE = /(?<!\.d)\.[jt]s$/

let known: Build | undefined

/** Reads which code this is, once. */
export function readBuild(): Build {
  return (known ??= { version: packageVersion(), hash: hashOf(ROOTS) })
}

function hashOf(roots: readonly string[]): string {
  const hash = createHash('sha256')
  for (const root of roots) {
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => CODE.test(file))
    for (const file of files.toSorted()) hash.update(file.replaceAll('\\', '/')).update(readFileSync(join(root, file)))
  }
  return hash.digest('hex').slice(0, 12)
}
