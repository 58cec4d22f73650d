import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { planInit, type ProjectFacts } from './init-plan.ts'

const CONFIGS = ['vitest.config', 'vite.config'].flatMap((name) =>
  ['mts', 'ts', 'mjs', 'js', 'cts', 'cjs'].map((extension) => `${name}.${extension}`),
)
const ENTRIES = ['server', 'app', 'index', 'main'].flatMap((name) =>
  ['', 'src/', 'dist/'].flatMap((folder) => ['js', 'mjs', 'cjs'].map((extension) => `${folder}${name}.${extension}`)),
)

/**
 * Writes the config and a first spec of a project, and returns lines that say what was written and what is left to do. No file
 * that exists is changed.
 *
 * @throws Error where there is no package.json, or it is malformed.
 */
export function initProject(folder: string, { write }: { write: boolean }): string[] {
  const plan = planInit(readFacts(folder))
  for (const { path, text } of write ? plan.files : []) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    // `wx`: what is there by now is the user's.
    writeFileSync(join(folder, path), text, { flag: 'wx' })
  }
  return [...plan.files.map(({ path }) => `${write ? 'wrote' : 'would write'} ${path}`), ...plan.next]
}

function readFacts(folder: string): ProjectFacts {
  const path = join(folder, 'package.json')
  if (!existsSync(path)) {
    throw new Error(
      `There is no package.json in ${folder}: run this in the folder of your project, or run \`npm init\` first.`,
    )
  }
  let manifest: ProjectFacts['manifest']
  try {
    manifest = JSON.parse(readFileSync(path, 'utf8')) as ProjectFacts['manifest']
  } catch (error) {
    throw new Error(`${path} is malformed JSON: ${(error as Error).message}`, { cause: error })
  }
  const exists = (name: string) => existsSync(join(folder, name))
  return {
    manifest,
    config: CONFIGS.find(exists),
    entry: ENTRIES.find(exists),
    typescript: exists('tsconfig.json'),
    taken: ['perf/first.perf.ts', 'perf/first.perf.js'].filter(exists),
  }
}
