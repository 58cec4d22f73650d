import { URL } from 'node:url'
import { readFileSync } from 'node:fs'

let known: string | undefined

/** Returns the version of this package. */
export function packageVersion(): string {
  return (known ??= (
    JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  ).version)
}
