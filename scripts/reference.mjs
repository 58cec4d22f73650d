import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeReference } from './reference/reference.mjs'
import { root } from './tool.mjs'

// Writes docs/reference from the TSDoc in src/. `--check` writes nothing, and fails where a page is not what would be written.
const folder = join(root, 'docs/reference')
const { files, problems } = makeReference()
mkdirSync(folder, { recursive: true })
const old = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
const stale = [...new Set([...old.keys(), ...files.keys()])].filter((name) => old.get(name) !== files.get(name))
if (process.argv.includes('--check')) {
  problems.push(...stale.map((name) => `docs/reference/${name} is not what the sources say: run \`npm run docs\``))
} else {
  for (const name of stale) {
    if (files.has(name)) writeFileSync(join(folder, name), files.get(name))
    else rmSync(join(folder, name))
  }
}
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
