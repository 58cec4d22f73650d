import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, step } from './tool.mjs'

// `npm run bench` runs all; `npm run bench -- load` one. Every figure is a ratio of two things measured in turn in one run.
const BENCHES = ['fixtures', 'server', 'load', 'memory', 'reporter', 'profile', 'scenario', 'scale']
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'))

run('scripts/build.mjs')
for (const name of wanted.length > 0 ? wanted : BENCHES) {
  const file = join(root, 'bench', `${name}.mjs`)
  if (!existsSync(file)) throw new Error(`There is no bench '${name}'; known: ${BENCHES.join(', ')}`)
  step(`bench ${name}`, () => run(file, flags))
}
