import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

// npm puts node_modules/.bin first in PATH, and the Node 24 that Vitest 5 is tested with stands there as `node`. All but
// that one suite must run on the Node of the machine.
export const node = process.env.npm_node_execpath ?? process.execPath

const path = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((entry) => !entry.endsWith(join('node_modules', '.bin')))
  .join(delimiter)

const require = createRequire(import.meta.url)

/** The JavaScript file behind the command that a package installs. */
export function binary(packageName, command = packageName) {
  const manifest = join(root, 'node_modules', packageName, 'package.json')
  const { bin } = require(manifest)
  return join(dirname(manifest), typeof bin === 'string' ? bin : bin[command])
}

/** Runs a file on the machine's Node and ends this process with its code when it fails. */
export function run(file, args = [], { env = {}, cwd = root, allowFailure = false } = {}) {
  const { status, signal } = spawnSync(node, [file, ...args], {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, PATH: path, ...env },
  })
  if ((status !== 0 || signal) && !allowFailure) process.exit(status ?? 1)
  return status ?? 1
}

/** One step of a check, with its name above its output. */
export function step(name, work) {
  const started = performance.now()
  console.log(`\n▸ ${name}`)
  work()
  console.log(`  ${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`)
}
